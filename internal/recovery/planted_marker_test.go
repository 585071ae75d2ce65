package recovery

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"topobench/internal/artifacts"
)

// Any program may have written a marker. Whatever is in it, Open and Close remove no
// directory but the run's own.
func TestS12PlantedMarkerRemovesNothing(t *testing.T) {
	temp := t.TempDir()
	victim, err := Create(t.TempDir(), temp, "victim")
	if err != nil {
		t.Fatal(err)
	}
	defer victim.Close()
	inode, _, err := victim.temp.identify()
	if err != nil {
		t.Fatal(err)
	}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		why    string
		marker marker
		opens  bool
	}{
		{"another directory with the name of the run's own",
			marker{Run: "id", Host: host, Temp: victim.TempDir(), Inode: 1}, true},
		{"the directory of another run, which points back to that one",
			marker{Run: "id", Host: host, Temp: victim.TempDir(), Inode: inode}, true},
		{"a directory with another name", marker{Run: "id", Host: host, Temp: temp, Inode: 1}, false},
		{"a path that climbs", marker{Run: "id", Host: host, Temp: temp + "/tb-x/../..", Inode: 1}, false},
		{"another run's marker", marker{Run: "other", Host: host, Temp: victim.TempDir(), Inode: 1}, false},
		{"another machine's run", marker{Run: "id", Host: host + "x", Temp: victim.TempDir(), Inode: 1}, false},
	} {
		t.Run(row.why, func(t *testing.T) { plant(t, row.marker, row.opens) })
		if !exists(victim.TempDir()) {
			t.Fatal("the directory of another run was removed")
		}
	}
}

func plant(t *testing.T, m marker, opens bool) {
	t.Helper()
	path := filepath.Join(t.TempDir(), artifacts.StateDir, "id")
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(path, markerName), string(data))
	d, err := Open(path)
	if opened := err == nil; opened != opens {
		t.Fatalf("opened: %t, want %t (%v)", opened, opens, err)
	}
	if opens {
		if !d.hasNoTempDir() {
			t.Error("it has taken the lock of a directory that is not the run's")
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Any program may have written a pointer, too. A bad one leads to no run.
func TestS12PlantedPointerLeadsNowhere(t *testing.T) {
	target := filepath.Join(t.TempDir(), artifacts.StateDir, "id")
	outside := filepath.Join(t.TempDir(), "pointer")
	write(t, outside, target+"\n")
	for _, row := range []struct {
		why, pointer string
		prepare      func(path string) error
	}{
		{"a relative path", "root/" + artifacts.StateDir + "/id\n", nil},
		{"a path that climbs", target + "/../../x/" + artifacts.StateDir + "/id\n", nil},
		{"a directory that is no run's", "/etc\n", nil},
		{"nothing", "", nil},
		{"a link", "", func(path string) error { return os.Symlink(outside, path) }},
	} {
		temp := t.TempDir()
		path := filepath.Join(temp, tempPrefix+"1", pointerName)
		if row.prepare != nil {
			write(t, filepath.Join(filepath.Dir(path), "file"), "")
			if err := row.prepare(path); err != nil {
				t.Fatal(err)
			}
		} else {
			write(t, path, row.pointer)
		}
		if runs, err := candidates(temp); err != nil || len(runs) > 0 {
			t.Errorf("%s leads to %v, %v", row.why, runs, err)
		}
	}
}

package rundir

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// runUntilKilled is a run whose owner does not close it. It ends by itself
// after a minute, in case nobody kills it.
func runUntilKilled(root string) error {
	d, err := Create(root, "id")
	if err != nil {
		return err
	}
	fmt.Println(d.TempDir())
	<-time.After(time.Minute)
	return d.Close()
}

func TestListIsInOrderAndSkipsWhatIsNoRun(t *testing.T) {
	root := t.TempDir()
	if runs, err := List(root); err != nil || len(runs) != 0 {
		t.Errorf("a root without runs lists %v (%v)", runs, err)
	}
	write(t, filepath.Join(root, StateDir, "stranger", "file"), "")
	var want []string
	for _, id := range []string{"20261124-094805-3f2a", "20261125-000000-0000"} {
		d, err := Create(root, id)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		want = append(want, d.Path())
	}
	runs, err := List(root)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, runs); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}

func TestOpenRefusesALiveRun(t *testing.T) {
	d := create(t)
	_, err := Open(d.Path())
	live, ok := errors.AsType[*LiveError](err)
	if !ok || live.Path != d.Path() {
		t.Errorf("got %v", err)
	}
}

func TestOpenOfAClosedRunHasNothingToRemove(t *testing.T) {
	d := create(t)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(d.Path())
	if err != nil || again.ID() != d.ID() || again.Root() != d.Root() {
		t.Fatalf("got %+v (%v)", again, err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestKilledRunIsTakenOverOnce(t *testing.T) {
	root := t.TempDir()
	c, err := start(t, "run", root, nil)
	if err != nil {
		t.Fatal(err)
	}
	temp := c.line()
	path := filepath.Join(root, StateDir, "id")
	if _, err := Open(path); err == nil {
		t.Error("a run whose owner lives in another process is taken over")
	}
	c.kill(t)
	if !exists(temp) {
		t.Fatalf("%q is not there after the kill", temp)
	}
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil {
		t.Error("the run is taken over twice")
	}
	if err := d.Close(); err != nil || exists(temp) {
		t.Errorf("the temporary directory is there: %t (%v)", exists(temp), err)
	}
}

// S-12: a marker is a file that anybody may have put there.
func TestPlantedMarkerRemovesNothing(t *testing.T) {
	stranger, err := os.MkdirTemp(tempRoot, tempPrefix)
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(stranger)
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(t.TempDir(), tempPrefix+"x")
	if err := os.Mkdir(elsewhere, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		why    string
		marker marker
		opens  bool
	}{
		{"another directory of such a name", marker{Run: "id", Host: host, Temp: stranger, Inode: 1}, true},
		{"a directory elsewhere", marker{Run: "id", Host: host, Temp: elsewhere, Inode: 1}, false},
		{"a directory with another name", marker{Run: "id", Host: host, Temp: tempRoot, Inode: 1}, false},
		{"a path that climbs", marker{Run: "id", Host: host, Temp: tempRoot + "/tb-x/../..", Inode: 1}, false},
		{"another run's marker", marker{Run: "other", Host: host, Temp: stranger, Inode: 1}, false},
		{"another machine's run", marker{Run: "id", Host: host + "x", Temp: stranger, Inode: 1}, false},
	} {
		t.Run(row.why, func(t *testing.T) { plant(t, row.marker, row.opens) })
		if !exists(stranger) {
			t.Fatal("the stranger's directory was removed")
		}
	}
}

func plant(t *testing.T, m marker, opens bool) {
	t.Helper()
	path := filepath.Join(t.TempDir(), StateDir, "id")
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
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	if !exists(m.Temp) && filepath.Clean(m.Temp) == m.Temp {
		t.Error("the directory was removed")
	}
}

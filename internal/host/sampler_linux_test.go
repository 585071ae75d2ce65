package host

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestF36IdleShareOfTheMachine(t *testing.T) {
	ms := func(idle, all int) CPUTimes {
		return CPUTimes{time.Duration(idle) * time.Millisecond, time.Duration(all) * time.Millisecond}
	}
	for _, row := range []struct {
		why         string
		before, now CPUTimes
		share       float64
		known       bool
	}{
		{"4 % idle", ms(100, 500), ms(500, 10500), 0.04, true},
		{"too short for clock ticks", ms(100, 500), ms(100, 1400), 0, false},
		{"iowait went back", ms(900, 500), ms(100, 10500), 0, true},
		{"all went back", ms(900, 9000), ms(100, 500), 0, false},
		{"idle is no more than all", ms(0, 0), ms(3000, 2000), 1, true},
	} {
		if share, known := row.now.IdleSince(row.before); share != row.share || known != row.known {
			t.Errorf("%s: %v, %v", row.why, share, known)
		}
	}
	now, err := CPU()
	if errors.Is(err, errors.ErrUnsupported) {
		return
	}
	if err != nil || now.All <= 0 || now.Idle < 0 || now.Idle > now.All {
		t.Errorf("this machine: %+v, %v", now, err)
	}
}

func TestF71SpaceBelowAMissingPath(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "a", "b", "c")} {
		if space, err := Disk(path); err != nil || space.Bytes == 0 || space.Files == 0 {
			t.Errorf("%s: %+v, %v", path, space, err)
		}
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Disk(filepath.Join(file, "below")); err == nil || !strings.Contains(err.Error(), "cannot see how much space") {
		t.Errorf("below a file: %v", err)
	}
}

func TestF75FileSystemsOfOtherMachines(t *testing.T) {
	for _, row := range []struct{ why, kind, want string }{
		{"a home directory", "nfs", "NFS"},
		{"a cluster's scratch", "lustre", "Lustre"},
		{"another's", "gpfs", "GPFS"},
		{"a third's", "fhgfs", "BeeGFS"},
		{"ext4 is local", "ext2/ext3", ""},
		{"xfs is local", "xfs", ""},
		{"tmpfs is local", "tmpfs", ""},
		{"overlayfs is local", "overlayfs", ""},
		{"an unknown one is local", "", ""},
	} {
		if got := remote(row.kind); got != row.want {
			t.Errorf("%s: %q, want %q", row.why, got, row.want)
		}
	}
}

// The shell's children have ended and were reaped when its load is read.
func TestTreeLoadHasTheTimeOfReapedChildren(t *testing.T) {
	c := exec.Command("sh", "-c", `for i in 1 2 3; do sh -c 'i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done'; done; echo done; exec sleep 60`)
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer c.Wait()
	defer c.Process.Kill()
	if _, err := out.Read(make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	l, err := TreeLoad(c.Process.Pid)
	if err != nil || l.CPU < 20*time.Millisecond || len(l.Procs) != 1 || l.Procs[0].CPU >= l.CPU || l.Limit.CPUs <= 0 {
		t.Errorf("got %+v, %v", l, err)
	}
	if again := l.Again(); again.CPU < l.CPU || len(again.Procs) != 1 || again.Limit.CPUs != l.Limit.CPUs || !again.At.After(l.At) {
		t.Errorf("read again: %+v", again)
	}
	if l.Procs[0].Ticks++; !l.Again().At.IsZero() {
		t.Error("another process with its pid was read")
	}
	if _, err := TreeLoad(1 << 30); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a process that is gone: %v", err)
	}
}

package host

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"topobench/internal/host/proc"
)

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
	l := load(t, Question{Trees: []int{c.Process.Pid}})
	if l.CPU < 20*time.Millisecond || len(l.Procs) != 1 || l.Procs[0].CPU >= l.CPU || l.Limit.CPUs <= 0 {
		t.Errorf("got %+v", l)
	}
	if again := load(t, Question{Again: []proc.Load{l}}); again.CPU < l.CPU || len(again.Procs) != 1 || again.Limit.CPUs != l.Limit.CPUs || !again.At.After(l.At) {
		t.Errorf("read again: %+v", again)
	}
	if l.Procs[0].Ticks++; !l.Again().At.IsZero() {
		t.Error("another process with its pid was read")
	}
	if l := load(t, Question{Trees: []int{1 << 30}}); !l.At.IsZero() {
		t.Errorf("a process that is gone: %+v", l)
	}
}

func load(t *testing.T, q Question) proc.Load {
	t.Helper()
	look, err := Local{}.Look(t.Context(), q)
	if err != nil || len(look.Loads) != 1 {
		t.Fatal(look.Loads, err)
	}
	return look.Loads[0]
}

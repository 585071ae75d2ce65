package proc

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A semaphore of Python's multiprocessing is made so by glibc's sem_open: what maps it
// shows the name it had before.
func TestHoldersOfAFileWithAnotherName(t *testing.T) {
	dir := t.TempDir()
	before, after := filepath.Join(dir, "sem.AbCdEf"), filepath.Join(dir, "sem.mp-1")
	if err := os.WriteFile(before, make([]byte, 32), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(before, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	memory, err := syscall.Mmap(int(f.Fd()), 0, 32, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err := errors.Join(err, f.Close(), os.Link(before, after), os.Remove(before)); err != nil {
		t.Fatal(err)
	}
	self, err := Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if held := Holders([]Proc{self}, dir); len(held[after]) != 1 || len(held) != 1 {
		t.Errorf("%v", held)
	}
	if err := syscall.Munmap(memory); err != nil {
		t.Fatal(err)
	}
	if held := Holders([]Proc{self}, dir); len(held) > 0 {
		t.Errorf("after: %v", held)
	}
}

func TestBelow(t *testing.T) {
	for _, row := range []struct {
		why, path, dir string
		want           bool
	}{
		{"a file of the directory", "/run/svc.log", "/run", true},
		{"one further down", "/run/logs/svc.log", "/run", true},
		{"the directory itself", "/run", "/run", false},
		{"a directory that only begins alike", "/runs/svc.log", "/run", false},
		{"no directory: not everything", "/run/svc.log", "", false},
	} {
		if got := below(row.path, row.dir); got != row.want {
			t.Errorf("%s: got %v", row.why, got)
		}
	}
}

package text

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"
)

// C23: procfs is a file system of every Linux that refuses both chmod and fsync.
func TestC23AnOperationThatTheFileSystemLacksIsNoError(t *testing.T) {
	refused := os.Chmod("/proc/self/comm", 0o600)
	if refused == nil {
		t.Fatal("procfs has modes: another example is needed")
	}
	if err := IfSupported(refused); err != nil {
		t.Errorf("chmod: %v", err)
	}
	if err := Sync("/proc/self"); err != nil {
		t.Errorf("fsync of a directory: %v", err)
	}
	for _, errno := range []error{syscall.EIO, syscall.ENOSPC, syscall.EROFS, syscall.EDQUOT, fs.ErrClosed} {
		if got := IfSupported(&fs.PathError{Op: "sync", Path: "/x", Err: errno}); !errors.Is(got, errno) {
			t.Errorf("%v is %v: results would be lost", errno, got)
		}
	}
}

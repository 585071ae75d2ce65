package proc

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// The memory of a process is locked, as by a wedged driver: a reader of its arguments or
// environment goes on, and leaves one thread behind however often it looks. A pipe
// without a writer stands in for its files.
func TestF5FReadingAStuckProcess(t *testing.T) {
	dir := t.TempDir()
	environ, cmdline := filepath.Join(dir, "environ"), filepath.Join(dir, "cmdline")
	if err := syscall.Mkfifo(environ, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cmdline, []byte("vllm\x00serve\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := words(environ); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("error %v", err)
	}
	before, began := runtime.NumGoroutine(), time.Now()
	for range 20 {
		if _, err := words(environ); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		if _, err := words(cmdline); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("another file of the same memory: error %v", err)
		}
	}
	if n := runtime.NumGoroutine() - before; n > 0 || time.Since(began) > memoryWithin {
		t.Errorf("%d more goroutines are stuck, after %v", n, time.Since(began))
	}
	end, err := os.OpenFile(environ, os.O_WRONLY, 0) // the first reader gets its answer
	if err != nil {
		t.Fatal(err)
	}
	if err := end.Close(); err != nil {
		t.Error(err)
	}
	unlocked := time.Now()
	for _, err = words(cmdline); err != nil && time.Since(unlocked) < 10*memoryWithin; _, err = words(cmdline) {
		runtime.Gosched()
	}
	if got, err := words(cmdline); err != nil || len(got) != 2 {
		t.Errorf("unlocked: %q, %v", got, err)
	}
}

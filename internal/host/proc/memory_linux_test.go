package proc

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A process whose memory is locked, as in a wedged driver: who asks for its arguments
// or environment goes on. A pipe that nobody writes stands in for its file.
func TestF5FReadingAStuckProcess(t *testing.T) {
	stuck := filepath.Join(t.TempDir(), "environ")
	if err := syscall.Mkfifo(stuck, 0o600); err != nil {
		t.Fatal(err)
	}
	answer := make(chan error, 1)
	go func() { _, err := words(stuck); answer <- err }()
	select {
	case err := <-answer:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("error %v", err)
		}
	case <-time.After(10 * memoryWithin):
		t.Error("it waits for ever")
	}
	end, err := os.OpenFile(stuck, os.O_WRONLY, 0) // lets go who waits still
	if err != nil {
		t.Fatal(err)
	}
	if err := end.Close(); err != nil {
		t.Error(err)
	}
}

package proc

import (
	"fmt"
	"os"
	"time"
)

// memoryWithin is how long the kernel may take to show what lies in the memory of
// another process; it takes microseconds.
const memoryWithin = time.Second

// readMemory reads a file that the kernel makes from the memory of a process: its
// cmdline, environ or maps. A process that is stuck in a driver may have its memory
// locked, and who reads it is stuck as well: ps hangs. Here only a goroutine is.
func readMemory(path string) ([]byte, error) {
	type answer struct {
		text []byte
		err  error
	}
	read := make(chan answer, 1)
	go func() {
		text, err := os.ReadFile(path)
		read <- answer{text, err}
	}()
	late := time.NewTimer(memoryWithin)
	defer late.Stop()
	select {
	case a := <-read:
		return a.text, a.err
	case <-late.C:
		return nil, fmt.Errorf("cannot read %s: no answer within %v: %w", path, memoryWithin, os.ErrDeadlineExceeded)
	}
}

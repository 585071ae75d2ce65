package proc

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// memoryWithin is how long the kernel may take to show the memory of another process; it
// takes microseconds.
const memoryWithin = time.Second

// stuck are the directories of /proc from which a read never came back, while it has
// not. It is this package's only state: each such read holds a thread of this program, so
// the whole program has to remember not to start another. Every look at all processes,
// several a second in a teardown, would otherwise add one.
var stuck = struct {
	sync.Mutex
	in map[string]bool
}{in: map[string]bool{}}

// readMemory reads a file that the kernel makes from the memory of a process: its
// cmdline, environ or maps. A process that is stuck in a driver may hold the lock of its
// memory, and a reader of it hangs, as ps does. Here only a goroutine hangs, one for each
// process. The error matches os.ErrDeadlineExceeded then.
func readMemory(path string) ([]byte, error) {
	dir := filepath.Dir(path)
	late := fmt.Errorf("cannot read %s: no answer within %v: %w", path, memoryWithin, os.ErrDeadlineExceeded)
	stuck.Lock()
	skip := stuck.in[dir]
	stuck.Unlock()
	if skip {
		return nil, late
	}
	type answer struct {
		text []byte
		err  error
	}
	read, abandoned := make(chan answer, 1), false // the latter under the lock of stuck
	go func() {
		text, err := os.ReadFile(path)
		stuck.Lock()
		defer stuck.Unlock()
		if abandoned {
			delete(stuck.in, dir)
		}
		read <- answer{text, err}
	}()
	limit := time.NewTimer(memoryWithin)
	defer limit.Stop()
	select {
	case a := <-read:
		return a.text, a.err
	case <-limit.C:
	}
	stuck.Lock()
	defer stuck.Unlock()
	select {
	case a := <-read: // in the last moment
		return a.text, a.err
	default:
		stuck.in[dir], abandoned = true, true
		return nil, late
	}
}

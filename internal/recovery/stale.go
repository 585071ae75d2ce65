package recovery

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"topobench/internal/artifacts"
	"topobench/internal/host/proc"
)

// openStale takes over the temporary directory of a run whose own directory is gone,
// with the lock, so that Close removes it. It fails with *LiveError while the owner
// runs, and with fs.ErrNotExist if the temporary directory was removed meanwhile.
func openStale(c candidate) (*Run, error) {
	temp, err := openTempDir(c.Temp)
	if err == nil && temp.lock != nil {
		err = temp.take()
	}
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return nil, &LiveError{Path: c.Run}
	case err != nil:
		return nil, err
	case temp.target() != c.Run:
		return nil, errors.Join(artifacts.Cannot("take over", c.Temp, fs.ErrNotExist), temp.unlock())
	}
	if _, err := os.Lstat(c.Run); !errors.Is(err, fs.ErrNotExist) {
		id := filepath.Base(c.Run)
		return nil, errors.Join(fmt.Errorf("cannot find the processes of run %s: %s has lost its %s; "+
			"kill the processes with %s=%s in their environment, and remove %s",
			id, c.Run, markerName, artifacts.RunVariable, id, c.Temp), err, temp.unlock())
	}
	return &Run{artifacts.At(c.Run), temp, false}, nil
}

// cleanStale removes the temporary directory of a run whose own directory is gone, and
// its journal with it. It does so only if no process of the run is left, by cookie and
// open files: without a journal it kills none. It returns nil if the temporary
// directory was removed meanwhile.
func (c Cleaner) cleanStale(l candidate, f *Found) *Found {
	run, err := openStale(l)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return f.leftAlone(err)
	}
	if f.Left, err = survivors(run); err == nil && len(f.Left) > 0 {
		err = fmt.Errorf("the run still has %s", proc.Count(len(f.Left)))
	}
	if err != nil {
		err = fmt.Errorf("cannot remove %s: its run's directory %s is gone, and %w", l.Temp, l.Run, err)
		return f.leftAlone(errors.Join(err, run.unlock()))
	}
	f.Fate = DirectoryGone
	f.Err = c.release(run, f, nil)
	return f
}

// survivors are the processes of a run without a usable journal, by cookie and open files.
func survivors(run *Run) ([]proc.Proc, error) {
	all, err := proc.Snapshot()
	return ledgerState{}.trace(run).Any(all), err
}

package recovery

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"topobench/internal/host/proc"
	"topobench/internal/journal"
)

const (
	// retryEvery is the interval between two attempts to open a run.
	retryEvery = 10 * time.Millisecond
	// forceLimit bounds the wait for a run after SIGTERM: the graces of its services,
	// the kills and the teardown checks, with a margin.
	forceLimit = 5 * time.Minute
	// otherLimit bounds the wait for another process that cleans the same run. If that
	// holds the lock for longer, it may be an owner that is not visible from here.
	otherLimit = 5 * time.Second
)

// takeOver opens a run whose owner is gone. A running one is a *LiveError, unless
// Force is set. A run that is locked although its owner is gone is being cleaned by
// another process: takeOver waits for that.
func (c Cleaner) takeOver(ctx context.Context, path string, state ledgerState) (*Run, error) {
	owner, running := state.owner()
	force, limit := c.Force && !c.DryRun && running, otherLimit
	if force {
		for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGCONT} { // it may be stopped
			if err := proc.Signal(owner, sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
				return nil, err
			}
		}
		limit = forceLimit
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the run still holds its lock after %v", limit))
	defer cancel()
	again := time.NewTicker(retryEvery)
	defer again.Stop()
	for {
		run, err := openDead(path, state)
		_, live := errors.AsType[*LiveError](err)
		if !live || running && !force || state.Owner.PID == 0 || state.elsewhere() {
			return run, err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w (%w)", err, context.Cause(ctx))
		}
	}
}

// openDead is Open that also recognises an owner that has lost its lock, for example
// because /tmp was emptied.
func openDead(path string, state ledgerState) (*Run, error) {
	run, err := Open(path)
	if err != nil {
		return nil, err
	}
	if state.elsewhere() {
		return nil, errors.Join(fmt.Errorf("cannot find the processes of run %s: it was started in another container "+
			"(pid namespace), or outside of this one; run clean there, or, if that container is gone, "+
			"remove %s and run clean here", run.ID(), filepath.Join(run.Path(), journal.Name)), run.unlock())
	}
	if _, running := state.owner(); running {
		return nil, errors.Join(&LiveError{Path: path}, run.unlock())
	}
	return run, nil
}

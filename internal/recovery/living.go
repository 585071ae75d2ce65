package recovery

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"topobench/internal/artifacts"
	"topobench/internal/host/proc"
	"topobench/internal/journal"
)

const (
	// askEvery is how often it is asked whether a run is free by now.
	askEvery = 10 * time.Millisecond
	// forceLimit is how long a run that was told to end may take: the graces of its
	// services, their sweeps and the proof, with room.
	forceLimit = 5 * time.Minute
	// otherLimit is how long another process may take to clean the same run. One that
	// has not let go by then may as well be an owner that cannot be seen from here.
	otherLimit = 5 * time.Second
)

// takeOver opens a run whose owner is gone. One that lives is a *rundir.LiveError,
// unless it is to be ended. One that is locked although its owner is gone is being
// cleaned by somebody else: it is waited for.
func (c Cleaner) takeOver(ctx context.Context, path string, past past) (*artifacts.Dir, error) {
	owner, lives := past.living()
	force, limit := c.Force && !c.DryRun && lives, otherLimit
	if force {
		for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGCONT} { // a stopped one hears nothing else
			if err := proc.Signal(owner, sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
				return nil, err
			}
		}
		limit = forceLimit
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it has not let go of its directory within %v", limit))
	defer cancel()
	again := time.NewTicker(askEvery)
	defer again.Stop()
	for {
		d, err := open(path, past)
		_, live := errors.AsType[*artifacts.LiveError](err)
		if !live || lives && !force || past.Owner.PID == 0 || past.elsewhere() {
			return d, err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w (%w)", err, context.Cause(ctx))
		}
	}
}

// open is rundir.Open that knows of an owner whose lock was lost, as when somebody
// emptied /tmp.
func open(path string, past past) (*artifacts.Dir, error) {
	d, err := artifacts.Open(path)
	if err != nil {
		return nil, err
	}
	if past.elsewhere() {
		return nil, errors.Join(fmt.Errorf("cannot tell what run %s left: it was started in another container (pid namespace), or outside of this one; "+
			"run clean there, or, where that is gone, remove %s and run it here", d.ID(), filepath.Join(d.Path(), journal.Name)), d.Leave())
	}
	if _, lives := past.living(); lives {
		return nil, errors.Join(&artifacts.LiveError{Path: path}, d.Leave())
	}
	return d, nil
}

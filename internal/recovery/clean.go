package recovery

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"topobench/internal/host/proc"
	"topobench/internal/journal"
)

// Cleaner finds the runs of this user on this machine whose owner is gone, and kills
// and removes what they left.
type Cleaner struct {
	Temp   string   // has the temporary directories of runs; "" is DefaultTemp
	Temps  []string // further places that may have some
	Roots  []string // artifacts roots to search as well, for runs without a temporary directory
	DryRun bool     // find everything, change nothing
	Force  bool     // stop the owner of a running run, and wait for it
	Only   string   // id of the only run to clean; "" = any
	Keep   bool     // the directory of a transient run
	Except string   // id of the run to leave alone: that of this process; "" = none

	limit time.Duration // for killing the processes of one run
	see   func(proc.RunIdentity) func(all []proc.Proc) []proc.Proc
}

// Fate is the state in which Clean found a run.
type Fate string

// Every fate.
const (
	Running       Fate = "running"        // left alone
	Unknown       Fate = "unknown"        // left alone: its processes cannot be identified
	DirectoryGone Fate = "directory-gone" // only its temporary directory was left
	EndedDirty    Fate = "ended-dirty"    // it ended by itself and left something
	Ended         Fate = "ended"          // it was killed after its end, and left its temporary directory
	Damaged       Fate = "damaged"        // its journal has a damaged line; Err names the byte
	Crashed       Fate = "crashed"        // it was killed
)

// Found is an unfinished run, and what Clean did about it. A dry run reports what it
// would do.
type Found struct {
	ID, Path string
	Fate     Fate
	Owner    proc.Proc // of a running run; zero if it cannot be identified
	Table    []string  // the killed processes, as proc.Table prints them
	Killed   int
	Shm      []string    // removed from /dev/shm
	Temp     string      // the removed temporary directory
	Left     []proc.Proc // still running: they did not end, or may not be killed
	Err      error       // what went wrong
}

// leftAlone is the result for a run that cannot be opened.
func (f *Found) leftAlone(err error) *Found {
	f.Fate, f.Err = Unknown, err
	if _, live := errors.AsType[*LiveError](err); live {
		f.Fate = Running
	}
	return f
}

// Clean handles every unfinished run. The error is about the search for runs; a fault
// of one run is in its Found.
func (c Cleaner) Clean(ctx context.Context) ([]Found, error) {
	if c.limit == 0 {
		c.limit = proc.KillLimit
	}
	if c.see == nil {
		c.see = func(t proc.RunIdentity) func(all []proc.Proc) []proc.Proc { return t.Any }
	}
	unfinished, err := c.unfinished()
	var all []Found
	for _, u := range unfinished {
		if id := filepath.Base(u.Run); c.Only != "" && id != c.Only || id == c.Except {
			continue
		}
		if f := c.clean(ctx, u); f != nil {
			all = append(all, *f)
		}
	}
	return all, err
}

// clean handles one run; it returns nil if nothing is to be done about it.
func (c Cleaner) clean(ctx context.Context, l candidate) *Found {
	path := l.Run
	f := &Found{ID: filepath.Base(path), Path: path}
	state, unread := readState(path)
	run, err := c.takeOver(ctx, path, state)
	switch {
	case errors.Is(err, errOtherHost):
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return c.cleanStale(l, f)
	case err != nil:
		f.Owner, _ = state.owner()
		return f.leftAlone(err)
	case run.hasNoTempDir() && ended(path):
		return nil
	}
	if _, damaged := errors.AsType[*journal.DamageError](unread); damaged {
		return c.cleanDamaged(run, state, f, unread)
	}
	if unread != nil {
		return f.leftAlone(errors.Join(unread, run.unlock()))
	}
	fates := map[journal.End]Fate{journal.NoEnd: Crashed, journal.EndDirty: EndedDirty, journal.EndClean: Ended}
	f.Fate = fates[endOf(path)]
	err = c.end(run, state, f)
	if err == nil && !c.DryRun {
		f.Err = journal.Finish(filepath.Join(path, journal.Name), journal.Recovered{Killed: f.Table, Shm: f.Shm})
	}
	f.Err = errors.Join(f.Err, c.release(run, f, err))
	return f
}

// cleanDamaged ends what a run started before the damage in its journal. Nothing can be
// appended to such a journal.
func (c Cleaner) cleanDamaged(run *Run, state ledgerState, f *Found, damage error) *Found {
	f.Fate = Damaged
	damage = fmt.Errorf("run %s has a damaged journal, and may have started more than was found: %w; "+
		"move that file away once you have looked at it", f.ID, damage)
	if state.Owner.PID == 0 { // then age and boot of its processes are unknown
		left, err := survivors(run)
		if err != nil || len(left) > 0 {
			f.Left = left
			return f.leftAlone(errors.Join(damage, err, run.unlock()))
		}
	}
	f.Err = errors.Join(damage, c.release(run, f, c.end(run, state, f)))
	return f
}

// release removes the temporary directory of a run, unless err or a dry run keeps it for
// later, and gives up the lock.
func (c Cleaner) release(run *Run, f *Found, err error) error {
	if err != nil {
		return errors.Join(err, run.unlock())
	}
	run.transient = run.transient && !c.Keep
	temp, free := run.TempDir(), run.Close
	if run.hasNoTempDir() {
		temp = ""
	}
	if c.DryRun {
		free = run.unlock
	}
	if err := free(); err != nil {
		return err
	}
	f.Temp = temp
	return nil
}

// end kills the processes of a run and removes its shared memory, processes first:
// a file that a process still holds stays.
func (c Cleaner) end(run *Run, state ledgerState, f *Found) error {
	here, err := state.thisBoot()
	if err != nil || !here {
		return err
	}
	if err := c.kill(run, state, f); err != nil {
		return err
	}
	f.Shm, err = removeShm(state.Shm, c.DryRun)
	return err
}

// kill kills the processes of a run until none is seen, and lists them. The process
// groups of services are killed as a whole, first.
func (c Cleaner) kill(run *Run, state ledgerState, f *Found) error {
	see := c.see(state.trace(run))
	var killed []proc.Proc
	choose := func(all []proc.Proc) []proc.Proc {
		f.Left = see(all)
		for _, p := range f.Left {
			if slices.ContainsFunc(killed, p.Same) {
				continue
			}
			killed = append(killed, p)
			row := proc.Table([]proc.Proc{p}, state.name) // made while the process exists
			if len(f.Table) > 0 {
				row = row[1:]
			}
			f.Table = append(f.Table, row...)
		}
		if !c.DryRun {
			state.killGroups(f.Left)
		}
		return f.Left
	}
	defer func() { f.Killed = len(killed) }()
	if !c.DryRun {
		_, err := proc.KillAll(c.limit, choose)
		return err
	}
	all, err := proc.Snapshot()
	choose(all)
	f.Left = nil
	return err
}

// killGroups kills the process groups that shepherds made for services, as far as a
// process of seen is in them.
func (s ledgerState) killGroups(seen []proc.Proc) {
	for _, child := range s.Children {
		for _, p := range seen {
			if p.Group == child.PID && p.Ticks >= child.Ticks && proc.SignalGroup(p, syscall.SIGKILL) == nil {
				break // after an error p ended meanwhile, and the next one may not have
			}
		}
	}
}

func endOf(path string) journal.End { return journal.EndOf(filepath.Join(path, journal.Name)) }

// ended reports whether nothing remains to be done about the run at path.
func ended(path string) bool { return endOf(path) == journal.EndClean }

package recovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"topobench/internal/artifacts"
	"topobench/internal/host/proc"
	"topobench/internal/journal"
)

// Cleaner finds the runs of this user on this machine whose owner is gone, and ends
// what they left.
type Cleaner struct {
	Temp   string   // where runs have their temporary directories; "" is rundir.DefaultTemp
	Roots  []string // artifacts roots to look below, for runs without a temporary directory
	DryRun bool     // find everything, change nothing
	Force  bool     // tell the owner of a living run to end, and wait for it

	limit time.Duration // of a sweep
	see   func(proc.RunIdentity) func(all []proc.Proc) []proc.Proc
}

// Found is what became of one unfinished run.
type Found struct {
	ID, Path string
	Living   bool      // it was left alone
	Unknown  bool      // it was left alone, because it cannot be told what is of it
	Dirty    bool      // it had come to its end, and something was left
	Owner    proc.Proc // of a living run; zero if it cannot be told
	Table    []string  // the processes that were ended, as proctree.Table shows them
	Ended    int       // how many
	Shm      []string  // what was removed from /dev/shm
	Temp     string    // the temporary directory that was removed
	Gone     bool      // somebody removed the run's own directory
	Left     []proc.Proc
	Err      error // what could not be done; with Left, these processes live and could not, or may not, be ended
}

// Clean looks at every unfinished run. A dry one says what it would do. The error
// is about finding runs; what concerns one stands in its Found.
func (c Cleaner) Clean(ctx context.Context) ([]Found, error) {
	if c.limit == 0 {
		c.limit = proc.KillLimit
	}
	if c.see == nil {
		c.see = func(t proc.RunIdentity) func(all []proc.Proc) []proc.Proc { return t.Any }
	}
	leads, err := c.runs()
	var all []Found
	for _, l := range leads {
		if f := c.run(ctx, l); f != nil {
			all = append(all, *f)
		}
	}
	return all, err
}

// runs are the unfinished runs, each once; without Temp where none leads there.
func (c Cleaner) runs() ([]artifacts.Lead, error) {
	leads, err := artifacts.Unfinished(c.Temp)
	paths, unknown := byProcesses(c.Temp)
	faults := []error{err, unknown}
	for _, root := range c.Roots {
		abs, err := filepath.Abs(root)
		if err == nil {
			abs, err = filepath.EvalSymlinks(abs)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("cannot look for runs below %s: %w", root, err))
			continue
		}
		below, err := artifacts.List(abs)
		foreign := func(path string) bool { return !artifacts.Mine(path) }
		if n := len(below); err == nil && slices.ContainsFunc(below, foreign) {
			below = slices.DeleteFunc(below, foreign)
			err = fmt.Errorf("cannot look at %d of the runs below %s: another user owns them and has to clean them", n-len(below), root)
		}
		faults = append(faults, err)
		paths = append(paths, slices.DeleteFunc(below, ended)...)
	}
	for _, path := range paths {
		leads = append(leads, artifacts.Lead{Run: path})
	}
	slices.SortStableFunc(leads, func(a, b artifacts.Lead) int { return cmp.Compare(a.Run, b.Run) })
	return slices.CompactFunc(leads, func(a, b artifacts.Lead) bool { return a.Run == b.Run }), errors.Join(faults...)
}

// run looks at one; nil when it is finished.
func (c Cleaner) run(ctx context.Context, l artifacts.Lead) *Found {
	path := l.Run
	f := &Found{ID: filepath.Base(path), Path: path}
	past, damage := readPast(path)
	d, err := c.takeOver(ctx, path, past)
	switch {
	case errors.Is(err, artifacts.ErrAbroad):
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return c.widow(l, f)
	case err != nil:
		_, f.Living = errors.AsType[*artifacts.LiveError](err)
		f.Unknown = !f.Living
		f.Owner, _ = past.living()
		f.Err = err
		return f
	case d.Unlocked() && ended(path):
		return nil
	}
	f.Dirty = journal.EndOf(filepath.Join(path, journal.Name)) != journal.NoEnd
	f.Err = errors.Join(damage, c.finish(d, past, f))
	return f
}

// finish ends what is left of a run, processes first: its files are the witnesses.
func (c Cleaner) finish(d *artifacts.Dir, past past, f *Found) error {
	here, err := past.thisBoot()
	if err == nil && here {
		err = c.end(past, d, f)
	}
	if err == nil && here {
		f.Shm, err = removeShm(past.Shm, c.DryRun)
	}
	if !d.Unlocked() {
		f.Temp = d.TempDir()
	}
	if err != nil || c.DryRun {
		return errors.Join(err, d.Leave())
	}
	return errors.Join(journal.Finish(filepath.Join(d.Path(), journal.Name), journal.Recovered{Ended: f.Table, Shm: f.Shm}), d.Close())
}

// end kills what the witnesses see until they see nothing, and notes what it was. The
// groups of services go as a whole, first.
func (c Cleaner) end(past past, d *artifacts.Dir, f *Found) error {
	see := c.see(past.trace(d))
	var ended []proc.Proc
	choose := func(all []proc.Proc) []proc.Proc {
		f.Left = see(all)
		for _, p := range f.Left {
			if slices.ContainsFunc(ended, p.Same) {
				continue
			}
			ended = append(ended, p)
			f.Table = table(f.Table, p, past)
		}
		if !c.DryRun {
			past.endGroups(f.Left)
		}
		return f.Left
	}
	defer func() { f.Ended = len(ended) }()
	if !c.DryRun {
		_, err := proc.KillAll(c.limit, choose)
		return err
	}
	all, err := proc.Snapshot()
	choose(all)
	f.Left = nil
	return err
}

// endGroups kills the process groups that shepherds made for services, as far as a
// process that was seen is in them.
func (p past) endGroups(seen []proc.Proc) {
	for _, b := range p.Born {
		for _, q := range seen {
			if q.Group == b.PID && q.Ticks >= b.Ticks && proc.SignalGroup(q, syscall.SIGKILL) == nil {
				break // else q ended meanwhile, and the next one may not have
			}
		}
	}
}

// table adds a row; it is made while the process lives.
func table(rows []string, p proc.Proc, past past) []string {
	row := proc.Table([]proc.Proc{p}, past.name)
	if len(rows) > 0 {
		row = row[1:]
	}
	return append(rows, row...)
}

// ended reports whether nothing remains to be done about the run at path.
func ended(path string) bool {
	return journal.EndOf(filepath.Join(path, journal.Name)) == journal.EndClean
}

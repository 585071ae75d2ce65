package run

import (
	"context"
	"fmt"
	"time"

	"topobench/internal/deploy"
	"topobench/internal/host"
	"topobench/internal/host/proc"
	"topobench/internal/journal"
	"topobench/internal/recovery"
)

// goneWithin is how long a process may take to be gone that was killed in the sweep.
const goneWithin = 5 * time.Second

// leftovers are the witnesses of processes and of shared memory. The first of them
// sweeps what got away from every shepherd: through another daemon, say.
func (c *Campaign) leftovers() ([]deploy.Witness, error) {
	if c.Ledger == nil {
		return nil, nil
	}
	shared, err := c.Ledger.Shared()
	if err != nil {
		return nil, err
	}
	cookie := deploy.Witness{Name: "cookie", Within: goneWithin, See: c.seen(proc.Trace.Marked), Sweep: c.sweepStrays}
	writers := deploy.Witness{Name: "open files", Within: goneWithin, See: c.seen(proc.Trace.Writers)}
	known := deploy.Witness{Name: "ledger", Within: goneWithin, See: c.seen(proc.Trace.Known)}
	return []deploy.Witness{cookie, writers, known, c.sharedMemory(shared)}, nil
}

// serviceOf says of which service a process is, "" where that is unknown.
func (c *Campaign) serviceOf(p proc.Proc) string {
	if c.Ledger == nil {
		return ""
	}
	return c.Ledger.Name(p)
}

// strays are processes of the run that nobody herds.
func (c *Campaign) strays(see func(proc.Trace, []proc.Proc) []proc.Proc, all []proc.Proc) []proc.Proc {
	return see(c.Ledger.Trace(), host.Unherded(all))
}

func (c *Campaign) seen(by func(proc.Trace, []proc.Proc) []proc.Proc) func() ([]proc.Proc, error) {
	return func() ([]proc.Proc, error) {
		all, err := proc.Snapshot()
		if err != nil {
			return nil, err
		}
		return c.strays(by, all), nil
	}
}

// sweepStrays ends what is of the run, by its mark, its open files or the ledger,
// and says what that was.
func (c *Campaign) sweepStrays() error {
	var rows []string
	known := map[int]bool{}
	killed, err := proc.Sweep(proc.SweepLimit, func(all []proc.Proc) []proc.Proc {
		strays := c.strays(proc.Trace.Seen, all)
		for _, p := range strays {
			if !known[p.PID] {
				known[p.PID] = true
				rows = append(rows, proc.Table([]proc.Proc{p}, c.Ledger.Name)[1:]...)
			}
		}
		return strays
	})
	if killed > 0 {
		c.Journal.Note(journal.Killed{Count: killed, Processes: rows})
		c.Screen.Note(fmt.Sprintf("ended %s of the run that had got away from its service (\"killed\" in journal.ndjson)", proc.Count(killed)))
	}
	return err
}

// sharedMemory is the witness of /dev/shm.
func (c *Campaign) sharedMemory(s *recovery.Shared) deploy.Witness {
	run := func() []proc.Proc {
		all, err := proc.Snapshot()
		if err != nil {
			return nil // the witnesses of processes say so
		}
		return append(host.Tree(all), c.strays(proc.Trace.Seen, all)...)
	}
	said := "" // a fault of the looks, told once: there is one each second
	return deploy.Witness{Name: "shared memory", Within: goneWithin,
		Brace: func() {
			if err := s.Sample(run); err != nil && err.Error() != said {
				said = err.Error()
				c.Screen.Note(said)
			}
		},
		Sweep: func() error {
			removed, others, err := s.Remove()
			if len(removed)+len(others) > 0 {
				c.Journal.Note(journal.SharedMemoryRemoved{Removed: removed, Others: others,
					Text: fmt.Sprintf("removed %d of ours in /dev/shm", len(removed))})
			}
			return err
		},
		Look: func(context.Context) ([]string, error) { return s.Left(run()), nil },
	}
}

package run

import (
	"context"
	"fmt"
	"time"

	"topobench/internal/deploy"
	"topobench/internal/host/proc"
	"topobench/internal/journal"
	"topobench/internal/recovery"
)

// goneWithin is how long a killed process may take to be gone.
const goneWithin = 5 * time.Second

// leftoverChecks are the teardown checks of processes and of shared memory.
func (r *Runner) leftoverChecks() ([]deploy.TeardownCheck, error) {
	if r.here == nil {
		return nil, nil
	}
	shared, err := r.here.ledger.Shared()
	if err != nil {
		return nil, err
	}
	return []deploy.TeardownCheck{r.processCheck(), r.sharedMemoryCheck(shared)}, nil
}

// processCheck looks for processes of the run that have escaped from every shepherd,
// through another daemon for instance: by cookie, open files or ledger. It kills them.
func (r *Runner) processCheck() deploy.TeardownCheck {
	return deploy.TeardownCheck{Name: processesName, Within: goneWithin,
		Remove: r.killEscaped,
		Check: func(context.Context) (left []deploy.Leftover, err error) {
			all, err := proc.Snapshot()
			if err != nil {
				return nil, err
			}
			for _, p := range r.here.escaped(all) {
				left = append(left, deploy.Leftover{Process: p, Service: r.here.ledger.Name(p),
					Detail: evidenceOf(r.here.ledger.Trace(), p)})
			}
			return left, nil
		}}
}

// evidenceOf names what shows that p belongs to the run.
func evidenceOf(run proc.RunIdentity, p proc.Proc) string {
	one := []proc.Proc{p}
	switch {
	case len(run.ByCookie(one)) > 0:
		return "cookie"
	case len(run.ByOpenFiles(one)) > 0:
		return "open files"
	}
	return "ledger"
}

// killEscaped kills the processes of the run that have escaped, and reports them.
func (r *Runner) killEscaped() error {
	killed, rows, err := r.here.killEscaped()
	if killed > 0 {
		r.Journal.Note(journal.Killed{Count: killed, Processes: rows})
		r.Screen.Note(fmt.Sprintf("killed %s of the run that had escaped from its service "+
			"(\"killed\" in journal.ndjson)", proc.Count(killed)))
	}
	return err
}

// sharedMemoryCheck looks for files in /dev/shm that processes of the run have held. It
// removes those that no process holds any more.
func (r *Runner) sharedMemoryCheck(s *recovery.Shared) deploy.TeardownCheck {
	reported := "" // the last fault of a sample; there is one each second
	return deploy.TeardownCheck{Name: sharedMemoryName, Within: goneWithin,
		Sample: func() {
			if err := s.Sample(r.here.all); err != nil && err.Error() != reported {
				reported = err.Error()
				r.Screen.Note(reported)
			}
		},
		Remove: func() error {
			removed, others, err := s.Remove()
			if len(removed)+len(others) > 0 {
				r.Journal.Note(journal.SharedMemoryRemoved{Removed: removed, Others: others,
					Text: fmt.Sprintf("removed %d of ours in /dev/shm", len(removed))})
			}
			return err
		},
		Check: func(context.Context) (left []deploy.Leftover, err error) {
			for _, text := range s.Left(r.here.all()) {
				left = append(left, deploy.Leftover{Detail: text})
			}
			return left, nil
		},
	}
}

package run

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"time"

	"topobench/internal/deploy"
	"topobench/internal/host"
	"topobench/internal/host/proc"
	"topobench/internal/journal"
	"topobench/internal/recovery"
)

// local is this machine's part of a run: the record of what the run starts here, and the evidence by which it finds
// what is left. It is an agent.Machine: a run uses it for this machine, and an agent for its own.
type local struct {
	dir     *recovery.Run
	journal *journal.Journal
	ledger  *recovery.Ledger
	starter host.Starter
	host    host.Local

	shared  *recovery.Shared // of an agent: since it began
	samples sync.Mutex       // held while it is sampled
	foreign []proc.Proc      // of an agent: descendants from before it began
}

// localPlace is where and how a local part works.
type localPlace struct {
	root, temp, id string
	transient      bool        // the directory of the run goes with it
	shepherd       string      // a binary with the shepherd command; "" = this program
	environ        []string    // of nvidia-smi
	nvidiaSMI      string      // its path; "" = there is none
	logCap         uint64      // bytes of each log; 0 = any
	recorded       func(error) // receives the error of a record that could not be written
}

// newLocal creates the directory, journal and ledger of a run. Its journal and directory must be closed.
func newLocal(p localPlace) (*local, error) {
	create := recovery.Create
	if p.transient {
		create = recovery.CreateTransient
	}
	dir, err := create(p.root, p.temp, p.id)
	if err != nil {
		return nil, err
	}
	l := &local{dir: dir}
	if l.journal, err = journal.Open(filepath.Join(dir.Path(), journal.Name), p.recorded); err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	if l.ledger, err = recovery.NewLedger(dir, l.journal); err != nil {
		return nil, errors.Join(err, l.journal.Close(), dir.Close())
	}
	l.starter = host.Starter{Exe: p.shepherd, Logs: host.NewLogs(int64(p.logCap)), OnChild: l.ledger.RecordChild,
		Sessions: p.transient, // topobench is of another login; without need they make workers wait for each other
		OnStart: func(name, log string, shepherd proc.Proc) error {
			err := l.ledger.RecordStart(name, log, shepherd)
			p.recorded(err) // a full disk ends the run
			return err
		}}
	l.host = host.Local{Starter: l.starter, NvidiaSMI: p.nvidiaSMI, Env: p.environ, Temp: dir.TempDir(),
		Kernel: "/dev/kmsg", Client: deploy.NewClient()}
	return l, nil
}

// Claim keeps other runs from resources until release.
func (l *local) Claim(_ context.Context, resources []host.Resource) (release func(), err error) {
	return host.Claim(resources)
}

// Listen accepts connections on addresses until release.
func (l *local) Listen(ctx context.Context, addresses []string) (release func(), err error) {
	return l.host.Listen(ctx, addresses)
}

// Dial connects to each address once.
func (l *local) Dial(ctx context.Context, addresses []string, within time.Duration) (map[string]string, error) {
	return l.host.Dial(ctx, addresses, within)
}

// Remove kills processes of the run that have escaped, and removes its shared memory.
func (l *local) Remove(context.Context) (r host.Removed, err error) {
	var killed, removed error
	r.Killed, r.Table, killed = l.killEscaped()
	if l.shared != nil {
		l.samples.Lock()
		r.Shm, r.Others, removed = l.shared.Remove()
		l.samples.Unlock()
	}
	return r, errors.Join(killed, removed)
}

// Left has a line for each thing of the run that is still there, none of a running service.
func (l *local) Left(context.Context) (lines []string, err error) {
	all, err := proc.Snapshot()
	if err != nil {
		return nil, err
	}
	escaped := l.escaped(all)
	if len(escaped) > 0 {
		lines = proc.Table(escaped, l.ledger.Name)
	}
	if l.shared != nil {
		l.samples.Lock()
		lines = append(lines, l.shared.Left(append(host.OwnTree(all), escaped...))...)
		l.samples.Unlock()
	}
	return lines, nil
}

// escaped are the processes of the run that no shepherd supervises.
func (l *local) escaped(all []proc.Proc) []proc.Proc {
	return l.ledger.Trace().Any(host.Unsupervised(all))
}

// all are the processes of the run; none if they cannot be listed, which another check reports.
func (l *local) all() []proc.Proc {
	all, err := proc.Snapshot()
	if err != nil {
		return nil
	}
	return append(host.OwnTree(all), l.escaped(all)...)
}

// killEscaped kills the processes of the run that have escaped, and lists them.
func (l *local) killEscaped() (killed int, rows []string, err error) {
	listed := map[int]bool{}
	killed, err = proc.KillAll(proc.KillLimit, func(all []proc.Proc) []proc.Proc {
		escaped := l.escaped(all)
		for _, p := range escaped {
			if !listed[p.PID] {
				listed[p.PID] = true
				rows = append(rows, proc.Table([]proc.Proc{p}, l.ledger.Name)[1:]...)
			}
		}
		return escaped
	})
	return killed, rows, err
}

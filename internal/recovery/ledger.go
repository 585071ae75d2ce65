// Package recovery knows again what a run started, and ends what a dead run left.
//
// A run keeps a ledger of what it starts. Together with the mark in the environment
// of its processes and their open files it tells, now or from another process, what
// is of the run. Nothing else is ever signalled: not what is older, not what another
// user has, not what got the pid of a process that ended, and nothing by its name.
package recovery

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"topobench/internal/artifacts"
	"topobench/internal/host/proc"
	"topobench/internal/journal"
)

// Ledger is that of the run this process conducts. Its methods may be called from
// several goroutines.
type Ledger struct {
	journal *journal.Journal
	run     *artifacts.Dir

	mu   sync.Mutex
	past past
}

// Open begins the ledger of a new run: the first event of its journal.
func Open(d *artifacts.Dir, j *journal.Journal) (*Ledger, error) {
	boot, err := proc.Boot()
	if err != nil {
		return nil, err
	}
	self, err := proc.Read(os.Getpid())
	if err != nil {
		return nil, err
	}
	o := journal.RunBegin{Boot: boot, PIDNamespace: proc.PIDNamespace(), UID: os.Geteuid(), PID: self.PID, Ticks: self.Ticks}
	return &Ledger{journal: j, run: d, past: past{Owner: o}}, j.Write(context.Background(), o)
}

// bornWithin bounds the wait for a disk that hangs.
const bornWithin = 30 * time.Second

// Born records a process of the run.
func (l *Ledger) Born(name, log string, child, shepherd proc.Proc) error {
	ctx, cancel := context.WithTimeout(context.Background(), bornWithin)
	defer cancel()
	return l.journal.Write(ctx, l.add(journal.Started{Name: name, Log: log, PID: child.PID, Ticks: child.Ticks,
		Shepherd: shepherd.PID, ShepherdTicks: shepherd.Ticks}))
}

// Enroll records descendants of what was started, those that it does not know yet: one
// that left its parent, its environment and its files is known by nothing else once the
// shepherds are dead.
func (l *Ledger) Enroll(seen []proc.Proc) {
	known := l.Trace().Started
	for _, p := range seen {
		if !slices.ContainsFunc(known, p.Same) {
			l.journal.Note(l.add(journal.Started{PID: p.PID, Ticks: p.Ticks}))
		}
	}
}

func (l *Ledger) add(s journal.Started) journal.Started {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.past.Born = append(l.past.Born, s)
	return s
}

// Trace is how the processes of the run are known.
func (l *Ledger) Trace() proc.RunIdentity {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.past.trace(l.run)
}

// Name says of which service of the run a process is the child or the shepherd, ""
// for any other.
func (l *Ledger) Name(p proc.Proc) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.past.name(p)
}

// past is what a ledger tells.
type past struct {
	Owner journal.RunBegin // zero: the run started nothing
	Born  []journal.Started
	Shm   []shmFile // what its processes held in /dev/shm
}

// readPast reads the ledger of the run at path. One that another user has written
// is not believed; none at all is that of a run which started nothing. Of one that
// is damaged the lines before the damage are returned with the error.
func readPast(path string) (p past, err error) {
	file := filepath.Join(path, journal.Name)
	if _, err := os.Lstat(file); errors.Is(err, fs.ErrNotExist) {
		return past{}, nil
	}
	if !artifacts.Mine(path) || !artifacts.Mine(file) {
		return past{}, fmt.Errorf("cannot trust %s: another user owns it, or it is a link", file)
	}
	records, err := journal.Read(file)
	for _, r := range records {
		p.add(r.Event)
	}
	if p.Owner.PID != 0 && p.Owner.UID != os.Geteuid() {
		return past{}, fmt.Errorf("cannot trust %s: it says that user %d conducted the run", file, p.Owner.UID)
	}
	return p, err
}

func (p *past) add(e journal.Event) {
	switch e := e.(type) {
	case journal.RunBegin:
		p.Owner = e
	case journal.Started:
		p.Born = append(p.Born, e)
	case journal.SharedMemoryHeld:
		for _, held := range e.Held {
			p.Shm = append(p.Shm, shmFile(held))
		}
	}
}

func (p past) trace(d *artifacts.Dir) proc.RunIdentity {
	t := proc.RunIdentity{Cookie: "TOPOBENCH_RUN=" + d.ID(), Dirs: []string{d.Path(), d.TempDir()}, Since: p.Owner.Ticks}
	for _, b := range p.Born {
		t.Started = append(t.Started, proc.Proc{PID: b.PID, Ticks: b.Ticks}, proc.Proc{PID: b.Shepherd, Ticks: b.ShepherdTicks})
	}
	return t
}

func (p past) name(q proc.Proc) string {
	for _, b := range p.Born {
		switch {
		case b.Name == "": // a descendant
		case b.PID == q.PID && b.Ticks == q.Ticks:
			return b.Name
		case b.Shepherd == q.PID && b.ShepherdTicks == q.Ticks:
			return "shepherd of " + b.Name
		}
	}
	return ""
}

// thisBoot reports whether a process of the run can exist: it has started some, and
// the machine was not booted since.
func (p past) thisBoot() (bool, error) {
	boot, err := proc.Boot()
	return p.Owner.Boot == boot && p.Owner.Ticks > 0, err
}

// elsewhere reports whether the run was started where pids mean other processes than
// here. Whether its owner lives cannot be told, nor who is of it.
func (p past) elsewhere() bool {
	here, err := p.thisBoot()
	return err == nil && here && p.Owner.PIDNamespace != proc.PIDNamespace()
}

// living is the owner, if it lives.
func (p past) living() (proc.Proc, bool) {
	here, err := p.thisBoot()
	if err != nil || !here || p.elsewhere() {
		return proc.Proc{}, false
	}
	now, err := proc.Read(p.Owner.PID)
	uid, unknown := proc.UID(p.Owner.PID)
	return now, err == nil && unknown == nil && now.Ticks == p.Owner.Ticks && now.Alive() && uid == os.Geteuid()
}

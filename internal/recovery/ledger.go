// Package recovery identifies the processes of a run, and kills those that a dead run
// left behind.
//
// A run records in its journal what it starts. That record, the cookie in the
// environment of its processes and their open files identify the processes of the run,
// for the run itself and for a later process. No other process is ever signalled: none
// that is older than the run, none of another user, none that reuses a pid, and none by
// its name.
package recovery

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"topobench/internal/artifacts"
	"topobench/internal/host/proc"
	"topobench/internal/journal"
)

// writeWithin bounds the wait for a disk that hangs.
const writeWithin = 30 * time.Second

// Ledger records what the run of this process starts. Its methods may be called from
// several goroutines.
type Ledger struct {
	journal *journal.Journal
	run     *Run

	mu    sync.Mutex
	state ledgerState
}

// NewLedger begins the record of a new run with RunBegin, the first event of its
// journal.
func NewLedger(run *Run, j *journal.Journal) (*Ledger, error) {
	boot, err := proc.Boot()
	if err != nil {
		return nil, err
	}
	self, err := proc.Read(os.Getpid())
	if err != nil {
		return nil, err
	}
	l := &Ledger{journal: j, run: run}
	return l, l.write(journal.RunBegin{Boot: boot, PIDNamespace: proc.PIDNamespace(), UID: os.Geteuid(),
		PID: self.PID, Ticks: self.Ticks})
}

// RecordStart records that shepherd is about to start a service, and returns when the
// event is in the file: call it before the child runs, and do not start the child after
// an error.
func (l *Ledger) RecordStart(name, log string, shepherd proc.Proc) error {
	return l.write(journal.Started{Name: name, Log: log, Shepherd: shepherd.PID, ShepherdTicks: shepherd.Ticks})
}

// RecordChild records the child of a service once it runs. It does not wait for the disk.
func (l *Ledger) RecordChild(name string, child proc.Proc) {
	e := journal.Child{Name: name, PID: child.PID, Ticks: child.Ticks}
	l.add(e)
	l.journal.Note(e)
}

// write records an event in memory, whatever becomes of the file, and in the journal.
func (l *Ledger) write(e journal.Event) error {
	l.add(e)
	ctx, cancel := context.WithTimeout(context.Background(), writeWithin)
	defer cancel()
	return l.journal.Write(ctx, e)
}

func (l *Ledger) add(e journal.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state.add(e)
}

// Trace identifies the processes of the run.
func (l *Ledger) Trace() proc.RunIdentity {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state.trace(l.run)
}

// Name is the service of which a process is the child or the shepherd, "" for any other
// process.
func (l *Ledger) Name(p proc.Proc) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state.name(p)
}

// ledgerState is the record of a run, replayed from its journal.
type ledgerState struct {
	Owner    journal.RunBegin // zero if the run started nothing
	Started  []journal.Started
	Children []journal.Child
	Shm      []journal.SharedMemoryFile // held by its processes
}

// readState replays the journal of the run at path. A journal that another user wrote
// is an error, and a missing one is that of a run that started nothing. For a damaged
// journal it returns the state before the damage with a *journal.DamageError.
func readState(path string) (s ledgerState, err error) {
	file := filepath.Join(path, journal.Name)
	if _, err := os.Lstat(file); errors.Is(err, fs.ErrNotExist) {
		return ledgerState{}, nil
	}
	if !ownedByUser(path) || !ownedByUser(file) {
		return ledgerState{}, fmt.Errorf("cannot trust %s: another user owns it, or it is a link", file)
	}
	records, err := journal.Read(file)
	for _, r := range records {
		s.add(r.Event)
	}
	if s.Owner.PID != 0 && s.Owner.UID != os.Geteuid() {
		return ledgerState{}, fmt.Errorf("cannot trust %s: it records a run of user %d", file, s.Owner.UID)
	}
	return s, err
}

func (s *ledgerState) add(e journal.Event) {
	switch e := e.(type) {
	case journal.RunBegin:
		s.Owner = e
	case journal.Started:
		s.Started = append(s.Started, e)
	case journal.Child:
		s.Children = append(s.Children, e)
	case journal.SharedMemoryHeld:
		s.Shm = append(s.Shm, e.Held...)
	}
}

// trace identifies the run's processes by the record, the cookie and their open files.
func (s ledgerState) trace(run *Run) proc.RunIdentity {
	t := proc.RunIdentity{Cookie: artifacts.RunVariable + "=" + run.ID(), Since: s.Owner.Ticks,
		Dirs: []string{run.Path(), run.TempDir()}}
	for _, e := range s.Started {
		t.Started = append(t.Started, proc.Proc{PID: e.Shepherd, Ticks: e.ShepherdTicks})
	}
	for _, e := range s.Children {
		t.Started = append(t.Started, proc.Proc{PID: e.PID, Ticks: e.Ticks})
	}
	return t
}

func (s ledgerState) name(p proc.Proc) string {
	for _, e := range s.Children {
		if e.PID == p.PID && e.Ticks == p.Ticks {
			return e.Name
		}
	}
	for _, e := range s.Started {
		if e.Shepherd == p.PID && e.ShepherdTicks == p.Ticks {
			return "shepherd of " + e.Name
		}
	}
	return ""
}

// thisBoot reports whether a process of the run can exist: the run has started some, and
// the machine has not been booted since.
func (s ledgerState) thisBoot() (bool, error) {
	boot, err := proc.Boot()
	return s.Owner.Boot == boot && s.Owner.Ticks > 0, err
}

// elsewhere reports whether the run was started in another pid namespace. Its owner and
// its processes cannot be identified from here.
func (s ledgerState) elsewhere() bool {
	here, err := s.thisBoot()
	return err == nil && here && s.Owner.PIDNamespace != proc.PIDNamespace()
}

// owner is the process that conducts the run, if it still runs.
func (s ledgerState) owner() (proc.Proc, bool) {
	here, err := s.thisBoot()
	if err != nil || !here || s.elsewhere() {
		return proc.Proc{}, false
	}
	now, err := proc.Read(s.Owner.PID)
	uid, unknown := proc.UID(s.Owner.PID)
	return now, err == nil && unknown == nil && now.Ticks == s.Owner.Ticks && now.Alive() && uid == os.Geteuid()
}

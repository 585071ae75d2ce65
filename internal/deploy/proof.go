package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/proc"
)

// portsWithin is how long the kernel may take to give a port back.
const portsWithin = 10 * time.Second

// lookEvery is how often a witness is asked again while it still sees something.
const lookEvery = 50 * time.Millisecond

// Witness says what is left of a topology, from evidence of its own.
type Witness struct {
	Name   string
	Within time.Duration // how long what it sees may take to go
	// Look names what is left, one line each. An error means that it cannot tell.
	Look func(ctx context.Context) (left []string, err error)
	// See names processes that are left; it is asked where Look is nil.
	See func() ([]proc.Proc, error)
	// Brace is called every second while services run, when all gates are open and when the
	// teardown begins; Sweep when the last service was stopped, to end what got away. Both
	// may be nil.
	Brace func()
	Sweep func() error
}

// Finding is what a witness said in the end. Nothing left and no error: proved.
type Finding struct {
	Witness string
	Took    time.Duration
	Left    []string
	Procs   []proc.Proc // of them those that are processes
	Err     error
}

// DirtyError says what could not be proved gone. No next topology may start.
type DirtyError struct {
	Topology string
	Left     []proc.Proc
	Reasons  []string
	Table    []string // of Left; made with the error: later a pid may be a stranger's
}

// Dirty is the error about what is left, with the table of it as it is now. name says
// of which service a process is, and may be nil.
func Dirty(topology string, left []proc.Proc, name func(proc.Proc) string, reasons ...string) *DirtyError {
	return &DirtyError{Topology: topology, Left: left, Reasons: reasons, Table: proc.Table(left, name)}
}

func (e *DirtyError) Error() string {
	text := fmt.Sprintf("DIRTY: %s is not gone:", e.Topology)
	for _, reason := range e.Reasons {
		text += "\n  " + reason
	}
	for _, row := range e.Table {
		text += "\n  " + row
	}
	return text + "\n  see to what is named here (in state D only a reboot ends it), then run topobench clean"
}

// prove asks witnesses that took no part in the stopping, all at the same time. A
// port that somebody else has taken meanwhile is nothing of ours that is left: that
// is *BusyError. A cancelled ctx (no more grace) shortens no proof.
func (s *Stack) prove(ctx context.Context, faults []string) error {
	ctx = context.WithoutCancel(ctx)
	if s.o.Proving != nil {
		s.o.Proving()
	}
	faults = append(faults, s.sweep()...)
	findings := make([]Finding, len(s.o.Witnesses))
	var asked sync.WaitGroup
	for i, w := range s.o.Witnesses {
		asked.Go(func() { findings[i] = w.ask(ctx) })
	}
	began := time.Now()
	taken, err := portsFreed(s.plan.Ports(), portsWithin)
	s.found(Finding{Witness: "ports", Took: time.Since(began), Err: errors.Join(taken, err)})
	if err != nil {
		faults = append(faults, err.Error())
	}
	asked.Wait()
	var seen []proc.Proc
	for _, f := range findings {
		s.found(f)
		seen = append(seen, f.Procs...)
		if len(f.Procs) == 0 { // else the table has them
			faults = append(faults, f.Left...)
		}
		if busy(f.Err) {
			taken = errors.Join(taken, f.Err)
		} else if f.Err != nil {
			faults = append(faults, fmt.Sprintf("%s: %v", f.Witness, f.Err))
		}
	}
	return errors.Join(s.dirty(faults, seen...), taken)
}

func busy(err error) bool {
	_, is := errors.AsType[*BusyError](err)
	return is
}

// braceEvery is how often witnesses look. Nobody can tell whose shared memory was that
// vLLM made and left when it was killed.
const braceEvery = time.Second

// bracing looks again and again until the stack's context ends.
func (s *Stack) bracing() {
	again := time.NewTicker(braceEvery)
	defer again.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-again.C:
			s.brace()
		}
	}
}

// brace lets the witnesses look at what runs.
func (s *Stack) brace() {
	s.looking.Lock()
	defer s.looking.Unlock()
	for _, w := range s.o.Witnesses {
		if w.Brace != nil {
			w.Brace()
		}
	}
}

// sweep lets the witnesses end what they see, one after another.
func (s *Stack) sweep() (faults []string) {
	for _, w := range s.o.Witnesses {
		if w.Sweep == nil {
			continue
		}
		if err := w.Sweep(); err != nil {
			faults = append(faults, fmt.Sprintf("%s: %v", w.Name, err))
		}
	}
	return faults
}

// found hands a finding on, if somebody wants it.
func (s *Stack) found(f Finding) {
	if s.o.Found != nil {
		s.o.Found(f)
	}
}

// ask looks until nothing is left, at most w.Within.
func (w Witness) ask(ctx context.Context) Finding {
	ctx, cancel := context.WithTimeout(ctx, w.Within)
	defer cancel()
	f := Finding{Witness: w.Name}
	again := time.NewTicker(lookEvery)
	defer again.Stop()
	for began := time.Now(); ; {
		w.look(ctx, &f)
		f.Took = time.Since(began)
		if len(f.Left) == 0 && (f.Err == nil || busy(f.Err)) {
			return f
		}
		select {
		case <-ctx.Done():
			return f
		case <-again.C:
		}
	}
}

// look asks once.
func (w Witness) look(ctx context.Context, f *Finding) {
	if w.Look != nil {
		f.Left, f.Err = w.Look(ctx)
		return
	}
	f.Procs, f.Err = w.See()
	f.Left = nil
	for _, p := range f.Procs {
		f.Left = append(f.Left, p.String())
	}
}

// dirty is nil if nothing of ours lives, the witnesses have seen nobody, and there
// are no other faults.
func (s *Stack) dirty(faults []string, seen ...proc.Proc) error {
	began := time.Now()
	left, err := host.Leftovers(s.o.Strangers...)
	f := Finding{Witness: "descendants", Took: time.Since(began), Err: err}
	for _, p := range left {
		f.Left = append(f.Left, p.String())
	}
	s.found(f)
	if err != nil {
		faults = append(faults, fmt.Sprintf("cannot look for leftovers: %v", err))
	}
	for _, p := range seen {
		if !slices.ContainsFunc(left, p.Same) {
			left = append(left, p)
		}
	}
	if len(left) == 0 && len(faults) == 0 {
		return nil
	}
	var reasons []string
	for _, fault := range faults {
		reasons = append(reasons, strings.Split(fault, "\n")...)
	}
	return Dirty(s.plan.Name, left, s.o.Name, reasons...)
}

package stack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"topobench/internal/process"
	"topobench/internal/proctree"
)

// portsWithin is how long the kernel may take to give a port back.
const portsWithin = 10 * time.Second

// Times of a teardown.
type Times struct{ Teardown, Proof time.Duration }

// DirtyError says what could not be proved gone. No next topology may start.
type DirtyError struct {
	Topology string
	Left     []proctree.Proc
	Reasons  []string
}

func (e *DirtyError) Error() string {
	text := fmt.Sprintf("DIRTY: %s is not gone:", e.Topology)
	for _, reason := range e.Reasons {
		text += "\n  " + reason
	}
	for _, p := range e.Left {
		text += fmt.Sprintf("\n  pid %d, state %c, parent %d: %s", p.PID, p.State, p.PPID, command(p))
	}
	return text
}

// command is what ps would show of p, or its name where that cannot be read.
func command(p proctree.Proc) string {
	words, err := proctree.Cmdline(p.PID)
	if err != nil || len(words) == 0 {
		return p.String()
	}
	return strings.Join(words, " ")
}

// Down stops the services in the order of their roles, each with its grace and
// its sweep, then proves that nothing is left. A cancelled ctx means no more
// grace; the sweep and the proof are done all the same. It may be called twice.
func (s *Stack) Down(ctx context.Context) (Times, error) {
	began := time.Now()
	s.mu.Lock()
	s.stopping = true
	running := slices.Clone(s.running)
	s.running = nil
	s.mu.Unlock()
	s.cancel(errors.New("the topology is being taken down"))
	faults := s.stopAll(ctx, running)
	s.watch.Wait()
	times := Times{Teardown: time.Since(began)}
	began = time.Now()
	err := s.prove(faults)
	times.Proof = time.Since(began)
	return times, err
}

// stopAll stops rank after rank, the services of one rank in parallel.
func (s *Stack) stopAll(ctx context.Context, running []service) []string {
	var faults []string
	slices.SortStableFunc(running, func(a, b service) int { return a.Role.StopOrder() - b.Role.StopOrder() })
	for len(running) > 0 {
		n := slices.IndexFunc(running, func(x service) bool { return x.Role.StopOrder() != running[0].Role.StopOrder() })
		if n < 0 {
			n = len(running)
		}
		faults = append(faults, s.stopRank(ctx, running[:n])...)
		running = running[n:]
	}
	return faults
}

func (s *Stack) stopRank(ctx context.Context, rank []service) []string {
	var mu sync.Mutex
	var faults []string
	var group sync.WaitGroup
	for _, svc := range rank {
		group.Go(func() {
			s.o.Note(Event{Service: svc.Service, State: Stopping})
			if err := svc.child.Stop(ctx); err != nil {
				mu.Lock()
				faults = append(faults, fmt.Sprintf("%s: %v", svc.Name, err))
				mu.Unlock()
				return
			}
			s.o.Note(Event{Service: svc.Service, State: Gone, Detail: svc.child.Exit().String()})
		})
	}
	group.Wait()
	return faults
}

// prove asks witnesses that took no part in the stopping. A port that somebody
// else has taken meanwhile is nothing of ours that is left: that is *BusyError.
func (s *Stack) prove(faults []string) error {
	taken, err := portsFreed(s.plan.Ports(), portsWithin)
	if err != nil {
		faults = append(faults, err.Error())
	}
	return errors.Join(s.dirty(faults), taken)
}

// dirty is nil if nothing of ours lives and there are no other faults.
func (s *Stack) dirty(faults []string) error {
	left, err := process.Leftovers()
	if err != nil {
		faults = append(faults, fmt.Sprintf("cannot look for leftovers: %v", err))
	}
	if len(left) == 0 && len(faults) == 0 {
		return nil
	}
	return &DirtyError{Topology: s.plan.Name, Left: left, Reasons: strings.Split(strings.Join(faults, "\n"), "\n")}
}

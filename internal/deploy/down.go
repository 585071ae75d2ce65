package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// deafEvery is how often a service that was told to stop is asked whether it
// still listens.
const deafEvery = time.Millisecond

// Times of a teardown.
type Times struct{ Teardown, Proof time.Duration }

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
	s.brace()
	faults := s.stopAll(ctx, running)
	s.watch.Wait()
	times := Times{Teardown: time.Since(began)}
	began = time.Now()
	err := s.prove(ctx, faults)
	times.Proof = time.Since(began)
	if s.o.Ended != nil {
		s.o.Ended(times, err)
	}
	return times, err
}

// stopAll stops rank after rank, the services of one rank in parallel. The next
// rank's turn comes when those of this one are out of its way.
func (s *Stack) stopAll(ctx context.Context, running []service) []string {
	var mu sync.Mutex
	var faults []string
	var all sync.WaitGroup
	slices.SortStableFunc(running, func(a, b service) int { return a.Role.StopOrder() - b.Role.StopOrder() })
	for len(running) > 0 {
		rank := running[0].Role.StopOrder()
		var away sync.WaitGroup
		for len(running) > 0 && running[0].Role.StopOrder() == rank {
			svc := running[0]
			gone := make(chan struct{})
			all.Go(func() {
				defer close(gone)
				if fault := s.stop(ctx, svc); fault != "" {
					mu.Lock()
					defer mu.Unlock()
					faults = append(faults, fault)
				}
			})
			away.Go(func() { outOfTheWay(svc, gone) })
			running = running[1:]
		}
		away.Wait()
	}
	all.Wait()
	return faults
}

func (s *Stack) stop(ctx context.Context, svc service) (fault string) {
	s.o.Note(Event{Service: svc.Service, State: Stopping})
	if err := svc.child.Stop(ctx); err != nil {
		return fmt.Sprintf("%s: %v", svc.Name, err)
	}
	s.o.Note(Event{Service: svc.Service, State: Gone, Detail: svc.child.Exit().String()})
	return ""
}

// outOfTheWay waits until svc is gone. An entrance is out of the way as soon as it
// listens no more: nothing can come in behind it (Dynamo's frontend stops listening
// within 5 ms, and takes another 300 to end).
func outOfTheWay(svc service, gone <-chan struct{}) {
	if !svc.Role.Entrance() || len(svc.Ports) == 0 {
		<-gone
		return
	}
	again := time.NewTicker(deafEvery)
	defer again.Stop()
	for FreePorts(svc.Ports) != nil {
		select {
		case <-gone:
			return
		case <-again.C:
		}
	}
}

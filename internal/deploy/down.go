package deploy

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"topobench/internal/host"
	"topobench/internal/plan"
)

// closedEvery is the time between two probes of the ports of a stopping service.
const closedEvery = time.Millisecond

// Down stops the services in the order of their roles, each with its grace, and kills
// what is left of them. Then it proves that nothing is left. The end of force ends all
// graces; the processes are killed and the checks are made all the same. Down may be
// called twice.
func (s *Stack) Down(force context.Context) error {
	began := time.Now()
	s.mu.Lock()
	s.stopping = true
	running := slices.Clone(s.running)
	s.running = nil
	s.mu.Unlock()
	s.cancel(errors.New("the topology is being taken down"))
	s.events.post(TeardownStarting{})
	s.lastSample()
	faults := s.stopAll(force, running)
	s.watch.Wait()
	stopped := time.Now()
	err := s.prove(context.WithoutCancel(force), faults)
	s.mu.Lock()
	s.times.Teardown, s.times.Proof = stopped.Sub(began), time.Since(stopped)
	times := s.times
	s.mu.Unlock()
	s.events.post(TeardownDone{times, err})
	s.events.close()
	return err
}

// stopAll stops rank after rank, the services of one rank in parallel. The next rank
// follows when the services of this one accept no more requests.
func (s *Stack) stopAll(force context.Context, running []service) []fault {
	var mu sync.Mutex
	var faults []fault
	var all sync.WaitGroup
	slices.SortStableFunc(running, func(a, b service) int { return a.Role.StopOrder() - b.Role.StopOrder() })
	for len(running) > 0 {
		rank := running[0].Role.StopOrder()
		var closed sync.WaitGroup
		for len(running) > 0 && running[0].Role.StopOrder() == rank {
			svc := running[0]
			gone := make(chan struct{})
			all.Go(func() {
				defer close(gone)
				defer close(svc.stopped)
				s.events.post(ServiceChanged{Service: svc.Service, State: Stopping})
				if err := svc.child.Stop(force); err != nil {
					mu.Lock()
					defer mu.Unlock()
					faults = append(faults, fault{svc.Host, svc.Name, err.Error()})
					return
				}
				s.events.post(ServiceChanged{Service: svc.Service, State: Gone, Detail: ending(svc.child.Exit())})
			})
			closed.Go(func() { s.awaitClosed(svc, gone) })
			running = running[1:]
		}
		closed.Wait()
	}
	all.Wait()
	return faults
}

// ending is how a service ended. A child whose connection was lost has no exit, even where its host is proved since.
func ending(e host.Exit) string {
	if e.At.IsZero() {
		return "after its connection was lost"
	}
	return e.String()
}

// awaitClosed waits until svc is gone. For an entrance it is enough that it listens no
// more: no request can come in behind it (Dynamo's frontend stops listening within 5 ms,
// and takes another 300 to end).
func (s *Stack) awaitClosed(svc service, gone <-chan struct{}) {
	if !svc.Role.Entrance() || len(svc.Ports) == 0 {
		<-gone
		return
	}
	again := time.NewTicker(closedEvery)
	defer again.Stop()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), lookWithin)
	defer cancel()
	h := s.on(svc.Host).host
	for {
		look, err := h.Look(ctx, host.Question{Ports: numbers(svc.Ports)})
		listens := func(p plan.Port) bool { return look.Ports[p.Number].Fault != "" }
		if err == nil && !slices.ContainsFunc(svc.Ports, listens) {
			return
		}
		select {
		case <-gone:
			return
		case <-again.C:
		}
	}
}

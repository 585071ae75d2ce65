// Package ready probes whether services still serve, and judges how they shared a load.
package ready

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"topobench/internal/deploy"
	"topobench/internal/plan"
)

// Health probes the services of a topology that is up.
type Health struct{ Prober deploy.Prober }

// censusLimit is how long one service may take to answer: a stopped process
// takes the connection and never does.
const censusLimit = 5 * time.Second

// Absence says of a service why its gate is not open.
type Absence struct {
	Service, Why string
	Late         bool // it took the question and gave no answer in time: it hangs, or is busy
}

func (a Absence) String() string { return a.Service + ": " + a.Why }

// Standing asks the gates of all services once and at the same time, and names
// those that are not open: "prefill-3: does not answer". The balancer, which
// only listens, is not asked: a connection without a request counts against a
// backend. None: all are there.
func (h Health) Standing(ctx context.Context, services []plan.Service) []Absence {
	answers := make([]Absence, len(services))
	var wait sync.WaitGroup
	for i, s := range services {
		if s.Gate.Kind == plan.GateListens {
			continue
		}
		wait.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, censusLimit)
			defer cancel()
			if err := h.Prober.Gate(ctx, s.Gate); err != nil {
				answers[i] = absence(s.Name, err)
			}
		})
	}
	wait.Wait()
	return slices.DeleteFunc(answers, func(a Absence) bool { return a.Service == "" })
}

// absence is why a gate that was open is not, in one line.
func absence(service string, err error) Absence {
	var late net.Error
	switch {
	case errors.Is(err, deploy.ErrNoAnswer):
		return Absence{Service: service, Why: "does not answer"}
	case errors.As(err, &late) && late.Timeout():
		return Absence{Service: service, Why: fmt.Sprintf("does not answer within %s", censusLimit), Late: true}
	}
	return Absence{Service: service, Why: strings.Join(strings.Fields(err.Error()), " ")}
}

// Counters reads how many requests each service has counted since its start, by
// its name, all at the same time. A counter that is not there is an error: after
// the smoke every worker has one.
func (h Health) Counters(ctx context.Context, counters []plan.Counter) (map[string]float64, error) {
	counts, faults := make([]float64, len(counters)), make([]error, len(counters))
	var wait sync.WaitGroup
	for i, c := range counters {
		wait.Go(func() { counts[i], faults[i] = h.Prober.Requests(ctx, c) })
	}
	wait.Wait()
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	byName := map[string]float64{}
	for i, c := range counters {
		byName[c.Service] = counts[i]
	}
	return byName, nil
}

// Spread says what is wrong with how the requests of a cell were shared out;
// served is what each worker counted in it, warm-up included. That the workers
// together served fewer than were measured is a stranger that shares a port; far more
// than were sent, one that loads them.
func Spread(p plan.Plan, concurrency int, served map[string]float64) []string {
	requests := p.Load.Requests(concurrency)
	var faults []string
	var all float64
	for _, c := range p.Smoke.Counters {
		n := served[c.Service]
		if !prefills(p, c.Service) {
			all += n
		}
		switch {
		case n >= least(p, concurrency, peers(p, c.Service)):
		case n <= 0:
			faults = append(faults, fmt.Sprintf("%s served none of %d requests", c.Service, requests))
		default:
			faults = append(faults, fmt.Sprintf("%s served %g of %d requests, far from an equal share", c.Service, n, requests))
		}
	}
	if len(faults) == 0 && len(p.Smoke.Counters) > 0 && all < float64(requests) {
		faults = append(faults, fmt.Sprintf("the workers served only %g of %d requests: somebody else answered the others", all, requests))
	}
	if sent := requests + p.Load.Warmup(concurrency); all > strange*float64(sent)+float64(len(p.Smoke.Counters)) {
		faults = append(faults, fmt.Sprintf("the workers served %g requests, and aiperf sent %d: somebody else loaded them", all, sent))
	}
	return faults
}

// strange is how many times of what aiperf sent may be counted, and one of the smoke's a
// worker that is counted late, before it is somebody else's load.
const strange = 1.1

// prefills: a router may do without a worker for the prompts.
func prefills(p plan.Plan, service string) bool {
	return slices.ContainsFunc(p.Services, func(s plan.Service) bool { return s.Name == service && s.Role == plan.Prefill })
}

// chances is how many requests a worker may expect before none is no accident:
// of 20 on average, none is left with a probability of 2e-9.
const chances = 20

// Shares of an equal share that each server must have. aiperf goes round them in
// turn. A balancer by least connections favours the faster one, which on a starved
// machine was seen at 24 to 4, and is no fault; a server that it has ejected gets
// nothing.
const (
	shareInTurn   = 0.5
	shareBalanced = 0.1
)

// least is how many requests each of the workers of a role must have served: its
// share where a balancer or aiperf goes round their servers, else one.
// Nothing is asked of a cell with fewer requests at once than workers, which cannot
// keep all busy, nor of a router that does not go round before each had its chances.
func least(p plan.Plan, concurrency, workers int) float64 {
	requests := p.Load.Requests(concurrency)
	switch {
	case len(p.Load.URLs) > 1 && requests >= 2*workers:
		return shareInTurn * float64(requests) / float64(workers)
	case manyEntries(p) && requests >= 2*workers:
		return max(1, shareBalanced*float64(requests)/float64(workers))
	case manyEntries(p), concurrency < workers, !inTurn(p) && requests < chances*workers:
		return 0
	}
	return 1
}

// peers is how many workers share the role of a service.
func peers(p plan.Plan, service string) int {
	i := slices.IndexFunc(p.Services, func(s plan.Service) bool { return s.Name == service })
	if i < 0 {
		return 1
	}
	n := 0
	for _, s := range p.Services {
		if s.Role == p.Services[i].Role {
			n++
		}
	}
	return n
}

// manyEntries: each worker has a server of its own, and the load is spread before it.
func manyEntries(p plan.Plan) bool { return p.Balancer != "" || len(p.Load.URLs) > 1 }

// inTurn: no frontend routes by anything but turns, its default.
func inTurn(p plan.Plan) bool { return p.Choices.Router == "" || p.Choices.Router == "round-robin" }

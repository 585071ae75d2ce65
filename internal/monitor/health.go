package monitor

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"topobench/internal/plan"
	"topobench/internal/verdict"
)

// A service is unhealthy before or after a cell if it fails so many probes within that
// time: a missing heartbeat comes back.
const (
	snapshotProbes = 3
	snapshotWithin = 2 * time.Second
	snapshotPause  = 500 * time.Millisecond
)

// While a cell runs, each service is probed every second, but no more than 16 services a
// second, so that probing does not disturb the load. After 3 failed probes in a row it is
// unhealthy. The end of a process is seen at once, by the topology's context.
const (
	healthEvery     = time.Second
	healthPerSecond = 16
	healthMisses    = 3
)

// snapshot is a topology at one moment. If a service is unhealthy it has nothing else.
type snapshot struct {
	unhealthy []verdict.Unhealthy // after several probes
	flapped   []verdict.Unhealthy // at the first probe only
	served    map[string]float64  // requests that each worker has counted since its start
	unread    error               // why served is not known
	moved     map[string]float64  // KV caches that each decode worker has fetched since its start
	unmoved   error               // why moved is not known
	identity  map[string]string   // of external services
}

// snapshot probes until every service is healthy, a few times at most.
func (m *Monitor) snapshot(ctx context.Context) snapshot {
	services := slices.Concat(m.t.Plan.Services, m.t.Plan.External)
	began := time.Now()
	failed := m.t.Health(ctx, services)
	first := failed
	for n := 1; len(failed) > 0 && n < snapshotProbes && ctx.Err() == nil; n++ {
		if time.Since(began)+snapshotPause > snapshotWithin {
			break
		}
		select {
		case <-ctx.Done():
		case <-time.After(snapshotPause):
			failed = m.t.Health(ctx, services)
		}
	}
	if ctx.Err() != nil { // the probes failed because of that
		cause, _, _ := strings.Cut(context.Cause(ctx).Error(), "\n")
		failed = []verdict.Unhealthy{{Service: "the topology", Why: cause}}
	}
	if len(failed) > 0 {
		return snapshot{unhealthy: failed}
	}
	s := snapshot{flapped: first}
	s.served, s.unread = m.t.Counters(ctx, m.t.Plan.Smoke.Counters)
	if transfers := m.t.Plan.Smoke.Transfers; len(transfers) > 0 {
		s.moved, s.unmoved = m.t.Counters(ctx, transfers)
	}
	if m.t.Identity != nil && len(m.t.Plan.External) > 0 {
		s.identity = m.t.Identity(ctx, m.t.Plan.External)
	}
	return s
}

// observed are the services that are probed during a cell. Dynamo's mocker answers 503 on
// its health while it is well, and logs an error each time: its frontend counts it.
func (m *Monitor) observed() (services []plan.Service) {
	for _, s := range slices.Concat(m.t.Plan.Services, m.t.Plan.External) {
		if !m.t.Plan.Simulated || s.Gate.Kind != plan.GateWorker {
			services = append(services, s)
		}
	}
	return services
}

func (w *Watch) pace() time.Duration {
	return max(healthEvery, time.Duration(len(w.m.observed()))*time.Second/healthPerSecond)
}

// probeHealth returns the task that ends the watch when a service stops serving.
func (w *Watch) probeHealth(misses missCounter) func(context.Context) {
	services := w.m.observed()
	return func(ctx context.Context) {
		failed := append(w.m.t.Health(ctx, services), w.m.stuck(ctx, w.nginx)...)
		if gone := misses.add(failed); len(gone) > 0 && ctx.Err() == nil {
			w.end(&UnhealthyError{When: "in", Services: gone})
		}
	}
}

// missCounter counts how many probes in a row each service has failed.
type missCounter map[string]int

// add counts the failures of one round and returns the services that are unhealthy. A late
// answer does not count: the service may be busy with the load, and if it hangs, requests
// stop completing, which ends the cell as well.
func (c missCounter) add(failed []verdict.Unhealthy) (gone []verdict.Unhealthy) {
	before := maps.Clone(c)
	clear(c)
	for _, u := range failed {
		if u.Late {
			continue
		}
		c[u.Service] = before[u.Service] + 1
		if c[u.Service] >= healthMisses {
			gone = append(gone, u)
		}
	}
	return gone
}

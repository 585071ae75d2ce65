// Package monitor observes a topology while a cell runs: health, request counters, GPUs,
// the client's CPU, the kernel log and nginx. Its evidence is what package verdict judges. Its samples are for
// a person, and judge nothing.
package monitor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"topobench/internal/artifacts"
	"topobench/internal/host"
	"topobench/internal/plan"
	"topobench/internal/verdict"
)

// Host is a machine whose services are observed; deploy has the rest of it.
type Host interface {
	// Get reads at most limit bytes of a file from an offset on.
	Get(ctx context.Context, path string, from, limit int64) ([]byte, error)
	// Look takes one snapshot. The error reports that the host shows nothing at all.
	Look(ctx context.Context, q host.Question) (host.Snapshot, error)
}

// Targets is what a Monitor observes. A nil function or empty field is not observed.
type Targets struct {
	Plan      plan.Plan
	Host      Host            // this machine, with the services without a host
	Hosts     map[string]Host // the other hosts of the plan, by name
	Load      Host            // the machine of the load generator, which reaches the services; nil = Host
	Processes func() ([]host.ServiceProcesses, error)
	// Health probes each service once and returns those that fail. It must not send
	// requests through the balancer.
	Health func(ctx context.Context, services []plan.Service) []verdict.Unhealthy
	// Counters reads how many requests each service has counted since its start.
	Counters func(ctx context.Context, counters []plan.Counter) (map[string]float64, error)
	// Identity returns a value for each service that changes when it restarts.
	Identity func(ctx context.Context, services []plan.Service) map[string]string
	// Events marks the events that a cluster has now. The function that it returns lists those that came since.
	Events  func(ctx context.Context) (since func(context.Context) ([]string, error), err error)
	GPUs    time.Duration     // how long nvidia-smi of each host may take to answer; 0 = there is none
	Kernel  bool              // the kernel log is observed
	GPULogs map[string]GPULog // by name of the host; of the others the GPUs are not sampled
}

// GPULog is a file to which one nvidia-smi writes samples on its host.
type GPULog struct {
	Path   string
	Offset time.Duration // of the host's clock from this machine's
}

// Monitor observes one launch. It keeps what later cells compare with.
type Monitor struct {
	t         Targets
	processes []host.ServiceProcesses // the latest list; the next cell begins with it
	unlisted  error                   // why a service was never in it
	ready     map[string]*gpuMemory   // after readiness, by host
	faults    map[string]int          // that nginx counts against each of its servers

	gpuLogRead map[string]int64 // bytes of each GPULog up to the end of the latest cell
}

// New returns a monitor for one launch.
func New(t Targets) *Monitor {
	return &Monitor{t: t, ready: map[string]*gpuMemory{}, faults: map[string]int{}, gpuLogRead: map[string]int64{}}
}

// UnhealthyError names services that stopped serving.
type UnhealthyError struct {
	When     string // before, in or after
	Services []verdict.Unhealthy
}

func (e *UnhealthyError) Error() string {
	var names []string
	for _, u := range e.Services {
		names = append(names, u.String())
	}
	return e.When + " the cell: " + strings.Join(names, "; ")
}

// Processes lists the processes of the services and keeps the list for the next cell.
func (m *Monitor) Processes() ([]host.ServiceProcesses, error) {
	if m.t.Processes == nil {
		return nil, nil
	}
	now, err := m.t.Processes()
	listed := func(service string) bool {
		return slices.ContainsFunc(now, func(s host.ServiceProcesses) bool { return s.Service == service })
	}
	m.unlisted = nil
	if err != nil { // the services of a host that does not answer are compared with the list before
		for _, was := range m.processes {
			if !listed(was.Service) {
				now = append(now, was)
			}
		}
		if slices.ContainsFunc(m.t.Plan.Services, func(s plan.Service) bool { return !listed(s.Name) }) {
			m.unlisted = err
		}
	}
	m.processes = now
	return now, err
}

// Watch is the observation of one cell.
type Watch struct {
	m      *Monitor
	ctx    context.Context
	end    context.CancelCauseFunc
	tasks  []*task
	ended  chan struct{}
	before snapshot

	gpus   []*gpuSamples // by host
	client *clientSampler
	kernel []host.KernelLog // at the start, by host
	nginx  *nginxLog
	events *clusterEvents // nil = there is no cluster

	sampler *sampler
	sampled []artifacts.Sample
}

// Start takes a snapshot and begins to observe a cell. It fails with *UnhealthyError if a
// service does not serve. Every Watch must be stopped.
func (m *Monitor) Start(ctx context.Context) (*Watch, error) {
	before := m.snapshot(ctx)
	if len(before.unhealthy) > 0 {
		return nil, &UnhealthyError{When: "before", Services: before.unhealthy}
	}
	w := &Watch{m: m, before: before, ended: make(chan struct{}), nginx: m.openNginx(ctx)}
	if m.t.Kernel {
		w.kernel = m.kernel(ctx, nil)
	}
	w.ctx, w.end = context.WithCancelCause(ctx)
	w.events = m.openEvents(ctx)
	w.client = newClientSampler(m.load(), w.nginx.load())
	w.client.away = m.away(w.nginx)
	w.tasks = []*task{{every: time.Second, run: w.client.sample}, {every: w.pace(), run: w.probeHealth(missCounter{})}}
	w.sampler = m.newSampler(ctx)
	if len(m.t.Plan.Smoke.Counters) > 0 && m.t.Host != nil {
		w.tasks = append(w.tasks, &task{every: time.Second, run: w.sampler.probe})
	}
	w.gpus = m.newGPUs()
	sampleGPUs(ctx, w.gpus)
	for _, s := range w.gpus { // a driver that hangs does not hold up the other hosts
		w.tasks = append(w.tasks, &task{every: gpuEvery, due: time.Now().Add(gpuEvery), run: s.sample})
	}
	go w.loop()
	return w, nil
}

// Context ends, with *UnhealthyError as its cause, when a service stops serving.
func (w *Watch) Context() context.Context { return w.ctx }

// Client names the load generator's shepherd, by its pid. Its tree has the orphans of the
// load generator too.
func (w *Watch) Client(shepherd int) { w.client.follow(w.ctx, shepherd) }

// Loading marks the first completed request. CPU use before it is the client's own start
// and does not count.
func (w *Watch) Loading() { w.client.reset(w.ctx) }

// Stop ends the observation, takes the second snapshot, and returns the evidence, without
// aiperf's part. ctx is the topology's. The error is that processes could not be listed.
func (w *Watch) Stop(ctx context.Context) (verdict.Evidence, error) {
	w.end(nil)
	<-w.ended
	e := verdict.Evidence{Services: len(w.m.t.Plan.Services), Client: w.client.evidence()}
	undisturbed := context.WithoutCancel(ctx) // logs are evidence after a death as well
	events := make(chan *verdict.ClusterEvents, 1)
	go func() { events <- w.events.evidence(undisturbed) }()
	if w.m.t.Kernel {
		e.Kernel = w.m.kernelEvidence(w.kernel, w.m.kernel(undisturbed, w.kernel))
	}
	w.sampled = w.sampler.end(undisturbed)
	e.Nginx = w.m.nginxEvidence(undisturbed, w.nginx)
	sampleGPUs(ctx, w.gpus)
	e.GPUs = gpuEvidence(w.gpus)
	after := w.m.snapshot(ctx)
	first := w.m.processes
	var err error
	if ctx.Err() == nil {
		never := w.m.unlisted
		if _, err = w.m.Processes(); cmp.Or(err, never) != nil {
			e.Unlisted = cmp.Or(err, never).Error()
		}
		e.Restarted, e.Ended = host.CompareProcesses(first, w.m.processes)
		e.Restarted = append(e.Restarted, w.m.restartsOf(w.before, after)...)
	}
	var gone *UnhealthyError
	switch cause := context.Cause(w.ctx); {
	case ctx.Err() != nil:
		e.Died = context.Cause(ctx).Error()
	case errors.As(cause, &gone):
		e.When, e.Unhealthy = gone.When, gone.Services
	case len(after.unhealthy) > 0:
		e.When, e.Unhealthy = "after", after.unhealthy
	}
	e.Flapped = after.flapped
	switch counters := w.m.t.Plan.Smoke.Counters; {
	case len(after.unhealthy) > 0:
	case len(counters) > 0:
		e.Traffic = traffic(w.m.t.Plan, w.before, after)
	case w.m.t.Plan.Smoke.Uncounted != "":
		e.Traffic = &verdict.Traffic{Uncounted: w.m.t.Plan.Smoke.Uncounted}
	}
	if len(after.unhealthy) == 0 {
		e.Transfers = transfers(w.m.t.Plan, w.before, after)
	}
	e.Cluster = <-events
	return e, err
}

// task is something that the loop does now and then; never twice at the same time, since
// a probe of a hung service or driver can outlast its period.
type task struct {
	every   time.Duration
	run     func(context.Context)
	due     time.Time
	running chan struct{} // closed when the latest run has ended; nil = there was none
}

func (t *task) idle() bool {
	select {
	case <-t.running:
		return true
	default:
		return t.running == nil
	}
}

// tick is the period of the loop.
const tick = time.Second

// loop runs the tasks until the watch ends. Ending it cuts short what is under way.
func (w *Watch) loop() {
	defer close(w.ended)
	var all sync.WaitGroup
	defer all.Wait()
	again := time.NewTicker(tick)
	defer again.Stop()
	for {
		select {
		case <-w.ctx.Done():
			return
		case now := <-again.C:
			for _, t := range w.tasks {
				if now.Before(t.due) || !t.idle() {
					continue
				}
				t.due, t.running = now.Add(t.every-tick/2), make(chan struct{})
				all.Go(func() {
					defer close(t.running)
					t.run(w.ctx)
				})
			}
		}
	}
}

// traffic is what each worker counted between two snapshots.
func traffic(p plan.Plan, before, after snapshot) *verdict.Traffic {
	t := gained(p, p.Smoke.Counters, before.served, after.served, before.unread, after.unread)
	t.Routing = routing(p)
	for n, c := range p.Smoke.Counters {
		w := &t.Workers[n]
		if i := slices.IndexFunc(p.Services, func(s plan.Service) bool { return s.Name == c.Service }); i >= 0 {
			w.Role, w.Prefill = string(p.Services[i].Role), p.Services[i].Role == plan.Prefill
		}
	}
	return t
}

// routing is who chooses the worker of a request.
func routing(p plan.Plan) verdict.Routing {
	switch {
	case len(p.Load.URLs) > 1:
		return verdict.ByClient
	case p.Balancer != "":
		return verdict.Balanced
	case slices.ContainsFunc(p.Services, func(s plan.Service) bool {
		mode := routerMode(s)
		return s.Role == plan.Frontend && mode != "" && mode != "round-robin"
	}):
		return verdict.ByRouter
	}
	return verdict.InTurn
}

// routerMode is a frontend's --router-mode or else its DYN_ROUTER_MODE, of which the last
// value counts; "" = neither is set.
func routerMode(s plan.Service) string {
	if i := slices.Index(s.Argv, "--router-mode"); i >= 0 && i+1 < len(s.Argv) {
		return s.Argv[i+1]
	}
	mode := ""
	for _, pair := range s.Env {
		if value, found := strings.CutPrefix(pair, "DYN_ROUTER_MODE="); found {
			mode = value
		}
	}
	return mode
}

// restartsOf finds services whose counters went back, and external services whose
// identity changed.
func (m *Monitor) restartsOf(before, after snapshot) (restarted []string) {
	const back = "the request counter of %s went back from %g to %g"
	for service, now := range after.served {
		if was := before.served[service]; now < was {
			restarted = append(restarted, fmt.Sprintf(back, m.title(service), was, now))
		}
	}
	for service, now := range after.identity {
		if was := before.identity[service]; was != "" && now != "" && now != was {
			restarted = append(restarted, service+" (it has another identity than before the cell)")
		}
	}
	slices.Sort(restarted)
	return restarted
}

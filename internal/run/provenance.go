package run

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"topobench/internal/artifacts"
	"topobench/internal/deploy"
	"topobench/internal/host"
	"topobench/internal/host/gpu"
	"topobench/internal/host/proc"
	"topobench/internal/plan"
	"topobench/internal/preflight"
	"topobench/internal/profile"
)

// collectWithin bounds the collection of facts. Facts that come later are missing.
const collectWithin = 2 * time.Second

// collection collects the facts of a launch while its engines start. Its nvidia-smi must have ended before the teardown
// looks for descendants: stop waits for it.
type collection struct {
	run      *Runner
	topology preflight.Topology
	plan     plan.Plan
	order    int // of the launch in the run
	begun    time.Time
	users    []string // of the GPUs, before the launch

	once  sync.Once
	since time.Time // of the collection itself
	end   context.CancelFunc
	ended chan struct{}

	seen []seen // of each machine, this one first; complete when ended is closed

	cluster *artifacts.Cluster // nil = processes
	missing []string           // what could not be read of the cluster
}

// seen is what one machine showed while the engines of a launch started.
type seen struct {
	site
	gpus      gpu.Facts
	facts     artifacts.Values
	processes []proc.Proc
	self      proc.Proc
}

func (r *Runner) newCollection(w preflight.Topology, p plan.Plan) *collection {
	r.launches++
	c := &collection{run: r, topology: w, plan: p, order: r.launches, begun: time.Now(),
		end: func() {}, ended: make(chan struct{}), seen: []seen{{site: r.site("")}}}
	if r.cluster != nil { // this machine has no part in the measurement
		c.seen = []seen{{site: r.site(LoadName)}}
	}
	for _, h := range p.Hosts {
		c.seen = append(c.seen, seen{site: r.site(h.Name)})
	}
	return c
}

// start begins to collect; only its first call counts.
func (c *collection) start(ctx context.Context) {
	if c == nil {
		return
	}
	c.once.Do(func() {
		c.since = time.Now()
		ctx, c.end = context.WithTimeout(ctx, collectWithin)
		go func() {
			defer close(c.ended)
			c.collect(ctx)
		}()
	})
}

func (c *collection) collect(ctx context.Context) {
	_ = each(c.seen, func(i int, _ seen) error { // what a machine does not show is missing
		c.collectOn(ctx, &c.seen[i])
		return nil
	})
}

func (c *collection) collectOn(ctx context.Context, s *seen) {
	look, err := s.host.Look(ctx, host.Question{Processes: true})
	if err == nil {
		s.processes, s.self = look.Processes, look.Self
	}
	var unknown error
	if s.facts, unknown = c.run.factsOn(ctx, s.site); unknown != nil {
		s.gpus.Missing = append(s.gpus.Missing, s.at()+unknown.Error())
	}
	if (gpus{c.run, s.site}).watches(c.plan.HardwareOn(s.name)) {
		look, err = s.host.Look(ctx, host.Question{Facts: collectWithin})
		look.Facts.Missing = append(s.gpus.Missing, s.named(look.Facts.Missing)...)
		s.gpus = look.Facts
	}
	if err != nil {
		s.gpus.Missing = append(s.gpus.Missing, s.at()+err.Error())
	}
}

// stop ends the collection, and returns when its processes are gone.
func (c *collection) stop() {
	if c == nil {
		return
	}
	c.once.Do(func() { close(c.ended) })
	c.end()
	<-c.ended
}

// complete waits for the collection, at most until its limit.
func (c *collection) complete() bool {
	c.once.Do(func() { close(c.ended) })
	select {
	case <-c.ended:
		return true
	case <-time.After(collectWithin - time.Since(c.since)):
		return false
	}
}

// stopsBefore makes a collection end before the first of the checks of a teardown.
func (c *collection) stopsBefore(checks []deploy.TeardownCheck) []deploy.TeardownCheck {
	if len(checks) == 0 {
		return checks
	}
	remove := checks[0].Remove
	checks[0].Remove = func() error {
		c.stop()
		if remove == nil {
			return nil
		}
		return remove()
	}
	return checks
}

// write writes the provenance of a launch into its artifacts_N. A fault is shown, and ends nothing but a run whose
// disk is full.
func (c *collection) write(t *Topology, times deploy.Times, ready bool) {
	if c == nil {
		return
	}
	err := artifacts.WriteProvenance(t.Artifacts.Path, c.provenance(t, times, ready))
	if err != nil {
		c.run.Screen.Note(fmt.Sprintf("%s: %v", t.Name, err))
		c.run.disk.recorded(err)
	}
}

func (c *collection) provenance(t *Topology, times deploy.Times, ready bool) artifacts.Provenance {
	r, made := c.run, c.plan
	p := artifacts.Provenance{Topobench: r.Release, Run: r.Dir.ID(), Name: made.Name,
		Round: t.Repeat, Launch: t.Launches, Order: c.order, Begun: c.begun,
		Launched: times.Launch.Seconds(), Engine: times.Engine.Seconds(), Profile: c.profile(),
		Load: made.Deployment.Load, Programs: made.Deployment.Programs, Others: c.users, Cluster: c.cluster,
		Missing: c.missing}
	if ready {
		p.Ready = time.Now()
	}
	var names []string
	links := map[string]artifacts.Values{}
	if c.complete() { // else seen is still being written
		for _, s := range c.seen {
			names, links[s.name] = append(names, s.name), c.describe(&p, s)
		}
		p.Others = append(p.Others, c.busy()...)
	} else {
		p.Missing = append(p.Missing, fmt.Sprintf("machine and GPUs: not collected within %s", collectWithin))
	}
	for _, s := range made.Services {
		service := c.service(s)
		p.Services = append(p.Services, service)
		if s.Role == plan.Decode && ready && !made.Simulated && len(service.Transport) == 0 {
			p.Missing = append(p.Missing, noTransport(s.Name))
		}
	}
	p.Facts = factsOf(p, ofMachines(names, links)["links"])
	if c.cluster != nil {
		maps.Copy(p.Facts, factsOfNodes(c.cluster.Nodes))
	}
	return p
}

// describe adds what a machine showed, and returns how its GPUs are linked.
func (c *collection) describe(p *artifacts.Provenance, s seen) artifacts.Values {
	devices := c.plan.HardwareOn(s.name).Devices
	all, driver := c.run.found[s.name].provenance(devices, s.gpus)
	for i := range all {
		all[i].Host = s.name
	}
	var matrix []string
	if s.gpus.Matrix != "" {
		matrix = strings.Split(strings.TrimRight(s.gpus.Matrix, "\n"), "\n")
	}
	p.GPUs, p.Missing = append(p.GPUs, all...), append(p.Missing, s.gpus.Missing...)
	p.CUDA = cmp.Or(p.CUDA, s.gpus.CUDA)
	if s.name == "" {
		p.Host, p.Driver, p.Links = s.facts, driver, matrix
	} else {
		p.Hosts = append(p.Hosts, c.run.recordedHost(s, driver, matrix))
	}
	return artifacts.Values{"links": preflight.Links(s.gpus.Matrix, devices)}
}

// recordedHost describes another machine.
func (r *Runner) recordedHost(s seen, driver string, links []string) artifacts.Host {
	h, remote := r.known(s.name), r.Remotes[s.name]
	return artifacts.Host{Name: s.name, Hostname: s.hostname, Address: h.Address, Transport: h.Transport,
		Topobench: remote.Hello().Release, Offset: remote.Offset().Seconds(), Facts: s.facts, Driver: driver,
		Links: links}
}

// profile is the profile of the launch. Secrets are cut out of its texts, and not out of the hashes.
func (c *collection) profile() artifacts.ProfileText {
	written := c.topology.Profile
	resolved, err := profile.Resolved(written)
	if err != nil {
		resolved = err.Error()
	}
	t := artifacts.ProfileText{Source: written.Source, Text: plan.Public(written.Text, c.plan),
		Resolved: plan.Public(resolved, c.plan), Hash: artifacts.Hash(resolved)}
	if written.Text != "" {
		t.SHA256 = artifacts.Hash(written.Text)
	}
	return t
}

// logBytes are read of the log of a worker: its start, and the first request.
const logBytes = 1 << 20

func (c *collection) service(s plan.Service) artifacts.ServiceProcess {
	on := c.run.site(s.Host)
	p := artifacts.ServiceProcess{Name: s.Name, Role: string(s.Role), Host: s.Host, Argv: plan.PublicArgv(s),
		Environment: plan.PublicEnviron(s, on.environ), Devices: s.Devices}
	if !s.Role.Worker() {
		return p
	}
	ctx, cancel := context.WithTimeout(context.Background(), collectWithin)
	defer cancel()
	log, err := on.host.Get(ctx, s.Log, 0, logBytes)
	if err != nil {
		return p // the worker did not start
	}
	p.ModelLoad = modelLoad(string(log))
	if s.Role == plan.Decode {
		p.Transport = transports(string(log))
	}
	return p
}

// busyShare is the use of one CPU from which a foreign process is named.
const busyShare = 0.1

// busy names the processes of others that used the CPUs of a machine while the engines started.
func (c *collection) busy() []string {
	after, spans := make([][]proc.Proc, len(c.seen)), make([]time.Duration, len(c.seen))
	_ = each(c.seen, func(i int, s seen) error { // a machine that does not answer shows none
		ctx, cancel := context.WithTimeout(context.Background(), collectWithin)
		defer cancel()
		look, err := s.host.Look(ctx, host.Question{Processes: true})
		after[i], spans[i] = look.Processes, time.Since(c.since)
		return err
	})
	return busyOn(c.seen, after, spans)
}

// busyOn names the processes of others on all machines. Two of them may be one machine, also this one: a process of the
// run there is of the run here too.
func busyOn(machines []seen, after [][]proc.Proc, spans []time.Duration) (named []string) {
	var own []proc.Proc
	for i, s := range machines {
		if s.self.PID != 0 {
			own = append(append(own, s.self), proc.Below(after[i], s.self.PID, nil)...)
		}
	}
	for i, s := range machines {
		if s.self.PID != 0 {
			named = append(named, s.named(busyProcesses(s.processes, after[i], own, spans[i]))...)
		}
	}
	return named
}

// busyProcesses compares two lists of processes, without those of the run.
func busyProcesses(before, after, own []proc.Proc, span time.Duration) (named []string) {
	if span <= 0 {
		return nil
	}
	for _, p := range after {
		used := p.CPU
		if i := slices.IndexFunc(before, p.Same); i >= 0 {
			used -= before[i].CPU
		}
		if share := used.Seconds() / span.Seconds(); share >= busyShare && !slices.ContainsFunc(own, p.Same) {
			named = append(named, fmt.Sprintf("process %v used %.2g CPUs", p, share))
		}
	}
	return named
}

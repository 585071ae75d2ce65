package run

import (
	"context"
	"fmt"
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

	// The facts, complete when ended is closed.
	gpus      gpu.Facts
	machine   artifacts.Values
	processes []proc.Proc
	self      proc.Proc
}

func (r *Runner) newCollection(w preflight.Topology, p plan.Plan) *collection {
	r.launches++
	return &collection{run: r, topology: w, plan: p, order: r.launches, begun: time.Now(),
		end: func() {}, ended: make(chan struct{})}
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
	look, err := c.run.host.Look(ctx, host.Question{Processes: true})
	if err == nil {
		c.processes, c.self = look.Processes, look.Self
	}
	c.machine = preflight.MachineFacts(ctx, c.run.machine.devices)
	if c.run.gpus.watches(c.plan.Hardware) {
		look, err = c.run.host.Look(ctx, host.Question{Facts: collectWithin})
		c.gpus = look.Facts
	}
	if err != nil {
		c.gpus.Missing = append(c.gpus.Missing, err.Error())
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
		Load: made.Deployment.Load, Programs: made.Deployment.Programs, Others: c.users}
	if ready {
		p.Ready = time.Now()
	}
	facts := gpu.Facts{}
	if c.complete() {
		facts, p.Host = c.gpus, c.machine
		p.Others = append(p.Others, c.busy()...)
	} else {
		p.Missing = append(p.Missing, fmt.Sprintf("machine and GPUs: not collected within %s", collectWithin))
	}
	p.GPUs, p.Driver = r.machine.provenance(made.Hardware.Devices, facts)
	p.CUDA, p.Missing = facts.CUDA, append(p.Missing, facts.Missing...)
	if facts.Matrix != "" {
		p.Links = strings.Split(strings.TrimRight(facts.Matrix, "\n"), "\n")
	}
	for _, s := range made.Services {
		service := c.service(s)
		p.Services = append(p.Services, service)
		if s.Role == plan.Decode && ready && !made.Simulated && len(service.Transport) == 0 {
			p.Missing = append(p.Missing, noTransport(s.Name))
		}
	}
	p.Facts = factsOf(p, preflight.Links(facts.Matrix, made.Hardware.Devices))
	return p
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
	p := artifacts.ServiceProcess{Name: s.Name, Role: string(s.Role), Argv: plan.PublicArgv(s),
		Environment: plan.PublicEnviron(s, c.run.Environ), Devices: s.Devices}
	if !s.Role.Worker() {
		return p
	}
	ctx, cancel := context.WithTimeout(context.Background(), collectWithin)
	defer cancel()
	log, err := c.run.host.Get(ctx, s.Log, 0, logBytes)
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

// busy names the processes of others that used the CPUs while the engines started.
func (c *collection) busy() []string {
	look, err := c.run.host.Look(context.Background(), host.Question{Processes: true})
	if err != nil {
		return nil
	}
	return busyProcesses(c.processes, look.Processes, c.self, time.Since(c.since))
}

// busyProcesses compares two lists of processes. Descendants of self are of the run.
func busyProcesses(before, after []proc.Proc, self proc.Proc, span time.Duration) (named []string) {
	if self.PID == 0 || span <= 0 {
		return nil
	}
	own := append(proc.Below(after, self.PID, nil), self)
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

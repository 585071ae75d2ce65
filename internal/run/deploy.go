package run

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"topobench/internal/aiperf"
	"topobench/internal/deploy"
	"topobench/internal/host"
	"topobench/internal/journal"
	"topobench/internal/plan"
	"topobench/internal/ui"
)

// target is the plan as processes, with the checks of its teardown. An error is a reason
// not to launch it: the checks first record the state of the machine.
func (c *Campaign) target(ctx context.Context, p plan.Plan) (Target, error) {
	checks, err := c.leftoverChecks()
	if err != nil {
		return nil, err
	}
	gpus, err := c.gpuCheck(ctx, p)
	if err != nil {
		return nil, err
	}
	return processes{deploy.Target{Plan: p, Options: deploy.Options{
		Environ: c.Environ, Host: c.host(), Force: c.Force, Foreign: c.Foreign,
		Checks: append(checks, gpus...), Events: c.events(p.Name),
	}}}, nil
}

// host is this machine, on which the services run.
func (c *Campaign) host() deploy.Host { return host.Local{Starter: c.Starter} }

// up brings a plan up.
func (c *Campaign) up(ctx context.Context, p plan.Plan) (Serving, error) {
	t, err := c.target(ctx, p)
	if err != nil {
		return nil, err
	}
	return t.Up(ctx)
}

// events writes what happens to a topology to the screen and into the journal.
func (c *Campaign) events(topology string) func(deploy.Event) {
	return func(e deploy.Event) {
		switch e := e.(type) {
		case deploy.WaveStarting:
			c.at(Launching)
		case deploy.ServiceChanged:
			c.show(topology, e)
		case deploy.TeardownStarting:
			c.at(Stopping)
			c.Screen.Sweep(ui.Sweep{})
			c.Journal.Note(journal.TeardownBegin{Topology: topology})
		case deploy.ProofStarting:
			c.at(Proving)
		case deploy.CheckDone:
			c.Journal.Note(teardownCheck(e))
		case deploy.TeardownDone:
			c.ended(topology, e)
		}
	}
}

// show puts a change of a service on the screen and into the journal.
func (c *Campaign) show(topology string, e deploy.ServiceChanged) {
	s := ui.Service{Name: e.Service.Name, State: ui.State(e.State), Detail: e.Detail, GPUs: e.Service.Devices}
	if len(e.Service.Ports) > 0 {
		s.Port = e.Service.Ports[0].Number
	}
	c.Screen.Service(s)
	if e.State == deploy.Starting && e.Detail != "" {
		c.at(Awaiting)
		return // the reason why a gate is closed changes often, and the logs have it
	}
	if e.State == deploy.Starting {
		c.at(Starting)
	}
	c.Journal.Note(journal.Service{Topology: topology, Service: e.Service.Name, State: string(e.State),
		Detail: e.Detail, PID: e.PID})
}

func teardownCheck(e deploy.CheckDone) journal.TeardownCheck {
	check := journal.TeardownCheck{Check: e.Check, Seconds: e.Took.Seconds()}
	for _, l := range e.Left {
		check.Left = append(check.Left, l.String())
	}
	if e.Err != nil {
		check.Error = e.Err.Error()
	}
	return check
}

// ended reports the end of a teardown, also of a launch that failed.
func (c *Campaign) ended(topology string, e deploy.TeardownDone) {
	switch {
	case e.Err == nil:
		c.Journal.Note(journal.TeardownProved{Topology: topology})
		c.Screen.Note(fmt.Sprintf("%s is gone: no process left, every port free (%.1f s)", topology,
			(e.Times.Teardown + e.Times.Proof).Seconds()))
	case deploy.Busy(e.Err):
		c.Journal.Note(journal.TeardownBusy{Topology: topology, Error: e.Err.Error()})
	default:
		c.Journal.Note(journal.TeardownDirty{Topology: topology, Error: e.Err.Error()})
	}
}

// smoke proves that every worker serves the load's own body. It drops perf.sh's nvext,
// and reports that, if the server answers it with 400 and serves without it.
func (c *Campaign) smoke(ctx context.Context, p plan.Plan, t *Topology) (aiperf.Load, error) {
	l := p.Load
	c.Screen.Sweep(ui.Sweep{Proof: "none is answered yet"}) // a first transfer between two GPUs takes up to 30 s
	defer c.Screen.Sweep(ui.Sweep{})
	note := func(text string) {
		c.Journal.Note(journal.Smoke{Topology: t.Name, Waits: text})
		c.Screen.Sweep(ui.Sweep{Proof: text})
	}
	err := c.Smoke(ctx, p.Smoke, l, note)
	refused, is := errors.AsType[*deploy.RefusedError](err)
	if !is || refused.Status != http.StatusBadRequest || !l.NVExt {
		return l, err
	}
	l.NVExt = false
	if err := c.Smoke(ctx, p.Smoke, l, note); err != nil {
		return l, err
	}
	d := plan.NVExtDropped(refused.Answer)
	t.Deviations = append(t.Deviations, d)
	c.Journal.Note(journal.Deviation{Deviation: d})
	if t.Lost == nil { // else the first launch has reported it
		c.Screen.Note(fmt.Sprintf("%s: the load leaves out nvext.ignore_eos, which the server refuses (HTTP %d)",
			t.Name, refused.Status))
	}
	return l, nil
}

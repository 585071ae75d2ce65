package run

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"topobench/internal/aiperf"
	"topobench/internal/deploy"
	"topobench/internal/journal"
	"topobench/internal/plan"
	"topobench/internal/ui"
)

// target is the plan as processes, with the checks of its teardown, or the server of a plan
// without services. An error is a reason not to launch it: the checks first record the
// state of the machine.
func (r *Runner) target(ctx context.Context, p plan.Plan) (Target, error) {
	if r.Target != nil {
		if t, err := r.Target(ctx, p); t != nil || err != nil {
			r.facts.start(ctx)
			return t, err
		}
	}
	return r.ownTarget(ctx, p)
}

// ownTarget is processes of the run, or the server of another person.
func (r *Runner) ownTarget(ctx context.Context, p plan.Plan) (Target, error) {
	if len(p.Services) == 0 {
		r.facts.start(ctx)
		return external{urls: p.Load.URLs}, nil
	}
	checks, err := r.leftoverChecks()
	if err != nil {
		return nil, err
	}
	gpus, err := r.gpuChecks(ctx, p)
	if err != nil {
		return nil, err
	}
	checks = append(append(checks, r.hostChecks(p)...), gpus...)
	return processes{deploy.Target{Plan: p, Options: deploy.Options{
		Environ: r.Environ, Host: r.here.host, Machines: r.machines(), Force: r.Force, Foreign: r.Foreign,
		Checks: r.facts.stopsBefore(checks), Events: r.events(ctx, p.Name),
		Clean: func(name string) string { return CleanCommand(r.known(name)) },
	}}, r}, nil
}

// up brings a plan up. It returns the plan with what is known of it only now.
func (r *Runner) up(ctx context.Context, p plan.Plan) (Serving, plan.Plan, error) {
	t, err := r.target(ctx, p)
	if err != nil {
		return nil, p, err
	}
	s, err := t.Up(ctx)
	if err != nil {
		return nil, p, err
	}
	if found, is := s.(interface{ Located(p plan.Plan) plan.Plan }); is {
		p = found.Located(p)
	}
	return tie(s), p, nil
}

// events writes what happens to a topology to the screen and into the journal.
func (r *Runner) events(ctx context.Context, topology string) func(deploy.Event) {
	facts := r.facts
	return func(e deploy.Event) {
		switch e := e.(type) {
		case deploy.WaveStarting:
			r.at(Launching)
			facts.start(ctx)
		case deploy.ServiceChanged:
			r.show(topology, e)
		case deploy.TeardownStarting:
			r.at(Stopping)
			r.Screen.Sweep(ui.Sweep{})
			r.Journal.Note(journal.TeardownBegin{Topology: topology})
		case deploy.ProofStarting:
			r.at(Proving)
		case deploy.CheckDone:
			r.Journal.Note(teardownCheck(e))
		case deploy.TeardownDone:
			r.ended(topology, e)
		}
	}
}

// show puts a change of a service on the screen and into the journal.
func (r *Runner) show(topology string, e deploy.ServiceChanged) {
	s := ui.Service{Name: e.Service.Name, State: ui.State(e.State), Detail: e.Detail, Host: e.Service.Host,
		GPUs: e.Service.Devices}
	if len(e.Service.Ports) > 0 {
		s.Port = e.Service.Ports[0].Number
	}
	r.Screen.Service(s)
	if e.State == deploy.Starting && e.Detail != "" {
		r.at(Awaiting)
		return // the reason why a gate is closed changes often, and the logs have it
	}
	if e.State == deploy.Starting {
		r.at(Starting)
	}
	r.Journal.Note(journal.Service{Topology: topology, Service: e.Service.Name, State: string(e.State),
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
func (r *Runner) ended(topology string, e deploy.TeardownDone) {
	switch {
	case e.Err == nil:
		r.Journal.Note(journal.TeardownProved{Topology: topology})
		r.Screen.Note(fmt.Sprintf("%s is gone: no process left, every port free (%.1f s)", topology,
			(e.Times.Teardown + e.Times.Proof).Seconds()))
	case deploy.Busy(e.Err):
		r.Journal.Note(journal.TeardownBusy{Topology: topology, Error: e.Err.Error()})
	default:
		r.Journal.Note(journal.TeardownDirty{Topology: topology, Error: e.Err.Error()})
	}
}

// smokeTest proves that every worker serves the load's own body. It drops perf.sh's nvext,
// and reports that, if the server answers it with 400 and serves without it.
func (r *Runner) smokeTest(ctx context.Context, prober Prober, p plan.Plan, t *Topology) (aiperf.Load, error) {
	l, s := p.Load, p.Smoke
	s.URLs = l.URLs                                         // with their names, which aiperf resolves too
	r.Screen.Sweep(ui.Sweep{Proof: "none is answered yet"}) // a first transfer between two GPUs takes up to 30 s
	defer r.Screen.Sweep(ui.Sweep{})
	note := func(text string) {
		r.Journal.Note(journal.Smoke{Topology: t.Name, Waits: text})
		r.Screen.Sweep(ui.Sweep{Proof: text})
	}
	err := prober.Smoke(ctx, s, l, note)
	refused, is := errors.AsType[*deploy.RefusedError](err)
	if !is || refused.Status != http.StatusBadRequest || !l.NVExt {
		return l, err
	}
	l.NVExt = false
	if err := prober.Smoke(ctx, s, l, note); err != nil {
		return l, err
	}
	d := plan.NVExtDropped(refused.Answer)
	t.Deviations = append(t.Deviations, d)
	r.Journal.Note(journal.Deviation{Deviation: d})
	if t.Lost == nil && t.Repeat <= 1 { // else the first launch has reported it
		r.Screen.Note(fmt.Sprintf("%s: the load leaves out nvext.ignore_eos, which the server refuses (HTTP %d)",
			t.Name, refused.Status))
	}
	return l, nil
}

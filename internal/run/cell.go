package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/host/proc"
	"topobench/internal/journal"
	"topobench/internal/monitor"
	"topobench/internal/plan"
	"topobench/internal/slo"
	"topobench/internal/verdict"
)

// Cell is the result of one topology at one concurrency in one repeat. One that was
// skipped has only its id.
type Cell struct {
	artifacts.CellID
	Verdict verdict.Verdict
	Took    time.Duration
	Path    string // of its directory in artifacts_N
	Numbers string // for the screen; "" = none
	SLO     slo.Judgement
	Log     string // of aiperf

	X, Y   float64 // tokens/s/user and tokens/s/GPU
	Counts bool    // it is valid, and X and Y were measured

	sum string // of its published files
}

// attempt is one try at a cell.
type attempt struct {
	Cell
	dir     string          // its files
	exit    string          // how aiperf ended
	records *aiperf.Summary // nil = there are none, or they could not be read
	power   *artifacts.Power
}

// FailFastError ends a run at its first cell that is not valid.
type FailFastError struct{ Cell Cell }

func (e *FailFastError) Error() string {
	return fmt.Sprintf("stopped at the first cell that is not valid (--fail-fast): concurrency %d", e.Cell.Concurrency)
}

// LaunchFailure is why a launch of a topology can measure no further cell. Class is the
// check that failed.
type LaunchFailure struct {
	Class verdict.CheckName
	Cause error
	At    time.Time
}

// cells measures the cells of a topology in one launch.
type cells struct {
	*Runner
	t       *Topology
	plan    plan.Plan
	load    aiperf.Load
	monitor *monitor.Monitor
	away    LoadMachine        // that runs aiperf; nil = this machine
	tunnel  string             // that the load goes through
	devices []artifacts.Device // GPUs of the topology
	gpus    int                // that Y is divided by; 0 = unknown
	slo     slo.Targets
}

// monitor observes a launch.
func (r *Runner) monitor(p plan.Plan, s Serving, gpuLogs map[string]monitor.GPULog) *monitor.Monitor {
	prober := r.proberOf(s)
	t := monitor.Targets{Plan: p, Host: r.here.host, Hosts: map[string]monitor.Host{}, GPULogs: gpuLogs,
		Processes: s.Processes, Health: prober.Health, Counters: prober.Counters, Identity: prober.Identity,
		Kernel: true}
	if m := loadMachine(s); m != nil {
		t.Load = m
	}
	t.Events = eventsOf(s)
	for _, h := range p.Hosts {
		t.Hosts[h.Name] = r.Remotes[h.Name]
	}
	for _, s := range r.sites(p) {
		if (gpus{r, s}).watches(p.HardwareOn(s.name)) {
			t.GPUs = p.Hardware.Within
		}
	}
	return monitor.New(t)
}

// measure runs aiperf once, observes the topology meanwhile, and judges the result. There
// is a failure without an attempt if the topology failed before aiperf began, and neither
// of them if the user interrupted it. Files of an attempt that is not published stay.
func (c cells) measure(ctx context.Context, id artifacts.CellID) (*attempt, *LaunchFailure, error) {
	watch, err := c.monitor.Start(ctx)
	switch {
	case err != nil && interrupted(ctx):
		return nil, nil, nil
	case err != nil && ctx.Err() != nil:
		return nil, &LaunchFailure{Class: verdict.WorkerDied, Cause: context.Cause(ctx), At: time.Now()}, nil
	case err != nil:
		return nil, &LaunchFailure{Class: verdict.Workers, Cause: err, At: time.Now()}, nil
	}
	a := &attempt{Cell: Cell{CellID: id, Path: c.t.Artifacts.Cell(id.Concurrency)}}
	number := 1
	if c.t.pending != nil {
		number = 2
	}
	var outcome aiperf.Outcome
	if a.dir, err = c.Dir.Attempt(id, number); err == nil {
		a.Log = a.dir + ".log"
		outcome, err = c.aiperf(watch, a)
	}
	began := time.Now()
	defer func() { c.t.Times.Analysis += time.Since(began) }()
	evidence, unlisted := watch.Stop(ctx)
	if unlisted != nil {
		c.Journal.Note(journal.ServicesUnknown{Topology: c.t.Name, Error: unlisted.Error()})
	}
	switch {
	case err != nil:
		return nil, nil, err
	case interrupted(ctx):
		c.Journal.Note(journal.CellAborted{Topology: c.t.Name, Round: id.Repeat, Concurrency: id.Concurrency})
		return nil, nil, nil
	}
	a.Took, a.exit = outcome.Took, outcome.Exit.String()
	c.judge(a, outcome, evidence)
	c.keepSamples(a, watch)
	return a, failureOf(ctx, a.Verdict), nil
}

// failureOf is nil if the next cell can be measured. ctx is the topology's: its cause has
// the log of a service that died.
func failureOf(ctx context.Context, v verdict.Verdict) *LaunchFailure {
	check, fails := v.LaunchFailure()
	if !fails {
		return nil
	}
	f := &LaunchFailure{Class: check.Name, Cause: errors.New(check.Detail), At: time.Now()}
	if ctx.Err() != nil {
		f.Cause = context.Cause(ctx)
	}
	return f
}

// aiperf runs aiperf for an attempt.
func (c cells) aiperf(watch *monitor.Watch, a *attempt) (aiperf.Outcome, error) {
	env, missing := c.loadEnviron()
	if len(missing) > 0 {
		err := fmt.Errorf("cannot start aiperf: its env names variables that are not set: %v", missing)
		return aiperf.Outcome{}, err
	}
	c.at(Measuring)
	bar := c.bar(a.CellID)
	on, job := c.located(aiperf.Job{
		Name: fmt.Sprintf("aiperf-c%d", a.Concurrency), Load: c.load, Concurrency: a.Concurrency,
		Previous: c.t.previous, Dir: a.dir, Log: a.Log, Env: aiperf.Environ(env, c.Environ),
		Force: c.Force, Started: watch.Client,
		Throttled: func() time.Duration { return proc.Limit(os.Getpid()).ThrottledFor },
		Progress: func(p aiperf.Progress) {
			if p.Warm+p.Done > 0 {
				watch.Loading()
			}
			bar(p)
		}})
	argv := c.load.Argv(a.Concurrency, job.Dir)
	c.Journal.Note(journal.CellBegin{Topology: c.t.Name, Round: a.Repeat, Concurrency: a.Concurrency, Argv: argv})
	outcome, err := aiperf.Run(watch.Context(), on, job)
	c.t.Times.AIPerf += outcome.Took
	return outcome, err
}

// judge completes the evidence with aiperf's end and its files, and gives the attempt its
// verdict and the numbers that the screen shows.
func (c cells) judge(a *attempt, o aiperf.Outcome, e verdict.Evidence) {
	e.AIPerf = verdict.AIPerf{Problem: o.Problem, Stalled: o.Stalled, Unseen: o.Unseen}
	e.Tunnel = c.tunnel
	e.Records = summarize(filepath.Join(a.dir, aiperf.RecordsName), a.Concurrency, c.slo)
	m, err := aiperf.Read(filepath.Join(a.dir, aiperf.ExportName))
	if err != nil {
		e.AIPerf.NoExport = err.Error()
	}
	if longest, err := m.Value("request_latency", "max"); err == nil {
		c.t.previous = aiperf.Previous{Concurrency: a.Concurrency,
			Longest: time.Duration(longest * float64(time.Millisecond))}
	}
	if o.Problem != "" {
		causes, err := aiperf.Failed(filepath.Join(a.dir, aiperf.RecordsName))
		switch {
		case err != nil:
			e.AIPerf.Causes = err.Error()
		case causes != "":
			e.AIPerf.Causes = causes
		default:
			e.AIPerf.Causes = o.Error
		}
	}
	e.Drift = c.drift
	if c.t.Continued {
		e.Relaunched = "in a further launch of its round, by run --resume"
	}
	if c.t.Launches > 1 {
		e.Relaunched = "after a restart of the topology"
		if c.t.pending != nil {
			e.Relaunched = "attempt 2, " + e.Relaunched + "; attempt 1: " + c.t.pending.Verdict.Reasons[0]
		}
	}
	a.Verdict = verdict.Of(e, m, verdict.Load{Requests: c.load.Requests(a.Concurrency),
		Warmup: c.load.Warmup(a.Concurrency), OSL: c.load.OSL, Concurrency: a.Concurrency,
		Args: len(c.load.Args) > 0})
	for i, check := range a.Verdict.Checks { // a detail may quote a log or the answer of a server, and is published
		a.Verdict.Checks[i].Detail = plan.Public(check.Detail, c.plan)
	}
	a.Verdict = verdict.Sum(a.Verdict.Checks)
	if r := e.Records; r != nil && r.Unread == "" {
		a.records = &r.Summary
	}
	a.Numbers, a.SLO = headline(m), judgeSLO(a.Verdict, m, c.slo)
	a.read(m, c.gpus)
	c.noteOnce(a.Verdict.Checks)
}

// summarize is the evidence in aiperf's records; nil = there are none.
func summarize(records string, concurrency int, targets slo.Targets) *verdict.Records {
	summary, err := aiperf.Summarize(records, concurrency, targets)
	switch {
	case err != nil:
		return &verdict.Records{Unread: err.Error()}
	case summary.Requests == 0:
		return nil
	}
	return &verdict.Records{Summary: summary}
}

// publish makes an attempt the cell of its topology, in artifacts_N, on the screen and in
// the journal. nil is no attempt.
func (r *Runner) publish(t *Topology, a *attempt) error {
	t.pending = nil
	if a == nil {
		return nil
	}
	valid := a.Verdict.State == verdict.Valid
	sidecar, err := json.MarshalIndent(map[string]any{"valid": valid, "state": a.Verdict.State,
		"reasons": a.Verdict.Reasons, "checks": a.Verdict.Checks, "records": a.records, "power": a.power,
		"run": r.Dir.ID()}, "", "  ")
	if err != nil {
		return err
	}
	r.at(Publishing)
	err = r.retire(a)
	if err == nil {
		err = artifacts.Publish(a.dir, a.Path, append(sidecar, '\n'))
	}
	if err == nil {
		a.sum, err = artifacts.Checksum(a.Path)
	}
	if err != nil {
		return err
	}
	r.at(Recording)
	// The journal has the checks too: people send it without the artifacts.
	done := r.cellDone(*t, a.Cell)
	done.Exit, done.Attempt = a.exit, strings.TrimPrefix(a.dir, r.Dir.Path()+"/")
	r.Journal.Note(done)
	t.finish(a.Cell)
	r.done = append(r.done, a.Cell)
	r.Screen.Note(cellLine(t.String(), a.Cell))
	if r.FailFast && !valid {
		return &FailFastError{Cell: a.Cell}
	}
	return nil
}

// recordFailure reports that a launch failed. a is nil between two cells.
func (r *Runner) recordFailure(t *Topology, f *LaunchFailure, a *attempt, restartable bool) {
	lost := journal.LaunchLost{Topology: t.Name, Round: t.Repeat, Launch: t.Launches, Class: string(f.Class),
		Error: f.Cause.Error()}
	where := t.String()
	if a != nil {
		lost.Concurrency, lost.Attempt = a.Concurrency, a.dir
		where = fmt.Sprintf("%v: concurrency %d", t, a.Concurrency)
	}
	r.Journal.Note(lost)
	next := "the rest of its sweep is not measured"
	if restartable && t.Launches == 1 {
		next = "restarting the topology, once"
	}
	r.Screen.Note(fmt.Sprintf("%s failed (%s): %s\n%v", where, f.Class, next, f.Cause))
}

func cellLine(topology string, c Cell) string {
	line := fmt.Sprintf("%s: concurrency %d: %s (%.1f s)", topology, c.Concurrency, c.Verdict.State, c.Took.Seconds())
	if c.Numbers != "" && c.Verdict.State != verdict.Invalid {
		line += "  " + c.Numbers
	}
	if outside := c.SLO.String(); outside != "" {
		line += "; " + outside
	}
	if len(c.Verdict.Reasons) > 0 {
		line += "\n  " + strings.Join(c.Verdict.Reasons, "\n  ")
	}
	return line
}

// headline is the numbers that the screen shows; it leaves out those that are missing.
func headline(m aiperf.Measurement) string {
	var parts []string
	for _, x := range []struct{ tag, format string }{
		{"output_token_throughput_per_user", "%.1f tok/s/user"}, {"output_token_throughput", "%.1f tok/s"},
		{"time_to_first_token", "TTFT %.1f ms"},
	} {
		if n, err := m.Value(x.tag, "avg"); err == nil {
			parts = append(parts, fmt.Sprintf(x.format, n))
		}
	}
	return strings.Join(parts, ", ")
}

// noteOnce shows each kind of note, and each check that could not be made, once a run: the
// sidecar of every cell has it.
func (r *Runner) noteOnce(checks []verdict.Check) {
	for _, check := range checks {
		var text string
		switch check.State {
		case verdict.Note:
			text = "note: " + check.Detail
		case verdict.NotMade:
			text = fmt.Sprintf("the check %s could not be made: %s", check.Name, check.Detail)
		}
		if text == "" || check.Name == verdict.Relaunched || check.Name == verdict.Flap || r.noted[check.Name] {
			continue
		}
		if r.noted == nil {
			r.noted = map[verdict.CheckName]bool{}
		}
		r.noted[check.Name] = true
		r.Screen.Note(text + " (the sidecar of each cell has it)")
	}
}

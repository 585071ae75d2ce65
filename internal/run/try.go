package run

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/deploy"
	"topobench/internal/host"
	"topobench/internal/journal"
	"topobench/internal/monitor"
	"topobench/internal/plan"
	"topobench/internal/verdict"
)

// try is one attempt at a cell.
type try struct {
	Cell
	dir  string // its files
	exit string // how aiperf ended
}

// observe makes the monitor of a launch. processes is nil for a server that topobench did
// not start.
func (c *Campaign) observe(p plan.Plan, processes func() ([]host.ServiceProcesses, error)) *monitor.Monitor {
	t := monitor.Targets{Plan: p, Processes: processes, Health: c.Health, Counters: c.Counters,
		Identity: deploy.NewProber().Identity, Kernel: c.Kernel}
	if c.looksAt(p.Hardware) {
		asker := c.asker(p.Hardware)
		t.GPUs = &asker
	}
	return monitor.New(t)
}

// try runs aiperf once, observes the topology meanwhile, and judges the result. It returns
// a failure without an attempt where the topology failed before aiperf began, and neither
// where the user interrupted it. Files of an attempt that is not published stay.
func (s *sweep) try(ctx context.Context, concurrency int) (*try, *LaunchFailure, error) {
	watch, err := s.monitor.Start(ctx)
	switch {
	case err != nil && interrupted(ctx):
		return nil, nil, nil
	case err != nil && ctx.Err() != nil:
		return nil, &LaunchFailure{Class: verdict.WorkerDied, Cause: context.Cause(ctx), At: time.Now()}, nil
	case err != nil:
		return nil, &LaunchFailure{Class: verdict.Workers, Cause: err, At: time.Now()}, nil
	}
	a := &try{Cell: Cell{Concurrency: concurrency, Path: s.t.Artifacts.Cell(concurrency)}}
	var outcome aiperf.Outcome
	if a.dir, err = s.Run.Attempt(artifacts.CellID{Topology: s.t.Name, Concurrency: concurrency, Repeat: 1}, s.attempt()); err == nil {
		outcome, err = s.aiperf(watch, aiperf.Job{Load: s.plan.Load, Concurrency: concurrency, Dir: a.dir})
	}
	began := time.Now()
	defer func() { s.t.Times.Analysis += time.Since(began) }()
	evidence, unlisted := watch.Stop(ctx)
	if unlisted != nil {
		s.Journal.Note(journal.ServicesUnknown{Topology: s.t.Name, Error: unlisted.Error()})
	}
	switch {
	case err != nil:
		return nil, nil, err
	case interrupted(ctx):
		s.Journal.Note(journal.CellAborted{Topology: s.t.Name, Concurrency: concurrency})
		return nil, nil, nil
	}
	a.Took, a.exit = outcome.Took, outcome.Exit.String()
	s.judge(a, outcome, evidence)
	return a, failed(ctx, a.Verdict), nil
}

// attempt is the number of the next try at the cell whose turn it is.
func (s *sweep) attempt() int {
	if s.t.open != nil {
		return 2
	}
	return 1
}

// aiperf completes a job and runs it.
func (s *sweep) aiperf(watch *monitor.Watch, j aiperf.Job) (aiperf.Outcome, error) {
	j.Name = fmt.Sprintf("aiperf-c%d", j.Concurrency)
	j.Log, j.Force = filepath.Join(filepath.Dir(j.Dir), filepath.Base(j.Dir)+".log"), s.Force
	bar := s.bar()
	j.Started = watch.Client
	j.Progress = func(p aiperf.Progress) {
		if p.Warm+p.Done > 0 {
			watch.Loading()
		}
		bar(p)
	}
	var missing []string
	if j.Env, missing = plan.Environ(s.Environ, j.Load.Env); len(missing) > 0 {
		err := fmt.Errorf("cannot start aiperf: its env names variables that are not set: %v", missing)
		return aiperf.Outcome{}, err
	}
	s.at(Measuring)
	argv := j.Load.Argv(j.Concurrency, j.Dir)
	s.Journal.Note(journal.CellBegin{Topology: s.t.Name, Concurrency: j.Concurrency, Argv: argv})
	outcome, err := aiperf.Run(watch.Context(), s.Starter, j)
	s.t.Times.AIPerf += outcome.Took
	return outcome, err
}

// judge completes the evidence with aiperf's end and its files, and gives the attempt its
// verdict and the numbers that the screen shows.
func (s *sweep) judge(a *try, o aiperf.Outcome, e verdict.Evidence) {
	e.AIPerf = verdict.AIPerf{Problem: o.Problem, Stalled: o.Stalled, Unseen: o.Unseen}
	m, err := aiperf.Read(filepath.Join(a.dir, aiperf.ExportName))
	if err != nil {
		e.AIPerf.NoExport = err.Error()
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
	if s.t.Launches >= launches {
		e.Relaunched = "after a restart of the topology"
		if s.t.open != nil {
			e.Relaunched = "attempt 2, " + e.Relaunched + "; attempt 1: " + s.t.open.Verdict.Reasons[0]
		}
	}
	load := s.plan.Load
	a.Verdict = verdict.Of(e, m, verdict.Load{Requests: load.Requests(a.Concurrency),
		Warmup: load.Warmup(a.Concurrency), OSL: load.OSL, Concurrency: a.Concurrency})
	a.Numbers = headline(m)
	s.noteOnce(a.Verdict.Checks)
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
func (c *Campaign) noteOnce(checks []verdict.Check) {
	for _, check := range checks {
		var text string
		switch check.State {
		case verdict.Note:
			text = "note: " + check.Detail
		case verdict.NotMade:
			text = fmt.Sprintf("the check %s could not be made: %s", check.Name, check.Detail)
		}
		if text == "" || check.Name == verdict.Relaunched || check.Name == verdict.Flap || c.noted[check.Name] {
			continue
		}
		if c.noted == nil {
			c.noted = map[verdict.CheckName]bool{}
		}
		c.noted[check.Name] = true
		c.Screen.Note(text + " (the sidecar of each cell has it)")
	}
}

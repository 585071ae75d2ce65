package run

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/journal"
	"topobench/internal/plan"
	"topobench/internal/verdict"
)

// try is one attempt at a cell.
type try struct {
	Cell
	dir  string // its files
	exit string // how aiperf ended
}

// try runs aiperf once and judges what it left. Where the topology was lost before
// aiperf began there is a loss and no attempt; neither: it was interrupted. What is
// not published stays where it is.
func (s *sweep) try(ctx context.Context, concurrency int) (*try, *Loss, error) {
	before := scene{s.census(ctx, s.plan, flapAsks), s.who}
	switch {
	case interrupted(ctx):
		return nil, nil, nil
	case ctx.Err() != nil:
		return nil, lossOf(ctx, ctx, aftermath{}), nil
	case len(before.missing) > 0:
		return nil, lossOf(ctx, ctx, aftermath{absent: &AbsentError{"before", before.missing}}), nil
	}
	a := &try{Cell: Cell{Concurrency: concurrency, Path: s.t.Artifacts.Cell(concurrency)}}
	var err error
	if a.dir, err = s.Run.Attempt(s.t.Name, concurrency, 1, s.attempt()); err != nil {
		return nil, nil, err
	}
	around, gpus := s.around(), s.watchGPUs(ctx, s.plan)
	watched, stop := s.watch(ctx, observed(s.plan))
	outcome, err := s.aiperf(watched, aiperf.Job{Load: s.plan.Load, Concurrency: concurrency, Dir: a.dir, Progress: s.bar()})
	stop()
	shared, found := gpus(), around.since()
	if err != nil {
		return nil, nil, err
	}
	began := time.Now()
	defer func() { s.t.Times.Analysis += time.Since(began) }()
	after := s.look(ctx, flapAsks)
	if interrupted(ctx) {
		s.Journal.Note(journal.CellAborted{Topology: s.t.Name, Concurrency: concurrency})
		return nil, nil, nil
	}
	a.Took, a.exit = outcome.Took, outcome.Exit.String()
	lost := s.judge(ctx, watched, a, evidence{outcome, before, after, found, shared})
	return a, lost, nil
}

// attempt is the number of the next try at the cell whose turn it is.
func (s *sweep) attempt() int {
	if s.t.open != nil {
		return 2
	}
	return 1
}

// aiperf completes a job and runs it.
func (s *sweep) aiperf(ctx context.Context, j aiperf.Job) (aiperf.Outcome, error) {
	j.Name = fmt.Sprintf("aiperf-c%d", j.Concurrency)
	j.Log, j.Hurry = filepath.Join(filepath.Dir(j.Dir), filepath.Base(j.Dir)+".log"), s.Hurry
	var missing []string
	if j.Env, missing = plan.Environ(s.Environ, j.Load.Env); len(missing) > 0 {
		return aiperf.Outcome{}, fmt.Errorf("cannot start aiperf: its env names variables that are not set: %v", missing)
	}
	s.at(Measuring)
	s.Journal.Note(journal.CellBegin{Topology: s.t.Name, Concurrency: j.Concurrency, Argv: j.Load.Argv(j.Concurrency, j.Dir)})
	outcome, err := aiperf.Run(ctx, s.Starter, j)
	s.t.Times.AIPerf += outcome.Took
	return outcome, err
}

// evidence is what is known of an attempt beside aiperf's files.
type evidence struct {
	outcome       aiperf.Outcome
	before, after scene
	around        findings        // what the machine and nginx said meanwhile
	gpus          []verdict.Check // who used the GPUs
}

// judge gives an attempt its verdict, and says whether the topology was lost with it.
func (s *sweep) judge(ctx, watched context.Context, a *try, e evidence) *Loss {
	asked := verdict.Asked{Requests: s.plan.Load.Requests(a.Concurrency), OSL: s.plan.Load.OSL}
	a.Verdict, a.Numbers = judgeFiles(a.dir, e.outcome, asked)
	end := aftermath{outcome: e.outcome, ended: e.ended(), ejected: s.ejected(e.around.nginx), served: served(a.Verdict)}
	if len(e.after.missing) > 0 && ctx.Err() == nil {
		end.absent = &AbsentError{"after", e.after.missing}
	}
	lost := lossOf(ctx, watched, end)
	checks := append(e.checks(), s.earlier()...)
	if lost == nil {
		checks = append(checks, attendance(s.plan, a.Concurrency, e.before.census, e.after.census, e.outcome.Problem == "")...)
	}
	a.Verdict = a.Verdict.With(checks...)
	if lost != nil {
		a.Verdict = headed(a.Verdict, lost)
	}
	s.once(checks)
	return lost
}

// headed puts a loss first; the end of an aiperf that was ended for it is no reason
// of its own.
func headed(v verdict.Verdict, l *Loss) verdict.Verdict {
	first := l.check()
	var others []verdict.Check
	for _, c := range v.Checks {
		if c.Detail != first.Detail {
			others = append(others, c)
		}
	}
	return verdict.Verdict{}.With(append([]verdict.Check{first}, others...)...)
}

// earlier notes on a cell that its topology was made anew, and why it is tried again.
func (s *sweep) earlier() []verdict.Check {
	if s.t.Launches < launches {
		return nil
	}
	detail := "on a topology that was made anew"
	if s.t.open != nil {
		detail = "attempt 2, " + detail + "; attempt 1: " + s.t.open.Verdict.Reasons[0]
	}
	return []verdict.Check{{Name: artifacts.Anew, State: verdict.Valid, Detail: detail}}
}

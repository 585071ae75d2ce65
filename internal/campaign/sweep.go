package campaign

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"topobench/internal/load"
	"topobench/internal/plan"
	"topobench/internal/result"
	"topobench/internal/rundir"
	"topobench/internal/status"
)

// Cell is what became of one concurrency.
type Cell struct {
	Concurrency int
	Verdict     result.Verdict
	Took        time.Duration
	Path        string // where it was published
	Numbers     string // the ones a person waits for; "" = none
}

// sweep runs one cell after another. A cell that is not valid is kept and the
// sweep goes on, unless --fail-fast; once the topology has died, or the user
// has had enough, it ends.
func (c *Campaign) sweep(ctx context.Context, t *Topology, p plan.Plan) error {
	concurrencies := p.Load.Concurrency
	var finished []status.Cell
	for i, concurrency := range concurrencies {
		if ctx.Err() != nil {
			return nil
		}
		bar := &bar{screen: c.Screen, finished: finished, left: concurrencies[i:], all: len(concurrencies), began: time.Now()}
		cell, err := c.cell(ctx, t, p, concurrency, bar)
		if err != nil {
			return err
		}
		if cell == nil { // it was interrupted, or the topology died before it
			return nil
		}
		t.Cells = append(t.Cells, *cell)
		finished = append(finished, status.Cell{Concurrency: concurrency, Took: cell.Took})
		c.Screen.Note(cellLine(t.Name, *cell))
		if c.FailFast && cell.Verdict.State != result.Valid {
			return &FailFastError{Cell: *cell}
		}
	}
	return nil
}

// bar is the live line of a sweep.
type bar struct {
	screen   *status.View
	finished []status.Cell
	left     []int
	all      int
	began    time.Time
}

func (b *bar) show(p load.Progress) {
	eta, _ := status.ETA(b.finished, b.left, time.Since(b.began))
	b.screen.Sweep(status.Sweep{Done: len(b.finished), All: b.all, Concurrency: b.left[0], Requests: p.Done, Asked: p.Asked, Left: eta})
}

// cell runs aiperf once, judges what it left and publishes it. Where a service is
// missing there is nothing to measure: the cell is invalid and aiperf not run.
// nil: it was interrupted, or the topology died before aiperf began; its attempt
// stays where it is.
func (c *Campaign) cell(ctx context.Context, t *Topology, p plan.Plan, concurrency int, bar *bar) (*Cell, error) {
	attempt, err := c.Run.Attempt(t.Name, concurrency, 1, 1)
	if err != nil {
		return nil, err
	}
	cell := &Cell{Concurrency: concurrency, Path: t.Artifacts.Cell(concurrency)}
	before := c.census(ctx, p, flapAsks)
	switch {
	case ctx.Err() != nil:
		return nil, nil
	case len(before.missing) > 0:
		cell.Verdict = cell.Verdict.With(absent("before", before.missing))
		return cell, c.publish(t, cell, attempt, "aiperf was not run")
	}
	outcome, err := c.aiperf(ctx, t, load.Job{Load: p.Load, Concurrency: concurrency, Dir: attempt, Progress: bar.show})
	if err != nil {
		return nil, err
	}
	began := time.Now()
	defer func() { t.Times.Analysis += time.Since(began) }()
	after := c.census(ctx, p, 1)
	if interrupted(ctx) {
		c.note("cell-aborted", map[string]any{"topology": t.Name, "concurrency": concurrency})
		return nil, nil
	}
	cell.Took = outcome.Took
	cell.Verdict, cell.Numbers = verdict(attempt, outcome, result.Asked{Requests: p.Load.Requests(concurrency), OSL: p.Load.OSL})
	if ctx.Err() == nil || outcome.Problem == "" { // else the verdict names the death
		cell.Verdict = cell.Verdict.With(attendance(p, concurrency, before, after, outcome.Problem == "")...)
	}
	return cell, c.publish(t, cell, attempt, outcome.Exit.String())
}

// aiperf completes a job and runs it.
func (c *Campaign) aiperf(ctx context.Context, t *Topology, j load.Job) (load.Outcome, error) {
	j.Name = fmt.Sprintf("aiperf-c%d", j.Concurrency)
	j.Log, j.Environ, j.Hurry = filepath.Join(filepath.Dir(j.Dir), filepath.Base(j.Dir)+".log"), c.Environ, c.Hurry
	c.at(Measuring)
	c.note("cell-begin", map[string]any{"topology": t.Name, "concurrency": j.Concurrency, "argv": j.Load.Argv(j.Concurrency, j.Dir)})
	outcome, err := load.Run(ctx, c.Starter, j)
	t.Times.AIPerf += outcome.Took
	return outcome, err
}

// verdict judges an attempt by aiperf's end and by its files. What aiperf's files
// cannot tell becomes a check of its own, so that the sidecar carries it on.
func verdict(attempt string, o load.Outcome, asked result.Asked) (v result.Verdict, numbers string) {
	m, err := result.Read(filepath.Join(attempt, "profile_export_aiperf.json"))
	if err == nil {
		v = result.Judge(m, asked, filepath.Join(attempt, "profile_export.jsonl"))
		numbers = headline(m)
	}
	var run []result.Check
	for _, reason := range why(attempt, o, err) {
		run = append(run, result.Check{Name: "run", State: result.Invalid, Detail: reason})
	}
	return v.With(run...), numbers
}

// headline is what a person waits for; a number that is missing is left out.
func headline(m result.Measurement) string {
	var parts []string
	for _, x := range []struct{ tag, format string }{
		{"output_token_throughput_per_user", "%.1f tok/s/user"}, {"output_token_throughput", "%.1f tok/s"}, {"time_to_first_token", "TTFT %.1f ms"},
	} {
		if n, err := m.Value(x.tag, "avg"); err == nil {
			parts = append(parts, fmt.Sprintf(x.format, n))
		}
	}
	return strings.Join(parts, ", ")
}

// why says how a cell went wrong, in one line each: how aiperf ended, and the
// causes of failed requests or aiperf's own last error. unread is why its export
// could not be read.
func why(attempt string, o load.Outcome, unread error) []string {
	if o.Problem == "" {
		if unread != nil {
			return []string{unread.Error()}
		}
		return nil
	}
	problem, _, _ := strings.Cut(o.Problem, "\n")
	reasons := []string{problem}
	failed, err := result.Failed(filepath.Join(attempt, "profile_export.jsonl"))
	switch {
	case err != nil:
		reasons = append(reasons, err.Error())
	case failed != "":
		reasons = append(reasons, failed)
	case o.Error != "":
		reasons = append(reasons, o.Error)
	}
	return reasons
}

// publish notes the checks too: the journal is read where the artifacts are not.
func (c *Campaign) publish(t *Topology, cell *Cell, attempt, exit string) error {
	sidecar, err := json.MarshalIndent(map[string]any{"valid": cell.Verdict.State == result.Valid, "state": cell.Verdict.State,
		"reasons": cell.Verdict.Reasons, "checks": cell.Verdict.Checks, "run": c.Run.ID()}, "", "  ")
	if err != nil {
		return err
	}
	c.at(Publishing)
	if err := rundir.Publish(attempt, cell.Path, append(sidecar, '\n')); err != nil {
		return err
	}
	c.note("cell-done", map[string]any{"topology": t.Name, "concurrency": cell.Concurrency, "state": cell.Verdict.State,
		"reasons": cell.Verdict.Reasons, "checks": cell.Verdict.Checks, "seconds": cell.Took.Seconds(), "exit": exit})
	return nil
}

func cellLine(topology string, c Cell) string {
	line := fmt.Sprintf("%s: concurrency %d: %s (%.1f s)", topology, c.Concurrency, c.Verdict.State, c.Took.Seconds())
	if c.Numbers != "" && c.Verdict.State != result.Invalid { // a number that does not count is not news
		line += "  " + c.Numbers
	}
	if len(c.Verdict.Reasons) > 0 {
		line += "\n  " + strings.Join(c.Verdict.Reasons, "\n  ")
	}
	return line
}

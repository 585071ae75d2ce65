package run

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/journal"
	"topobench/internal/monitor"
	"topobench/internal/plan"
	"topobench/internal/ui"
	"topobench/internal/verdict"
)

// Cell is what became of one concurrency.
type Cell struct {
	Concurrency int
	Verdict     verdict.Verdict
	Took        time.Duration
	Path        string // where it was published
	Numbers     string // the ones a person waits for; "" = none
}

// sweep measures the cells of a topology, in one launch of it.
type sweep struct {
	*Campaign
	t       *Topology
	plan    plan.Plan
	monitor *monitor.Monitor
}

// run measures one cell after another, from the first that is not yet measured. A
// cell that is not valid is kept and the sweep goes on, unless --fail-fast. It ends
// early when the topology is lost, or when the user has had enough.
func (s *sweep) run(ctx context.Context) (*LaunchFailure, error) {
	asked := s.plan.Load.Concurrency
	for i := len(s.t.Cells); i < len(asked); i++ {
		attempt, lost, err := s.try(ctx, asked[i])
		switch {
		case err != nil:
			return nil, err
		case lost != nil:
			s.recordFailure(s.t, lost, attempt)
			if attempt != nil { // else one that an earlier launch lost is still to be tried again
				s.t.open = attempt
			}
			return lost, nil
		case attempt == nil: // it was interrupted
			return nil, nil
		}
		if err := s.settle(s.t, attempt); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// bar is the live line while a cell runs.
func (s *sweep) bar() func(aiperf.Progress) {
	var finished []ui.Cell
	for _, cell := range s.t.Cells {
		finished = append(finished, ui.Cell{Concurrency: cell.Concurrency, Took: cell.Took})
	}
	asked, began := s.plan.Load.Concurrency, time.Now()
	left := asked[len(finished):]
	return func(p aiperf.Progress) {
		eta, _ := ui.ETA(finished, left, time.Since(began))
		s.Screen.Sweep(ui.Sweep{Done: len(finished), All: len(asked), Concurrency: left[0], Requests: p.Done, Asked: p.Asked, Left: eta})
	}
}

// settle makes an attempt the topology's cell: it is published and told. Without
// one there is nothing to do.
func (c *Campaign) settle(t *Topology, a *try) error {
	t.open = nil
	if a == nil {
		return nil
	}
	if err := c.publish(t, a); err != nil {
		return err
	}
	t.Cells = append(t.Cells, a.Cell)
	c.Screen.Note(cellLine(t.Name, a.Cell))
	if c.FailFast && a.Verdict.State != verdict.Valid {
		return &FailFastError{Cell: a.Cell}
	}
	return nil
}

// publish notes the checks too: the journal is read where the artifacts are not.
func (c *Campaign) publish(t *Topology, a *try) error {
	sidecar, err := json.MarshalIndent(map[string]any{"valid": a.Verdict.State == verdict.Valid, "state": a.Verdict.State,
		"reasons": a.Verdict.Reasons, "checks": a.Verdict.Checks, "run": c.Run.ID()}, "", "  ")
	if err != nil {
		return err
	}
	c.at(Publishing)
	if err := artifacts.Publish(a.dir, a.Path, append(sidecar, '\n')); err != nil {
		return err
	}
	c.Journal.Note(journal.CellDone{Topology: t.Name, Concurrency: a.Concurrency, State: a.Verdict.State,
		Reasons: a.Verdict.Reasons, Checks: a.Verdict.Checks, Seconds: a.Took.Seconds(), Exit: a.exit})
	return nil
}

func cellLine(topology string, c Cell) string {
	line := fmt.Sprintf("%s: concurrency %d: %s (%.1f s)", topology, c.Concurrency, c.Verdict.State, c.Took.Seconds())
	if c.Numbers != "" && c.Verdict.State != verdict.Invalid { // a number that does not count is not news
		line += "  " + c.Numbers
	}
	if len(c.Verdict.Reasons) > 0 {
		line += "\n  " + strings.Join(c.Verdict.Reasons, "\n  ")
	}
	return line
}

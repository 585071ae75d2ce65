package run

import (
	"fmt"
	"slices"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/ui"
)

// rounds is the number of rounds of the run; 0 if the schedule leaves it open.
func (r *Runner) rounds() int {
	ladder, _ := r.schedule.(Ladder)
	return ladder.Rounds()
}

// roundOf is "round 2/4, ", or empty in a run of one round.
func roundOf(round, rounds int) string {
	switch rounds {
	case 0:
		return fmt.Sprintf("round %d, ", round)
	case 1:
		return ""
	}
	return fmt.Sprintf("round %d/%d, ", round, rounds)
}

// left are the cells that the run still has to measure, id first. A schedule that is no
// ladder decides the others later.
func (r *Runner) left(id artifacts.CellID) []artifacts.CellID {
	left := []artifacts.CellID{id}
	ladder, _ := r.schedule.(Ladder)
	for _, next := range ladder {
		done := slices.ContainsFunc(r.done, func(c Cell) bool { return c.CellID == next })
		if next != id && !done && !r.abandoned[next.Topology] {
			left = append(left, next)
		}
	}
	return left
}

// bar draws the live line of a running cell.
func (c cells) bar(id artifacts.CellID) func(aiperf.Progress) {
	began, left := time.Now(), c.left(id)
	later := untilEnd(c.done, left, c.overhead)
	finished := finishedLike(c.done, id)
	line := ui.Sweep{Done: len(c.done), All: len(c.done) + len(left), Concurrency: id.Concurrency}
	if rounds := c.rounds(); rounds != 1 {
		line.Round, line.Rounds = id.Repeat, rounds
	}
	return func(p aiperf.Progress) {
		line := line
		line.Requests, line.Asked = p.Done, p.Asked
		if eta, ok := ui.ETA(finished, []int{id.Concurrency}, time.Since(began)); ok {
			line.Left = eta + later
		}
		c.Screen.Sweep(line)
	}
}

// overhead is the time of a launch of a topology beside its cells: the mean of its launches that are over, restarts
// included, else of those of any topology, else what the running one has taken so far. A launch that measured nothing
// is not repeated, and its wait may be that of a timeout.
func (c cells) overhead(topology string) time.Duration {
	var own, all []time.Duration
	for _, t := range c.launched {
		took := t.Times.Total - t.Times.AIPerf
		if len(t.Cells) == 0 {
			continue
		}
		if all = append(all, took); t.Name == topology {
			own = append(own, took)
		}
	}
	switch {
	case len(own) > 0:
		return meanOf(own)
	case len(all) > 0:
		return meanOf(all)
	}
	return c.t.Times.Launch + c.t.Times.Engine + c.t.Times.Smoke
}

func meanOf(times []time.Duration) time.Duration {
	var sum time.Duration
	for _, t := range times {
		sum += t
	}
	return sum / time.Duration(len(times))
}

// untilEnd estimates the time from the end of the first cell to the end of the last one. It
// expects a cell to take as long as those that are done, and a launch its overhead.
func untilEnd(done []Cell, cells []artifacts.CellID, overhead func(topology string) time.Duration) (sum time.Duration) {
	for i, id := range cells[1:] {
		eta, _ := ui.ETA(finishedLike(done, id), []int{id.Concurrency}, 0)
		sum += eta
		if before := cells[i]; before.Topology != id.Topology || before.Repeat != id.Repeat {
			sum += overhead(id.Topology)
		}
	}
	return sum
}

// finishedLike are the cells that were measured of the topology of id, else of any.
func finishedLike(done []Cell, id artifacts.CellID) []ui.Cell {
	var own, all []ui.Cell
	for _, c := range done {
		cell := ui.Cell{Concurrency: c.Concurrency, Took: c.Took}
		if c.Took > 0 { // else it was skipped
			all = append(all, cell)
		}
		if c.Took > 0 && c.Topology == id.Topology {
			own = append(own, cell)
		}
	}
	if len(own) > 0 {
		return own
	}
	return all
}

package run

import (
	"slices"

	"topobench/internal/artifacts"
	"topobench/internal/preflight"
)

// Schedule is the order of the cells of a run. Its only state are the cells that are done.
type Schedule interface {
	// Next is the cell to measure after those that are done, or false after the last one.
	// A cell that was skipped, since its topology failed, is done as well.
	Next(done []Cell) (artifacts.CellID, bool)
}

// Ladder measures each topology once in a round, and its concurrencies in the order of the load.
type Ladder []artifacts.CellID

// LadderOf is the ladder of topologies over that many rounds: odd rounds in the given order, even ones reversed. In an
// even number of rounds a linear drift of the machine then costs all topologies the same.
func LadderOf(topologies []preflight.Topology, rounds int) Ladder {
	var l Ladder
	order := slices.Clone(topologies)
	for round := 1; round <= rounds; round++ {
		for _, w := range order {
			for _, c := range w.Profile.Load.Concurrency {
				l = append(l, artifacts.CellID{Topology: w.Profile.Name, Concurrency: c, Repeat: round})
			}
		}
		slices.Reverse(order)
	}
	return l
}

// Rounds is the number of rounds.
func (l Ladder) Rounds() (rounds int) {
	for _, id := range l {
		rounds = max(rounds, id.Repeat)
	}
	return rounds
}

// Next is the first cell of the ladder that is not done.
func (l Ladder) Next(done []Cell) (artifacts.CellID, bool) {
	for _, id := range l {
		if !slices.ContainsFunc(done, func(c Cell) bool { return c.CellID == id }) {
			return id, true
		}
	}
	return artifacts.CellID{}, false
}

// upcoming is the next cell of the schedule. It skips those of abandoned topologies.
func (r *Runner) upcoming() (id artifacts.CellID, more bool) {
	for id, more = r.schedule.Next(r.done); more && r.abandoned[id.Topology]; id, more = r.schedule.Next(r.done) {
		r.done = append(r.done, Cell{CellID: id})
	}
	return id, more
}

// next is the next cell of the schedule, if it belongs to t.
func (r *Runner) next(t *Topology) (artifacts.CellID, bool) {
	id, more := r.upcoming()
	return id, more && id.Topology == t.Name && id.Repeat == t.Repeat
}

// skip marks the remaining cells of a topology that failed as done.
func (r *Runner) skip(t *Topology) {
	for id, more := r.next(t); more; id, more = r.next(t) {
		t.ask(id)
		r.done = append(r.done, Cell{CellID: id})
	}
}

// abandon leaves a topology that did not start in the first round out of the later ones.
func (r *Runner) abandon(t Topology) {
	if t.Repeat > 1 || t.Err == nil || len(t.Cells) > 0 {
		return
	}
	r.abandoned[t.Name] = true
	if t.Rounds > 1 {
		r.Screen.Note(t.Name + " did not start in round 1: it is not launched in later rounds")
	}
}

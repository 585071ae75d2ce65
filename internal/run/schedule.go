package run

import (
	"slices"

	"topobench/internal/artifacts"
	"topobench/internal/preflight"
)

// Schedule is the order of the cells of a run.
type Schedule interface {
	// Next is the cell to measure after those that are done, or false after the last one.
	// A cell that was skipped, since its topology failed, is done as well.
	Next(done []Cell) (artifacts.CellID, bool)
}

// Ladder measures each topology once, and its concurrencies in the order of the load.
type Ladder []artifacts.CellID

// LadderOf is the ladder of topologies.
func LadderOf(topologies []preflight.Topology) Ladder {
	var l Ladder
	for _, w := range topologies {
		for _, c := range w.Profile.Load.Concurrency {
			l = append(l, artifacts.CellID{Topology: w.Profile.Name, Concurrency: c, Repeat: 1})
		}
	}
	return l
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

// next is the next cell of the schedule, if it belongs to t.
func (r *Runner) next(t *Topology) (artifacts.CellID, bool) {
	id, more := r.schedule.Next(r.done)
	return id, more && id.Topology == t.Name && id.Repeat == t.Repeat
}

// skip marks the remaining cells of a topology that failed as done.
func (r *Runner) skip(t *Topology) {
	for id, more := r.next(t); more; id, more = r.next(t) {
		t.ask(id)
		r.done = append(r.done, Cell{CellID: id})
	}
}

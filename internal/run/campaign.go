package run

import (
	"slices"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/verdict"
)

// asked are the concurrencies of a launch before its first cell. An adaptive run adds them one by one.
func (r *Runner) asked(ladder []int) []int {
	if _, is := r.schedule.(Adaptive); is {
		return nil
	}
	return ladder
}

// ask adds a concurrency to those of a launch.
func (t *Topology) ask(id artifacts.CellID) {
	if !slices.Contains(t.Asked, id.Concurrency) {
		t.Asked = append(t.Asked, id.Concurrency)
	}
}

// mark is what deployment_config.json has about a launch of an adaptive run; nil in other runs.
func (r *Runner) mark(round int) *artifacts.Adaptive {
	a, is := r.schedule.(Adaptive)
	if !is {
		return nil
	}
	return &artifacts.Adaptive{Run: r.Dir.ID(), At: a.At, Precision: a.Precision, Search: round == searchRound,
		First: a.Campaign(r.done).First}
}

// Summary is what an adaptive run spent and reached; empty for other runs.
func (r *Runner) Summary() []string {
	if a, is := r.schedule.(Adaptive); is {
		return a.Summary(r.done)
	}
	return nil
}

// Caveat is a limit of the ratio of an adaptive run that its interval does not have, or empty.
func (r *Runner) Caveat() string {
	if a, is := r.schedule.(Adaptive); is {
		return a.Caveat(r.done)
	}
	return ""
}

// NoInterval is the reason why an adaptive run has no interval; empty for other runs.
func (r *Runner) NoInterval() string {
	a, is := r.schedule.(Adaptive)
	if !is {
		return ""
	}
	return a.Campaign(r.done).noInterval()
}

// read sets the coordinates of a cell.
func (c *Cell) read(m aiperf.Measurement, gpus int) {
	x, noX := m.Value("output_token_throughput_per_user", "avg")
	y, noY := m.Value("output_token_throughput", "avg")
	if noX == nil && noY == nil && gpus > 0 {
		c.X, c.Y = x, y/float64(gpus)
	}
	c.Counts = c.Verdict.State == verdict.Valid && c.X > 0 && c.Y > 0
}

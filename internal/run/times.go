package run

import (
	"fmt"
	"slices"
	"time"

	"topobench/internal/deploy"
	"topobench/internal/text"
)

// Times of a topology. No part of them is the wait for GPUs that others use, or for the
// user's Ctrl-C while the topology is held.
type Times struct {
	Plan, Launch, Engine, Lag, Smoke, AIPerf, Analysis, Teardown, Proof, Total time.Duration
}

// Own is topobench's own share: Total without the engine's start and aiperf.
func (t Times) Own() time.Duration { return t.Total - t.Engine - t.AIPerf }

// launched adds the start of a launch; the one of a restart counts as engine start too.
func (t *Times) launched(s deploy.Times) {
	t.Launch += s.Launch
	t.Engine += s.Engine
	t.Lag += s.Lag
}

// tornDown adds a teardown.
func (t *Times) tornDown(s deploy.Times) {
	t.Teardown += s.Teardown
	t.Proof += s.Proof
}

// failed adds a launch that did not come up, teardown included. After a launch that came
// up it counts as engine start as well.
func (t *Times) failed(took time.Duration) {
	if t.Engine > 0 {
		t.Engine += took
	}
}

// stopwatch measures time without the waits for others.
func (r *Runner) stopwatch() (took func() time.Duration) {
	began, waited := time.Now(), r.waited
	return func() time.Duration { return time.Since(began) - (r.waited - waited) }
}

// waitFor calls something whose duration others decide.
func (r *Runner) waitFor(others func()) {
	began := time.Now()
	others()
	r.waited += time.Since(began)
}

// TimeLines are the wall times of each topology over all rounds, with the part that is topobench's own. They leave out
// launches that did not come up.
func TimeLines(topologies []Topology) (lines []string) {
	var names []string
	sums, rounds := map[string]Times{}, map[string]int{}
	for _, t := range topologies {
		x, sum := t.Times, sums[t.Name]
		if x.Engine == 0 {
			continue
		}
		if rounds[t.Name]++; rounds[t.Name] == 1 {
			names = append(names, t.Name)
		}
		sums[t.Name] = Times{Total: sum.Total + x.Total, Engine: sum.Engine + x.Engine, AIPerf: sum.AIPerf + x.AIPerf}
	}
	for _, name := range names {
		x, in := sums[name], ""
		if n := rounds[name]; n > 1 {
			in = fmt.Sprintf(" in %d rounds", n)
		}
		line := fmt.Sprintf("%.1f s%s (engine %.1f, aiperf %.1f, topobench itself %.1f)", x.Total.Seconds(), in,
			x.Engine.Seconds(), x.AIPerf.Seconds(), x.Own().Seconds())
		lines = append(lines, text.Wrap(line, "times: "+name+" ", "  ", text.Width)...)
	}
	return lines
}

// TimeTable is the wall time of each topology and round by its parts, in seconds, with a column for each; "own" is
// topobench's share. It leaves out topologies that did not come up.
func TimeTable(topologies []Topology) string {
	up := slices.DeleteFunc(slices.Clone(topologies), func(t Topology) bool { return t.Times.Engine == 0 })
	if len(up) == 0 {
		return ""
	}
	rows := [][]string{append([]string{"seconds"}, text.Each(up, Topology.String)...)}
	for _, part := range parts() {
		row := []string{"  " + part.name}
		for _, t := range up {
			row = append(row, fmt.Sprintf("%.2f", part.of(t.Times).Seconds()))
		}
		rows = append(rows, row)
	}
	return text.Sides(rows)
}

// part is a row of the table of times.
type part struct {
	name string
	of   func(Times) time.Duration
}

func parts() []part {
	return []part{
		{"plan", func(t Times) time.Duration { return t.Plan }},
		{"launch", func(t Times) time.Duration { return t.Launch }},
		{"engine", func(t Times) time.Duration { return t.Engine }},
		{"ready lag", func(t Times) time.Duration { return t.Lag }},
		{"smoke", func(t Times) time.Duration { return t.Smoke }},
		{"aiperf", func(t Times) time.Duration { return t.AIPerf }},
		{"analysis", func(t Times) time.Duration { return t.Analysis }},
		{"teardown", func(t Times) time.Duration { return t.Teardown }},
		{"proof", func(t Times) time.Duration { return t.Proof }},
		{"total", func(t Times) time.Duration { return t.Total }},
		{"own", Times.Own},
	}
}

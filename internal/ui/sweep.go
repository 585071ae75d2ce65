package ui

import (
	"fmt"
	"strings"
	"time"

	"topobench/internal/text"
)

// barWidth is in columns. Where the terminal has no room for the bar, it is left out.
const barWidth = 10

// shown reports whether the sweep is on the screen.
func (s Sweep) shown() bool { return s.All > 0 || s.Proof != "" }

// text describes the sweep in one line, the least important at its end: a narrow terminal cuts that off.
func (s Sweep) text() string {
	if s.Proof != "" {
		return "first completions: " + text.Clean(s.Proof)
	}
	var parts []string
	switch {
	case s.Rounds > 0:
		parts = append(parts, fmt.Sprintf("round %d/%d", s.Round, s.Rounds))
	case s.Round > 0:
		parts = append(parts, fmt.Sprintf("round %d", s.Round))
	}
	parts = append(parts, fmt.Sprintf("cells %d/%d", s.Done, s.All))
	if s.Left >= time.Second {
		parts = append(parts, "about "+age(s.Left)+" left")
	}
	if s.Concurrency > 0 {
		parts = append(parts, fmt.Sprintf("concurrency %d", s.Concurrency))
	}
	if s.Asked > 0 {
		parts = append(parts, fmt.Sprintf("requests %d/%d", s.Requests, s.Asked))
	}
	return strings.Join(parts, "  ")
}

// bar draws the share of the cells that are done; the running cell counts by its requests.
func (s Sweep) bar() string {
	if s.All == 0 {
		return ""
	}
	done := float64(s.Done)
	if s.Asked > 0 {
		done += min(1, float64(s.Requests)/float64(s.Asked))
	}
	full := min(barWidth, max(0, int(done/float64(s.All)*barWidth)))
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", barWidth-full) + "]"
}

// Cell is a finished cell: its concurrency and how long it took.
type Cell struct {
	Concurrency int
	Took        time.Duration
}

// ETA estimates the time until a sweep ends. left are the concurrencies to come; the first
// has been running for running. ok is false while no cell is finished.
//
// It expects a cell to take the mean of the finished cells of the nearest concurrency (by ratio; the higher one if two
// are equally near). perf.sh sends 10 requests per stream at every level, so a cell takes longer only by the latency
// that queueing adds, and neighbouring levels take similar times.
func ETA(finished []Cell, left []int, running time.Duration) (eta time.Duration, ok bool) {
	if len(finished) == 0 {
		return 0, false
	}
	for i, concurrency := range left {
		cell := expect(finished, concurrency)
		if i == 0 {
			cell = max(0, cell-running)
		}
		eta += cell
	}
	return eta, true
}

// expect is the mean of the finished cells whose concurrency is nearest.
func expect(finished []Cell, concurrency int) time.Duration {
	nearest := finished[0].Concurrency
	for _, c := range finished[1:] {
		old, now := ratio(nearest, concurrency), ratio(c.Concurrency, concurrency)
		if now < old || now == old && c.Concurrency > nearest {
			nearest = c.Concurrency
		}
	}
	var sum time.Duration
	n := 0
	for _, c := range finished {
		if c.Concurrency == nearest {
			sum, n = sum+c.Took, n+1
		}
	}
	return sum / time.Duration(n)
}

// ratio is the larger of a and b divided by the smaller, at least 1.
func ratio(a, b int) float64 { return float64(max(a, b)) / float64(max(1, min(a, b))) }

package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"topobench/internal/frontier"
	"topobench/internal/slo"
	"topobench/internal/stats"
	"topobench/internal/text"
	"topobench/internal/verdict"
)

// noteAxes adds what the axis of a ratio does not show to its sentence: the axes on which the other side wins, then,
// in a sentence of its own, the TTFT. Without a ratio there is nothing.
func (f Facts) noteAxes() {
	for i, c := range f.Comparisons {
		if c.Measured == nil {
			continue
		}
		notes := ""
		for _, winner := range f.otherWinners(c) {
			notes += " (" + winner + ")"
		}
		f.Comparisons[i].Sentence += text.Clean(notes + f.waits(c))
	}
}

// waits is the TTFT of both sides beside the x of the ratio; empty if aiperf reported none.
func (f Facts) waits(c Comparison) string {
	other, base := f.firstTokens(c.Other, c.Measured.At), f.firstTokens(c.Baseline, c.Measured.At)
	if other+base == "" {
		return ""
	}
	return fmt.Sprintf(". TTFT p50 and p90 beside it: %s %s; %s %s",
		c.Other, cmp.Or(other, "not reported"), c.Baseline, cmp.Or(base, "not reported"))
}

// firstTokens has the TTFT of the points of the frontier beside x, each the mean over repeats: "68.3 and 71.2 ms at
// concurrency 1, 73.1 and 80.5 ms at 8". It is empty if aiperf did not report it.
func (f Facts) firstTokens(label string, x float64) string {
	var cells []string
	of := " at concurrency "
	for _, c := range f.beside(label, x) {
		median, slow := f.firstToken(label, c, "p50"), f.firstToken(label, c, "p90")
		if median != "" && slow != "" {
			cells = append(cells, median+" and "+slow+" ms"+of+fmt.Sprint(c))
			of = " at "
		}
	}
	return strings.Join(cells, ", ")
}

// firstToken is the mean of a percentile of the TTFT over repeats of a cell: "-" if all had too few requests for it,
// empty if aiperf did not report it.
func (f Facts) firstToken(label string, concurrency int, stat string) (mean string) {
	var repeats []float64
	column := "time_to_first_token_" + stat
	for _, r := range f.Rows {
		v, has := r.Numbers[column]
		if !has || r.series() != label || r.Concurrency != concurrency || r.State != verdict.Valid || r.leftOut {
			continue
		}
		mean = "-"
		if !slices.Contains(r.Unsupported, column) {
			repeats = append(repeats, v)
		}
	}
	if len(repeats) == 0 {
		return mean
	}
	return number(stats.Summarise(repeats).Mean)
}

// beside are the concurrencies of the points of a frontier between which x is: one if x is that of a point.
func (f Facts) beside(label string, x float64) (concurrencies []int) {
	below, above := math.Inf(-1), math.Inf(1)
	var left, right int
	for _, s := range f.Series {
		for _, p := range s.Points {
			if s.Label != label || !p.Efficient {
				continue
			}
			if at := p.X.Mean; at <= x && at > below {
				below, left = at, p.Concurrency
			}
			if at := p.X.Mean; at >= x && at < above {
				above, right = at, p.Concurrency
			}
		}
	}
	concurrencies = slices.DeleteFunc([]int{left, right}, func(c int) bool { return c == 0 })
	slices.Sort(concurrencies)
	return slices.Compact(concurrencies)
}

// otherWinners names the axes on which the side with less throughput has more, each read in the middle of its own
// shared range.
func (f Facts) otherWinners(c Comparison) (notes []string) {
	for _, on := range Axes() {
		base, other := f.curveOn(c.Baseline, on), f.curveOn(c.Other, on)
		if on.Flag == f.X || base == nil || other == nil {
			continue
		}
		m, err := frontier.Compare(*base, *other, nil)
		if err != nil || winner(m.Ratio)*winner(c.Measured.Ratio) >= 0 {
			continue
		}
		ahead := c.Other
		if m.Ratio < 1 {
			ahead = c.Baseline
		}
		notes = append(notes, fmt.Sprintf("another axis names another winner: %s, %.*fx at %s tok/s/user (%s)",
			ahead, ratioPlaces(m.Ratio), m.Ratio, number(m.At), cmp.Or(on.Mark, "the guide's")))
	}
	return notes
}

// winner is 1 for a ratio above 1, -1 below, and 0 for one that is printed as 1.00x.
func winner(ratio float64) int { return cmp.Compare(math.Round(100*ratio), 100) }

// curveOn is the frontier of a label's valid cells on an axis. It is nil if one of them has no number on it: the
// frontier of the others would be another one.
func (f Facts) curveOn(label string, on Axis) *frontier.Curve {
	var repeats []stats.Repeat
	for _, r := range f.Rows {
		if r.series() != label || !r.counts(f.axis) || r.SLO.State == slo.Outside {
			continue
		}
		x, y, measured := r.point(on)
		if !measured {
			return nil
		}
		repeats = append(repeats, stats.Repeat{Concurrency: r.Concurrency, X: x, Y: y})
	}
	var means []frontier.Point
	for _, p := range stats.Aggregate(repeats) {
		means = append(means, frontier.Point{X: p.X.Mean, Y: p.Y.Mean})
	}
	return curveOf(means)
}

package run

import (
	"fmt"
	"math"
	"strings"

	"topobench/internal/aiperf"
	"topobench/internal/frontier"
	"topobench/internal/stats"
	"topobench/internal/text"
)

// Spent are the requests of an adaptive run, with those of the warm-up.
type Spent struct {
	Search int
	Missed int // in rounds before the bracket was widened
	Rounds int // in those of the interval
}

// LadderRequests are those of one round of a ladder on one side.
func LadderRequests(levels []int) (sum int) {
	for _, c := range levels {
		sum += aiperf.Load{}.Requests(c) + aiperf.Load{}.Warmup(c)
	}
	return sum
}

// Spent counts the requests of the measured cells.
func (a Adaptive) Spent(done []Cell) (s Spent) {
	first := a.Campaign(done).First
	for _, c := range done {
		switch requests := LadderRequests([]int{c.Concurrency}); {
		case c.Path == "": // skipped
		case c.Repeat == searchRound:
			s.Search += requests
		case c.Repeat < first:
			s.Missed += requests
		default:
			s.Rounds += requests
		}
	}
	return s
}

// Announcement is what is known before an adaptive run: its rule, and what it may spend.
func (a Adaptive) Announcement() []string {
	rule := fmt.Sprintf("adaptive: one launch a side searches, from concurrency %d, two concurrencies around %.4g "+
		"tok/s/user; then %d to %d rounds measure only these, for an interval of the ratio within %.3g %%",
		searchStart, a.At, stats.FirstStage, a.MaxRounds, 100*a.Precision)
	again := "; a bracket that misses the point starts the rounds again, once, at further cost"
	return []string{rule, a.saving() + again}
}

// saving is the promise: the least that is saved against as many rounds of the ladder, by the end of the brackets.
func (a Adaptive) saving() string {
	var parts []string
	for _, percent := range []int{25, 50} {
		if end := a.endWithin(percent); end > 0 {
			parts = append(parts, fmt.Sprintf("%d %% if both brackets end at concurrency %d or below", percent, end))
		}
	}
	if len(parts) == 0 {
		return "requests: no saving over as many rounds of the ladder is promised"
	}
	return fmt.Sprintf("requests, against as many rounds of the ladder: at most %s; beyond that no saving is "+
		"promised", strings.Join(parts, ", "))
}

// endWithin is the largest concurrency at which both brackets may end for that many percent of the ladder's requests;
// 0 = none. More than the fewest rounds, and brackets that are a level wider, save more.
func (a Adaptive) endWithin(percent int) (end int) {
	search := 0
	for high := searchStart; high <= a.Top; high *= 2 {
		search += LadderRequests([]int{high})
		rounds := stats.FirstStage * LadderRequests([]int{high / 2, high})
		third := 0 // level of a search that found the bracket at once
		if high <= 2*searchStart {
			third = LadderRequests([]int{1, 2})
		}
		if 100*2*(search+third+rounds) <= percent*stats.FirstStage*a.Ladder {
			end = high
		}
	}
	return end
}

// Summary is what an adaptive run spent, and how narrow its interval is or why there is none.
func (a Adaptive) Summary(done []Cell) []string {
	c, s := a.Campaign(done), a.Spent(done)
	missed := ""
	if s.Missed > 0 {
		missed = fmt.Sprintf(", %d in rounds that missed %.4g tok/s/user", s.Missed, a.At)
	}
	spent := fmt.Sprintf("requests: %d (%d in the search%s, %d in %s)", s.Search+s.Missed+s.Rounds, s.Search, missed,
		s.Rounds, text.Count(len(c.Ratios)+c.Lost, "round", "rounds"))
	if why := c.noInterval(); why != "" {
		return []string{spent, "no interval: " + why}
	}
	rounds := len(c.Ratios)
	return []string{fmt.Sprintf("%s; %d rounds of the ladder: %d", spent, rounds, rounds*a.Ladder), a.reached(c)}
}

// curved is the error of the interpolation, as a part of the ratio, which the interval does not have: in the search,
// the reading of all cells against that of the bracket's two. It is NaN before the end of the search.
func (a Adaptive) curved(done []Cell, brackets [2]Bracket) float64 {
	var bend [2]float64
	for side, b := range brackets {
		var all, ends []frontier.Point
		for _, c := range done {
			if c.Topology != a.Sides[side] || c.Repeat != searchRound {
				continue
			}
			all = append(all, frontier.Point{X: c.X, Y: c.Y})
			if c.Concurrency == b.Low || c.Concurrency == b.High {
				ends = append(ends, frontier.Point{X: c.X, Y: c.Y})
			}
		}
		whole, onWhole := reading(all, a.At)
		line, onLine := reading(ends, a.At)
		if !onWhole || !onLine {
			return math.NaN()
		}
		bend[side] = whole / line
	}
	return math.Abs(bend[1]/bend[0] - 1)
}

// reading is the frontier of points at x.
func reading(points []frontier.Point, x float64) (y float64, ok bool) {
	curve, err := frontier.NewCurve(points)
	if err != nil {
		return 0, false
	}
	return curve.At(x)
}

// curvedPart is the part of the precision from which an error of the interpolation is reported.
const curvedPart = 1.0 / 3

// Caveat is a limit of the ratio that its interval does not have; empty if there is none.
func (a Adaptive) Caveat(done []Cell) string {
	part := a.curved(done, a.Campaign(done).Brackets)
	if !(part > curvedPart*a.Precision) {
		return ""
	}
	return fmt.Sprintf("interpolated between two concurrencies a side: by the further ones of the search the ratio "+
		"differs by %.2g %%, which is not in the interval", 100*part)
}

// reached is the half width of the interval, and why it is not the precision.
func (a Adaptive) reached(c Campaign) string {
	r := stats.Stein(c.Ratios)
	half, rounds := r.High/r.Value-1, len(c.Ratios)
	line := fmt.Sprintf("adaptive: the interval ends %.2g %% above the ratio after %d rounds", 100*half, rounds)
	switch {
	case half <= a.Precision:
		return line
	case rounds < c.planned:
		return fmt.Sprintf("%s; %d were planned for %.3g %%", line, c.planned, 100*a.Precision)
	}
	return fmt.Sprintf("%s, not %.3g %%: --max-rounds is %d", line, 100*a.Precision, a.MaxRounds)
}

// noInterval is the reason why there is none, or empty.
func (c Campaign) noInterval() string {
	if c.Why == "" && len(c.Ratios) < stats.FirstStage {
		return fmt.Sprintf("the run ended after %s, and an interval needs %d",
			text.Count(len(c.Ratios), "round", "rounds"), stats.FirstStage)
	}
	return c.Why
}

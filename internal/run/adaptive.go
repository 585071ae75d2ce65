package run

import (
	"fmt"
	"slices"

	"topobench/internal/artifacts"
	"topobench/internal/frontier"
	"topobench/internal/stats"
	"topobench/internal/text"
)

// Adaptive measures two topologies around one tokens/s/user until the interval of their ratio is narrow enough. The
// finished cells alone decide which is next.
//
// A search, one launch a side, finds two concurrencies around At on each side. Then rounds measure only these, with the
// sides in alternating order. After stats.FirstStage rounds Stein's rule fixes the number of rounds; the ratio is not
// examined again. A round that misses At widens the bracket, and the rounds begin again, once.
type Adaptive struct {
	Sides     [2]string // topologies in the given order
	At        float64   // tokens/s/user
	Precision float64   // of the ratio: 0.03 is 3 %
	MaxRounds int
	Top       int // largest concurrency
	Ladder    int // requests of both sides in one round of the ladder
}

// searchRound is the round of the search. Its cells are no part of the interval.
const searchRound = 1

// lostRounds ends the rounds: a cell of each of so many was not valid.
const lostRounds = 2

// Campaign is what the finished cells of an adaptive run amount to.
type Campaign struct {
	Brackets [2]Bracket
	First    int       // round in which the interval begins; 0 during the search
	Ratios   []float64 // second side / first side at At, of each round from First on that counts
	Lost     int       // rounds from First on that do not count
	Why      string    // why there can be no interval

	next    artifacts.CellID    // zero after the last cell
	curves  [2][]frontier.Curve // of the rounds from First on that count
	planned int                 // rounds that are to count
	over    bool
	widened bool
}

// Next is the cell to measure after those that are done.
func (a Adaptive) Next(done []Cell) (artifacts.CellID, bool) {
	next := a.Campaign(done).next
	return next, next != artifacts.CellID{}
}

// Campaign replays the finished cells.
func (a Adaptive) Campaign(done []Cell) Campaign {
	var c Campaign
	for i, name := range a.Sides {
		b, next, why := a.search(done, name)
		if why != "" {
			c.Why = name + " " + why
			return c
		}
		if next > 0 {
			c.next = artifacts.CellID{Topology: name, Concurrency: next, Repeat: searchRound}
			return c
		}
		c.Brackets[i] = b
	}
	c.First = searchRound + 1
	for round := c.First; !c.over && c.next == (artifacts.CellID{}); round++ {
		a.round(&c, done, round)
	}
	return c
}

// round adds a round, or sets the first cell of it that is not done.
func (a Adaptive) round(c *Campaign, done []Cell, round int) {
	var points [2][]frontier.Point
	for _, id := range a.cells(*c, round) {
		i := slices.IndexFunc(done, func(cell Cell) bool { return cell.CellID == id })
		switch {
		case i < 0:
			c.next = id
			return
		case !done[i].Counts:
			c.Lost++
			a.conclude(c, round)
			return
		}
		side := slices.Index(a.Sides[:], id.Topology)
		points[side] = append(points[side], frontier.Point{X: done[i].X, Y: done[i].Y})
	}
	for side := range a.Sides {
		curve, err := frontier.NewCurve(points[side])
		if err != nil { // Counts excludes it
			c.Why, c.over = a.Sides[side]+": "+err.Error(), true
			return
		}
		c.curves[side] = append(c.curves[side], curve)
	}
	if why, missed := a.widen(c); missed {
		c.Why, c.over = why, why != ""
		c.First, c.Ratios, c.Lost, c.curves, c.widened = round+1, nil, 0, [2][]frontier.Curve{}, true
		return
	}
	first, _ := c.curves[0][len(c.curves[0])-1].At(a.At)
	second, _ := c.curves[1][len(c.curves[1])-1].At(a.At)
	c.Ratios = append(c.Ratios, second/first)
	a.conclude(c, round)
}

// cells are those of a round in their order. Even rounds reverse the sides, which cancels a linear drift.
func (a Adaptive) cells(c Campaign, round int) (ids []artifacts.CellID) {
	order := []int{0, 1}
	if (round-c.First)%2 == 1 {
		order = []int{1, 0}
	}
	for _, side := range order {
		for _, level := range []int{c.Brackets[side].Low, c.Brackets[side].High} {
			ids = append(ids, artifacts.CellID{Topology: a.Sides[side], Concurrency: level, Repeat: round})
		}
	}
	return ids
}

// widen widens the brackets whose curves miss At in a round, or, if the curves share too little for a ratio, both.
// why is the reason that it cannot.
func (a Adaptive) widen(c *Campaign) (why string, missed bool) {
	lo, hi, part := frontier.Shared(slices.Concat(c.curves[0], c.curves[1])...)
	thin := frontier.Enough(lo, hi, part) != nil
	if lo <= a.At && a.At <= hi && !thin {
		return "", false
	}
	outside := lo > a.At || a.At > hi
	for side, name := range a.Sides {
		lo, hi, _ := frontier.Shared(c.curves[side]...)
		if outside && lo <= a.At && a.At <= hi {
			continue
		}
		b := c.Brackets[side]
		wider, ok := b.wider(a.At-lo < hi-a.At, a.Top)
		switch {
		case (c.widened || !ok) && outside:
			return fmt.Sprintf("%s at concurrency %d and %d does not reach %.4g tok/s/user in every round",
				name, b.Low, b.High, a.At), true
		case c.widened || !ok:
			return fmt.Sprintf("the frontiers share too little around %.4g tok/s/user for a ratio", a.At), true
		}
		c.Brackets[side] = wider
	}
	return "", true
}

// conclude ends the rounds after the last one. The first stage fixes their number.
func (a Adaptive) conclude(c *Campaign, round int) {
	switch {
	case len(c.Ratios) < stats.FirstStage:
		c.planned = a.MaxRounds
	case c.planned == a.MaxRounds && len(c.Ratios) == stats.FirstStage:
		c.planned = stats.SteinRounds(stats.Paired(c.Ratios).SD, a.Precision, a.MaxRounds)
	}
	c.over = len(c.Ratios) >= c.planned || c.Lost == lostRounds || round-c.First+1 >= a.MaxRounds
	if c.over && len(c.Ratios) < stats.FirstStage {
		c.Why = fmt.Sprintf("only %s of %d counted, and an interval needs %d",
			text.Count(len(c.Ratios), "round", "rounds"), len(c.Ratios)+c.Lost, stats.FirstStage)
	}
}

package run

import (
	"fmt"
	"slices"
)

// Bracket is two concurrencies of one side around a tokens/s/user.
type Bracket struct{ Low, High int }

const (
	searchStart  = 4   // concurrency
	searchTop    = 256 // that of the guide's ladder
	searchMargin = 0.1 // of a bracket's tokens/s/user, from each end
)

// SearchLevels are the concurrencies of which the search may measure some: powers of two up to searchTop, or beyond it
// up to the largest of the ladder. Any two are a factor 2 apart, so no bracket is too narrow to read.
func SearchLevels(ladder []int) (levels []int) {
	for c := 1; c <= max(searchTop, slices.Max(ladder)); c *= 2 {
		levels = append(levels, c)
	}
	return levels
}

// search doubles or halves the concurrency of a side until At is between two measured levels. It then measures what it
// lacks of the bracket's ends, and a third level, which shows how curved the frontier is. next is the level to measure,
// 0 at the end of the search; why is the reason that there is no bracket.
func (a Adaptive) search(done []Cell, side string) (b Bracket, next int, why string) {
	xs := map[int]float64{} // by concurrency
	for _, c := range done {
		if c.Topology != side || c.Repeat != searchRound {
			continue
		}
		if !c.Counts {
			return b, 0, fmt.Sprintf("has no valid cell at concurrency %d, which the search needs", c.Concurrency)
		}
		xs[c.Concurrency] = c.X
	}
	b.Low = searchStart
	for x, measured := xs[b.Low]; x < a.At; x, measured = xs[b.Low] {
		switch {
		case !measured:
			return b, b.Low, ""
		case b.Low == 1:
			return b, 0, fmt.Sprintf("gives %.4g tok/s/user at concurrency 1, and no level gives %.4g", x, a.At)
		}
		b.Low /= 2
	}
	for b.High = 2 * b.Low; ; b.Low, b.High = b.High, 2*b.High {
		x, measured := xs[b.High]
		switch {
		case b.High > a.Top:
			return b, 0, fmt.Sprintf("gives %.4g tok/s/user at concurrency %d, the largest of the search: more than "+
				"%.4g; name a larger one in load.concurrency", xs[b.Low], b.Low, a.At)
		case !measured:
			return b, b.High, ""
		case x < a.At:
			b = a.away(b, xs[b.Low], x)
			return b, b.lacks(xs), ""
		}
	}
}

// lacks is a level to measure beside those of xs, or 0.
func (b Bracket) lacks(xs map[int]float64) int {
	for _, level := range []int{b.Low, b.High} {
		if _, measured := xs[level]; !measured {
			return level
		}
	}
	if len(xs) < 3 {
		return b.Low / 2 // 0 below 1: the search began at searchStart, so that it has three levels then
	}
	return 0
}

// away is the bracket, one level wider if At is too near to an end, where there is such a level. atLow and atHigh are
// the tokens/s/user of its levels.
func (a Adaptive) away(b Bracket, atLow, atHigh float64) Bracket {
	margin := searchMargin * (atLow - atHigh)
	wider := b
	switch {
	case a.At-atHigh < margin:
		wider, _ = b.wider(true, a.Top)
	case atLow-a.At < margin:
		wider, _ = b.wider(false, a.Top)
	}
	return wider
}

// wider is the bracket with the next level at its high or low end. Without one it is b, and ok is false.
func (b Bracket) wider(high bool, top int) (wider Bracket, ok bool) {
	switch {
	case high && 2*b.High <= top:
		return Bracket{b.Low, 2 * b.High}, true
	case !high && b.Low > 1:
		return Bracket{b.Low / 2, b.High}, true
	}
	return b, false
}

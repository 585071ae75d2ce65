package report

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"topobench/internal/artifacts"
	"topobench/internal/frontier"
	"topobench/internal/stats"
)

// launch is one artifacts_N of a series, with the frontier of its own valid points.
type launch struct {
	n     int             // of artifacts_N, in order of launch
	round int             // 0: not recorded
	curve *frontier.Curve // nil without a valid point
	apart bool            // of another campaign than the other side

	points     []stats.Point // valid cells in order of concurrency
	lost       []int         // concurrencies of the other cells
	deployment artifacts.Deployment
}

// separate is the reason why launches of two campaigns are not paired.
const separate = "the sides are two campaigns"

// Round is both sides of one pair of launches at one x.
type Round struct {
	Round    int     `json:"round"` // 0: not recorded
	At       float64 `json:"at"`
	Baseline float64 `json:"baseline"`
	Other    float64 `json:"other"`
	Ratio    float64 `json:"ratio"`

	second bool // Other was launched after Baseline
}

// reading is two sides at one x over their launches: geometric means, whose quotient is the ratio.
type reading struct {
	frontier.Comparison
	interval stats.Ratio
	rounds   []Round
	counted  [2]int // pairs, or launches of the baseline and of the other, that have a value at x
	of       [2]int
	byRule   bool   // an adaptive run chose the number of rounds
	unpaired string // why launches are not pairs, or empty
}

var (
	errNoRound = errors.New("no round has valid points of both sides") // constant
	errZero    = errors.New("a launch gives 0 tokens/s/gpu there")     // constant
)

// measure reads both sides at the same x: at, or the middle of the range that all launches share. Launches are paired
// by round. A round without valid points of both sides, or with an at outside them, does not count. The errors are
// those of frontier.Compare; the reading is complete beside *frontier.ThinOverlapError.
func measure(base, other []launch, at *float64) (reading, error) {
	r := reading{unpaired: notPaired(base, other), of: [2]int{len(base), len(other)}}
	if r.unpaired == "" {
		n := roundsOf(base, other)
		r.of = [2]int{n, n}
	}
	base, other = r.valid(base, other)
	if len(base) == 0 || len(other) == 0 {
		return r, errNoRound
	}
	none := noOverlap(base, other, at)
	if at != nil {
		base, other = r.reaching(base, other, *at)
	}
	if len(base) == 0 || len(other) == 0 {
		return r, none
	}
	lo, hi, part := frontier.Shared(curves(base, other)...)
	if lo > hi {
		return r, none
	}
	r.Lo, r.Hi, r.At = lo, hi, lo+(hi-lo)/2
	if at != nil {
		r.At = *at
	}
	if base, other = r.reaching(base, other, r.At); len(base) == 0 || len(other) == 0 {
		return r, errNoRound
	}
	if err := r.read(base, other); err != nil {
		return r, err
	}
	return r, frontier.Enough(lo, hi, part)
}

// valid are the launches with a frontier; of pairs both have one.
func (r *reading) valid(base, other []launch) (b, o []launch) {
	if r.unpaired != "" {
		without := func(l launch) bool { return l.curve == nil }
		return slices.DeleteFunc(slices.Clone(base), without), slices.DeleteFunc(slices.Clone(other), without)
	}
	for _, l := range base {
		i := slices.IndexFunc(other, func(o launch) bool { return o.round == l.round })
		if len(base) == 1 && len(other) == 1 && l.round*other[0].round == 0 {
			i = 0 // the only launches are a pair
		}
		if i >= 0 && l.curve != nil && other[i].curve != nil {
			b, o = append(b, l), append(o, other[i])
		}
	}
	return b, o
}

// reaching are the launches that have a value at x; of pairs both have it.
func (r *reading) reaching(base, other []launch, x float64) (b, o []launch) {
	baseHas, otherHas := reachesOf(base, x), reachesOf(other, x)
	for i, l := range base {
		if baseHas(l) && (r.unpaired != "" || otherHas(other[i])) {
			b = append(b, l)
		}
	}
	for i, l := range other {
		if otherHas(l) && (r.unpaired != "" || baseHas(base[i])) {
			o = append(o, l)
		}
	}
	return b, o
}

// reachesOf reports of a launch of a side whether it has a value at x.
func reachesOf(side []launch, x float64) func(launch) bool {
	gap := gaps(side, x)
	return func(l launch) bool { _, ok := l.curve.At(x); return ok && !gap(l) }
}

// gaps reports of a launch of a side whether it lost a cell beside x. It would be interpolated between levels that are
// further apart than those of the other launches. If all lost one, there are no others.
func gaps(side []launch, x float64) func(launch) bool {
	common := !slices.ContainsFunc(side, func(l launch) bool { return l.curve != nil && !l.gap(x) })
	return func(l launch) bool { return !common && l.gap(x) }
}

// gap reports whether a cell was lost between the concurrencies of the two points around x.
func (l launch) gap(x float64) bool {
	var left, right *stats.Point
	for i, p := range l.points {
		if p.X.Mean <= x && (left == nil || p.X.Mean > left.X.Mean) {
			left = &l.points[i]
		}
		if p.X.Mean >= x && (right == nil || p.X.Mean < right.X.Mean) {
			right = &l.points[i]
		}
	}
	if left == nil || right == nil {
		return false // x is outside
	}
	low, high := min(left.Concurrency, right.Concurrency), max(left.Concurrency, right.Concurrency)
	return slices.ContainsFunc(l.lost, func(c int) bool { return low < c && c < high })
}

// read takes y of each launch at r.At, which all have.
func (r *reading) read(base, other []launch) error {
	r.counted = [2]int{len(base), len(other)}
	ys := func(side []launch) (values []float64) {
		for _, l := range side {
			y, _ := l.curve.At(r.At)
			values = append(values, y)
		}
		return values
	}
	b, o := ys(base), ys(other)
	switch {
	case slices.Contains(b, 0):
		return frontier.ErrZeroBaseline
	case len(o) > 1 && slices.Contains(o, 0):
		return errZero
	}
	if r.unpaired != "" {
		r.interval = stats.Unpaired(b, o)
	} else {
		var ratios []float64
		for i := range b {
			ratios = append(ratios, o[i]/b[i])
			r.rounds = append(r.rounds, Round{max(base[i].round, other[i].round), r.At, b[i], o[i], ratios[i],
				other[i].n > base[i].n})
		}
		r.interval = stats.Paired(ratios)
	}
	r.Baseline, r.Other = geometric(b), geometric(o)
	r.Diff, r.Ratio = r.Other-r.Baseline, r.Other/r.Baseline
	r.interval.Bounded = r.interval.Bounded && !math.IsInf(r.interval.High, 0) && r.interval.Low > 0
	return nil
}

// geometric is the geometric mean; a single value stays what it is, to the last bit.
func geometric(values []float64) float64 {
	if len(values) == 1 {
		return values[0]
	}
	return stats.GeometricMean(values)
}

// notPaired is the reason why the launches of two sides are no pairs, or empty.
func notPaired(base, other []launch) string {
	for _, side := range [][]launch{base, other} {
		for i, l := range side {
			if l.apart {
				return separate
			}
			if l.round == 0 && len(base)+len(other) > 2 {
				return fmt.Sprintf("artifacts_%d has no round", l.n)
			}
			if j := slices.IndexFunc(side[:i], func(o launch) bool { return o.round == l.round }); j >= 0 {
				return fmt.Sprintf("artifacts_%d and artifacts_%d are both of round %d", side[j].n, l.n, l.round)
			}
		}
	}
	return ""
}

// roundsOf counts the rounds of two sides.
func roundsOf(base, other []launch) int {
	rounds := map[int]bool{}
	for _, l := range slices.Concat(base, other) {
		rounds[l.round] = true
	}
	if len(base) == 1 && len(other) == 1 && rounds[0] {
		return 1
	}
	return len(rounds)
}

func curves(sides ...[]launch) (all []frontier.Curve) {
	for _, side := range sides {
		for _, l := range side {
			all = append(all, *l.curve)
		}
	}
	return all
}

// noOverlap reports that not all launches share an x, or that none has at.
func noOverlap(base, other []launch, at *float64) *frontier.NoOverlapError {
	e := &frontier.NoOverlapError{At: at}
	e.Baseline[0], e.Baseline[1], _ = frontier.Shared(curves(base)...)
	e.Other[0], e.Other[1], _ = frontier.Shared(curves(other)...)
	if lo, hi := e.Shared(); lo > hi && len(base)+len(other) == 2 {
		e.At = nil // no other x would do either
	}
	return e
}

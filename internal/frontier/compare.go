package frontier

import (
	"cmp"
	"errors"
	"fmt"
	"math"
)

// leastPart is the part of the narrower frontier that two frontiers must share before one ratio may
// compare them.
const leastPart = 0.10

// noise is the part of x by which two runs of one topology differ. Inside a narrower range the order
// of the topologies is chance, whatever part of a frontier the range is.
const noise = 0.01

// Limits are the least part of the narrower frontier, and the least width as a part of x,
// that a shared range needs for one ratio.
func Limits() (part, width float64) { return leastPart, noise }

// Comparison is two frontiers at equal x: At, Lo and Hi in tokens/s/user, Baseline, Other and Diff
// (Other - Baseline) in tokens/s/GPU, Ratio = Other / Baseline. Lo to Hi is the shared range of x.
type Comparison struct {
	At       float64 `json:"at"`
	Baseline float64 `json:"baseline"`
	Other    float64 `json:"other"`
	Diff     float64 `json:"diff"`
	Ratio    float64 `json:"ratio"`
	Lo       float64 `json:"lo"`
	Hi       float64 `json:"hi"`
}

// NoOverlapError reports that no x, or not the given one, is on both frontiers.
type NoOverlapError struct {
	At              *float64 // nil: no x is
	Baseline, Other [2]float64
}

// Shared is the range of x on both frontiers; lo is above hi if there is none.
func (e *NoOverlapError) Shared() (lo, hi float64) {
	return max(e.Baseline[0], e.Other[0]), min(e.Baseline[1], e.Other[1])
}

func (e *NoOverlapError) Error() string {
	problem := "the frontiers share no x"
	if e.At != nil {
		problem = fmt.Sprintf("%.4g tokens/s/user is not on both frontiers", *e.At)
	}
	return fmt.Sprintf("cannot compare: %s: the baseline reaches from %.4g to %.4g, "+
		"the other from %.4g to %.4g tokens/s/user", problem, e.Baseline[0], e.Baseline[1], e.Other[0], e.Other[1])
}

// ThinOverlapError reports that the shared range is too small for a ratio.
type ThinOverlapError struct {
	Lo, Hi float64 // shared range of x
	Part   float64 // of the narrower frontier, 0 to 1
}

// Reason names the limit that the shared range misses.
func (e *ThinOverlapError) Reason() string {
	if e.Part < leastPart {
		return fmt.Sprintf("%.1f %% of the narrower frontier (at least %.0f %% are needed)", 100*e.Part, 100*leastPart)
	}
	return fmt.Sprintf("a range %.1f %% wide, less than the %.0f %% by which two runs of one topology differ",
		100*(e.Hi-e.Lo)/e.Hi, 100*noise)
}

func (e *ThinOverlapError) Error() string {
	return fmt.Sprintf("cannot compare: the frontiers share only %.4g to %.4g tokens/s/user, %s; "+
		"measure concurrencies at which both reach the same tokens/s/user", e.Lo, e.Hi, e.Reason())
}

// ErrZeroBaseline reports that the ratio would be a division by zero.
var ErrZeroBaseline = errors.New("cannot compare: the baseline is 0 tokens/s/GPU there")

// Compare reads both frontiers at the same x: at, or the middle of the range they share. It fails with
// *NoOverlapError, ErrZeroBaseline, or, if the shared range is less than 10 % of the narrower frontier
// or less than 1 % of x, with *ThinOverlapError. The Comparison is complete beside the last of these.
func Compare(baseline, other Curve, at *float64) (Comparison, error) {
	baseLo, baseHi := baseline.Range()
	otherLo, otherHi := other.Range()
	lo, hi, part := Shared(baseline, other)
	c := Comparison{Lo: lo, Hi: hi, At: lo + (hi-lo)/2}
	if at != nil {
		c.At = *at
	}
	var onBase, onOther bool
	c.Baseline, onBase = baseline.At(c.At)
	c.Other, onOther = other.At(c.At)
	if !onBase || !onOther {
		e := &NoOverlapError{At: at, Baseline: [2]float64{baseLo, baseHi}, Other: [2]float64{otherLo, otherHi}}
		if lo > hi {
			e.At = nil // no other x would do either
		}
		return Comparison{}, e
	}
	if c.Baseline == 0 {
		return Comparison{}, ErrZeroBaseline
	}
	c.Diff, c.Ratio = c.Other-c.Baseline, c.Other/c.Baseline
	return c, Enough(lo, hi, part)
}

// Shared is the range of x on all curves, and its part of the narrowest one: 1 if that is a single point, which is
// covered wholly. lo is above hi if no x is on all.
func Shared(curves ...Curve) (lo, hi, part float64) {
	lo, hi = math.Inf(-1), math.Inf(1)
	narrowest := math.Inf(1)
	for _, c := range curves {
		from, to := c.Range()
		lo, hi, narrowest = max(lo, from), min(hi, to), min(narrowest, to-from)
	}
	if narrowest > 0 {
		return lo, hi, (hi - lo) / narrowest
	}
	return lo, hi, 1
}

// Enough is *ThinOverlapError if a shared range is too small for a ratio.
func Enough(lo, hi, part float64) error {
	if part < leastPart || hi > lo && hi-lo < noise*hi {
		return &ThinOverlapError{Lo: lo, Hi: hi, Part: part}
	}
	return nil
}

// steps is the number of parts of the shared range between which Crossings searches for a change of sign.
const steps = 1000

// Crossings are the x at which the curves have equal y with other above baseline on one side only, from left to right.
func Crossings(baseline, other Curve) (at []float64) {
	lo, hi, _ := Shared(baseline, other)
	above := func(x float64) int {
		b, onBase := baseline.At(x)
		o, onOther := other.At(x)
		if !onBase || !onOther {
			return 0
		}
		return cmp.Compare(o, b)
	}
	last, lastX := 0, lo // the last sign that is not 0
	for i := 0; i <= steps && lo < hi; i++ {
		x := lo + (hi-lo)*float64(i)/steps
		sign := above(x)
		if sign == 0 {
			continue
		}
		if last*sign < 0 {
			at = append(at, bisect(lastX, x, func(x float64) bool { return above(x) == last }))
		}
		last, lastX = sign, x
	}
	return at
}

// bisect finds where holds, true at lo and false at hi, ends.
func bisect(lo, hi float64, holds func(x float64) bool) float64 {
	for range 60 {
		if mid := lo + (hi-lo)/2; holds(mid) {
			lo = mid
		} else {
			hi = mid
		}
	}
	return hi
}

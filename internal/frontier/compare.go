package frontier

import (
	"errors"
	"fmt"
)

// thin is the least part of the narrower frontier that two frontiers must
// share before one number may stand for both.
const thin = 0.10

// noise is by what part of x two runs of one topology differ: a shared range that is
// narrower says nothing, however much of a frontier it is.
const noise = 0.01

// Comparison is two frontiers at equal x (tokens/s/user): their y
// (tokens/s/GPU), Other - Baseline, Other / Baseline, and the shared range of x.
type Comparison struct {
	At, Baseline, Other, Diff, Ratio float64
	Lo, Hi                           float64
}

// NoOverlapError says that no x, or not the x asked for, lies on both frontiers.
type NoOverlapError struct {
	At              *float64 // nil: no x does
	Baseline, Other [2]float64
}

// Shared is the range of x on both frontiers; lo is above hi where there is none.
func (e *NoOverlapError) Shared() (lo, hi float64) {
	return max(e.Baseline[0], e.Other[0]), min(e.Baseline[1], e.Other[1])
}

func (e *NoOverlapError) Error() string {
	what := "the frontiers share no x"
	if e.At != nil {
		what = fmt.Sprintf("%.4g tokens/s/user is not on both frontiers", *e.At)
	}
	return fmt.Sprintf("cannot compare: %s: the baseline reaches from %.4g to %.4g, the other from %.4g to %.4g tokens/s/user",
		what, e.Baseline[0], e.Baseline[1], e.Other[0], e.Other[1])
}

// ThinOverlapError says that the shared range is too small a part of the
// narrower frontier for a headline.
type ThinOverlapError struct {
	Lo, Hi float64 // shared range of x
	Part   float64 // of the narrower frontier, 0 to 1
}

// Reason says which of the two limits is missed.
func (e *ThinOverlapError) Reason() string {
	if e.Part < thin {
		return fmt.Sprintf("%.1f %% of the narrower, under the %.0f %% that are needed", 100*e.Part, 100*thin)
	}
	return fmt.Sprintf("%.1f %% of tokens/s/user, under the %.0f %% by which two runs of one topology differ", 100*(e.Hi-e.Lo)/e.Hi, 100*noise)
}

func (e *ThinOverlapError) Error() string {
	return fmt.Sprintf("cannot give one ratio for both frontiers: they share only %.4g to %.4g tokens/s/user, %s; name an x to compare at",
		e.Lo, e.Hi, e.Reason())
}

// ErrZeroBaseline says that there is nothing to divide by.
var ErrZeroBaseline = errors.New("cannot compare: the baseline is 0 tokens/s/GPU there")

// Compare reads both frontiers at the same x: at, or the middle of the range
// they share. It fails with *NoOverlapError or ErrZeroBaseline. Without at it
// fails with *ThinOverlapError if the shared range is under 10 % of the narrower
// frontier, or under 1 % of x; the Comparison is filled in then all the same.
func Compare(baseline, other Curve, at *float64) (Comparison, error) {
	lo, hi, part := shared(baseline, other)
	c := Comparison{Lo: lo, Hi: hi, At: lo + (hi-lo)/2}
	if at != nil {
		c.At = *at
	}
	var onBase, onOther bool
	c.Baseline, onBase = baseline.At(c.At)
	c.Other, onOther = other.At(c.At)
	if !onBase || !onOther {
		return Comparison{}, noOverlap(baseline, other, at)
	}
	if c.Baseline == 0 {
		return Comparison{}, ErrZeroBaseline
	}
	c.Diff, c.Ratio = c.Other-c.Baseline, c.Other/c.Baseline
	if at == nil && (part < thin || hi > lo && hi-lo < noise*hi) {
		return c, &ThinOverlapError{Lo: lo, Hi: hi, Part: part}
	}
	return c, nil
}

// shared is the range of x on both curves and its part of the narrower one. A
// single point is covered wholly.
func shared(a, b Curve) (lo, hi, part float64) {
	aLo, aHi := a.Range()
	bLo, bHi := b.Range()
	lo, hi = max(aLo, bLo), min(aHi, bHi)
	width := min(aHi-aLo, bHi-bLo)
	if width == 0 {
		return lo, hi, 1
	}
	return lo, hi, (hi - lo) / width
}

func noOverlap(baseline, other Curve, at *float64) *NoOverlapError {
	e := &NoOverlapError{At: at}
	e.Baseline[0], e.Baseline[1] = baseline.Range()
	e.Other[0], e.Other[1] = other.Range()
	if lo, hi := e.Shared(); lo > hi {
		e.At = nil // whatever x is named, none would do
	}
	return e
}

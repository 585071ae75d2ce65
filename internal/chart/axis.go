package chart

import (
	"math"
	"strconv"
)

// maxTicks keeps an axis readable.
const maxTicks = 10

// axis maps values lo..hi to pixels from..to.
type axis struct {
	lo, hi   float64
	from, to int
	ticks    []tick
}

type tick struct {
	value float64
	text  string
}

// newAxis chooses a range with some air around the values and round ticks for it.
func newAxis(values []float64) axis {
	a := axis{}
	a.lo, a.hi = span(values)
	a.ticks = ticks(a.lo, a.hi)
	return a
}

// at is the pixel of a value.
func (a axis) at(v float64) int {
	return a.from + int(math.Round((v-a.lo)/(a.hi-a.lo)*float64(a.to-a.from)))
}

// span is the range of an axis. It starts at zero when the values come near it: a rate that halved
// should look halved. Equal values get a range around them.
func span(values []float64) (lo, hi float64) {
	if len(values) == 0 {
		return 0, 1
	}
	lo, hi = values[0], values[0]
	for _, v := range values {
		lo, hi = min(lo, v), max(hi, v)
	}
	size := max(math.Abs(lo), math.Abs(hi))
	switch {
	case size < 1e-100: // zero, or too near to it to divide by
		return 0, 1
	case hi-lo < 1e-9*size: // a float64 cannot tell ticks apart in less
		return lo - size/10, hi + size/10
	}
	air := (hi - lo) * 0.06
	if lo >= 0 && lo < hi/2 {
		return 0, hi * 1.08 // the highest point's number must fit above it
	}
	return lo - air, hi + air
}

// ticks returns the multiples of 1, 2 or 5 times a power of ten between lo and hi, at most maxTicks.
func ticks(lo, hi float64) []tick {
	mantissa, exponent := step(lo, hi)
	size := mantissa * math.Pow10(exponent)
	var found []tick
	for k := math.Ceil(lo / size); k <= math.Floor(hi/size); k++ {
		value := k * size
		if exponent < 0 {
			value = k * mantissa / math.Pow10(-exponent) // 3/10 is 0.3, 3*0.1 is not
		}
		found = append(found, tick{value, tickText(value, exponent, max(math.Abs(lo), math.Abs(hi)))})
	}
	return found
}

// step is the smallest round step with which lo to hi has at most maxTicks ticks.
func step(lo, hi float64) (mantissa float64, exponent int) {
	smallest := (hi - lo) / (maxTicks - 1)
	exponent = int(math.Floor(math.Log10(smallest)))
	for _, mantissa = range []float64{1, 2, 5} {
		if mantissa*math.Pow10(exponent) >= smallest {
			return mantissa, exponent
		}
	}
	return 1, exponent + 1
}

// tickText prints with the decimals of the step; very large and very small axes in powers of ten.
func tickText(value float64, exponent int, largest float64) string {
	if largest >= 1e7 || exponent < -4 {
		return strconv.FormatFloat(value, 'g', -1, 64)
	}
	return strconv.FormatFloat(value, 'f', max(0, -exponent), 64)
}

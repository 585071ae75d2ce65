package chart

import (
	"math"
	"slices"
	"strconv"
)

// maxTicks keeps the labels of an axis apart.
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

// newAxis chooses a range with a margin on both sides of the values, and round ticks.
func newAxis(values []float64) axis {
	lo, hi := span(values)
	return axis{lo: lo, hi: hi, ticks: ticks(lo, hi)}
}

// at is the pixel of a value.
func (a axis) at(v float64) int {
	return a.from + int(math.Round((v-a.lo)/(a.hi-a.lo)*float64(a.to-a.from)))
}

// inside is the pixel of a value, or the end of the axis nearest to it.
func (a axis) inside(v float64) int { return a.at(max(a.lo, min(a.hi, v))) }

// span is the range of an axis. It starts at zero if the values come near it, so that half a rate looks half
// as large. Equal values are in the middle of a range.
func span(values []float64) (lo, hi float64) {
	if len(values) == 0 {
		return 0, 1
	}
	lo, hi = slices.Min(values), slices.Max(values)
	size := max(math.Abs(lo), math.Abs(hi))
	switch {
	case size < 1e-100: // zero, or so small that the ratio overflows
		return 0, 1
	case hi-lo < 1e-9*size: // the ticks of a smaller range round to equal float64s
		return lo - size/10, hi + size/10
	}
	margin := (hi - lo) * 0.06
	if lo >= 0 && lo < hi/2 {
		return 0, hi * 1.08 // the highest point's number must fit above it
	}
	return lo - margin, hi + margin
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

// tickText has the decimals of the step. Very large and very small axes have powers of ten.
func tickText(value float64, exponent int, largest float64) string {
	if largest >= 1e7 || exponent < -4 {
		return strconv.FormatFloat(value, 'g', -1, 64)
	}
	return strconv.FormatFloat(value, 'f', max(0, -exponent), 64)
}

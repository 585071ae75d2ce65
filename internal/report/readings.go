package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"topobench/internal/frontier"
	"topobench/internal/stats"
	"topobench/internal/text"
)

// Reading is both sides at one round number of tokens/s/user. Numbers that do not exist are null.
type Reading struct {
	At          float64  `json:"at"`
	Baseline    *float64 `json:"baseline"` // tokens/s/gpu, interpolated
	Other       *float64 `json:"other"`
	Ratio       *float64 `json:"ratio"`
	RatioLow    *float64 `json:"ratio_low"`
	RatioHigh   *float64 `json:"ratio_high"`
	StepRatio   *float64 `json:"step_ratio"`  // of the best measured points that reach At, without interpolation
	Unreachable []string `json:"unreachable"` // sides without a point at At or above

	launches reading
}

// read fills in the readings and the crossings. Both sides need two points for them.
func (c *Comparison) read(base, other Series) {
	if len(base.Points) < 2 || len(other.Points) < 2 {
		return
	}
	for _, x := range readingTicks(base.each, other.each) {
		r := Reading{At: x, Unreachable: []string{}}
		m, err := readingOf(base, other, &x)
		if err == nil {
			r.launches = m
			r.Baseline, r.Other, r.Ratio = &m.Baseline, &m.Other, &m.Ratio
			if m.interval.Bounded {
				r.RatioLow, r.RatioHigh = &m.interval.Low, &m.interval.High
			}
		} else {
			r.Baseline, r.Other = alone(base.each, x), alone(other.each, x)
		}
		for _, s := range []Series{other, base} {
			if _, ok := stepped(s.each, x); !ok {
				r.Unreachable = append(r.Unreachable, s.Label)
			}
		}
		r.StepRatio = stepRatio(base.each, other.each, x)
		c.Readings = append(c.Readings, r)
	}
	c.Crossings = append(c.Crossings, frontier.Crossings(*base.curve, *other.curve)...)
}

// readingTicks are up to five round numbers in the range that all launches share, and the next one on each side of
// it, if a launch has it.
func readingTicks(base, other []launch) (ticks []float64) {
	b, o := (&reading{unpaired: notPaired(base, other)}).valid(base, other)
	all := curves(b, o)
	lo, hi, part := frontier.Shared(all...)
	if len(b)*len(o) == 0 || !(lo < hi) || frontier.Enough(lo, hi, part) != nil {
		return nil
	}
	least, most := lo, hi
	for _, c := range all {
		from, to := c.Range()
		least, most = min(least, from), max(most, to)
	}
	tick := roundStep(lo, hi)
	for k := math.Ceil(lo/tick(1)) - 1; k <= math.Floor(hi/tick(1))+1; k++ {
		if x := tick(k); x > 0 && x >= least && x <= most {
			ticks = append(ticks, x)
		}
	}
	return ticks
}

// roundStep has the multiples of the smallest 1, 2 or 5 times a power of ten that has at most five in a range.
func roundStep(lo, hi float64) (multiple func(k float64) float64) {
	for exponent := int(math.Floor(math.Log10((hi - lo) / 6))); ; exponent++ {
		for _, factor := range []float64{1, 2, 5} {
			multiple = func(k float64) float64 {
				if exponent < 0 {
					return k * factor / math.Pow10(-exponent) // 3/10 is 0.3, 3*0.1 is not
				}
				return k * factor * math.Pow10(exponent)
			}
			if math.Floor(hi/multiple(1))-math.Ceil(lo/multiple(1)) < 5 {
				return multiple
			}
		}
	}
}

// CheckAt reports that x is on the frontier of no launch, with the range of each series. It is nil without a frontier.
func (f Facts) CheckAt(x float64) error {
	var extents []string
	for _, s := range f.Series {
		for _, l := range s.each {
			if l.curve == nil {
				continue
			}
			if _, ok := l.curve.At(x); ok {
				return nil
			}
			extents = union(extents, text.Clean(s.extentOrNone()))
		}
	}
	if len(extents) == 0 {
		return nil
	}
	return fmt.Errorf("cannot compare at %g tok/s/user%s, which no frontier has: %s", x, f.axis.marked(),
		strings.Join(extents, "; "))
}

// alone is the geometric mean of the launches of a side that have x.
func alone(side []launch, x float64) *float64 {
	var ys []float64
	gap := gaps(side, x)
	for _, l := range side {
		if l.curve == nil || gap(l) {
			continue
		}
		if y, ok := l.curve.At(x); ok && y > 0 {
			ys = append(ys, y)
		}
	}
	if len(ys) == 0 {
		return nil
	}
	return new(geometric(ys))
}

// stepped is the step value at x of each launch that reaches it, in order.
func stepped(side []launch, x float64) (byLaunch map[int]float64, ok bool) {
	byLaunch = map[int]float64{}
	gap := gaps(side, x)
	for i, l := range side {
		if l.curve == nil || gap(l) {
			continue
		}
		if y, reached := l.curve.Step(x); reached {
			byLaunch[i] = y
		}
	}
	return byLaunch, len(byLaunch) > 0
}

// stepRatio is the ratio of the step values, over the launches that measure pairs; nil if a side has none.
func stepRatio(base, other []launch, x float64) *float64 {
	r := reading{unpaired: notPaired(base, other)}
	base, other = r.valid(base, other)
	ofBase, _ := stepped(base, x)
	ofOther, _ := stepped(other, x)
	var b, o []float64
	for i := range max(len(base), len(other)) {
		yb, hasBase := ofBase[i]
		yo, hasOther := ofOther[i]
		if r.unpaired == "" && !(hasBase && hasOther) {
			continue
		}
		if hasBase {
			b = append(b, yb)
		}
		if hasOther {
			o = append(o, yo)
		}
	}
	if len(b) == 0 || len(o) == 0 || slices.Contains(b, 0) || slices.Contains(o, 0) {
		return nil
	}
	return new(geometric(o) / geometric(b))
}

// ReadingsTable has the ratio at several tokens/s/user, and where the frontiers cross. It is empty without readings.
func (c Comparison) ReadingsTable() string {
	if len(c.Readings) == 0 {
		return ""
	}
	bounded := slices.ContainsFunc(c.Readings, func(r Reading) bool { return r.RatioLow != nil })
	header := []string{"tok/s\n/user", "other", "baseline", "ratio"}
	if bounded {
		header = append(header, percent(stats.Confidence)+" interval", "rounds")
		if c.Unpaired != "" {
			header[5] = "launches,\nother and\nbaseline"
		}
	}
	var lines [][]string
	for _, r := range c.Readings {
		lines = append(lines, r.line(c, bounded))
	}
	crossing := "the frontiers do not cross"
	if len(c.Crossings) > 0 {
		crossing = "the frontiers cross at " + strings.Join(text.Each(c.Crossings, number), ", ") + " tok/s/user"
	}
	title := text.Wrap(text.Clean(c.Other+" against "+c.Baseline+", tokens/s/gpu"), "", "  ", text.Width)
	return strings.Join(title, "\n") + "\n" + text.Table(append(header, "step"), lines) +
		strings.Join(text.Wrap(crossing, "", "  ", text.Width), "\n") + "\n"
}

func (r Reading) line(c Comparison, bounded bool) []string {
	y := func(label string, v *float64) string {
		switch {
		case v != nil:
			return number(*v)
		case slices.Contains(r.Unreachable, label):
			return "unreachable"
		}
		return "-"
	}
	ratio := func(v *float64, places int) string {
		if v == nil {
			return "-"
		}
		return fmt.Sprintf("%.*fx", max(places, ratioPlaces(*v)), *v)
	}
	places, interval, counts := 2, "-", "-"
	if r.RatioLow != nil {
		places = ratioDecimals(r.launches.interval)
		interval = fmt.Sprintf("%.*f to %.*f", places, *r.RatioLow, places, *r.RatioHigh)
	}
	if r.Ratio != nil {
		counts = r.launches.behind()
	}
	line := []string{strconv.FormatFloat(r.At, 'f', -1, 64), y(c.Other, r.Other), y(c.Baseline, r.Baseline),
		ratio(r.Ratio, places)}
	if bounded {
		line = append(line, interval, counts)
	}
	return append(line, ratio(r.StepRatio, 2))
}

// behind counts the launches of a reading: "3 of 4", or of unpaired ones "3/3, 2/2".
func (r reading) behind() string {
	if r.unpaired == "" {
		return fmt.Sprintf("%d of %d", r.counted[0], r.of[0])
	}
	return fmt.Sprintf("%d/%d, %d/%d", r.counted[1], r.of[1], r.counted[0], r.of[0])
}

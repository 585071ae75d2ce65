package report

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"topobench/internal/frontier"
	"topobench/internal/stats"
	"topobench/internal/text"
)

// Comparison is one series against the baseline at equal tokens/s/user. Without Measured no ratio would be
// true, and Sentence has the reason. Numbers that do not exist are null.
type Comparison struct {
	Baseline  string               `json:"baseline"` // labels
	Other     string               `json:"other"`
	Simulated bool                 `json:"simulated"`
	Measured  *frontier.Comparison `json:"measured"`
	reading   reading              // behind Measured

	Ratio       *float64      `json:"ratio"` // geometric mean over the rounds that count
	RatioLow    *float64      `json:"ratio_low"`
	RatioHigh   *float64      `json:"ratio_high"`
	Confidence  *float64      `json:"confidence"`  // of the interval: 0.95
	Equivalence float64       `json:"equivalence"` // 0.03: ratios from 1/1.03 to 1.03 are equal
	Verdict     stats.Outcome `json:"verdict"`     // empty without an interval
	Rounds      []Round       `json:"rounds"`      // those that count; empty for unpaired launches
	Unpaired    string        `json:"unpaired"`    // why launches are not paired by round, or empty
	Readings    []Reading     `json:"readings"`    // at round numbers of tokens/s/user
	Crossings   []float64     `json:"crossings"`   // tokens/s/user at which the frontiers of the means cross

	Differ   []string `json:"differ"`   // in the requests of the sides: "seed 104 against 100"
	Hardware []string `json:"hardware"` // likewise, in their GPUs
	Noted    []string `json:"noted"`    // names of the checks that could not be made on either side
	Notes    []string `json:"notes"`    // observations on either side that a reader needs
	Sentence string   `json:"sentence"`

	aa *AA // of two arms, with an interval
}

// comparisons compares every other series with the baseline.
func comparisons(all []Series, o Options) []Comparison {
	made := []Comparison{}
	if len(all) == 0 {
		return made
	}
	base := max(0, slices.IndexFunc(all, func(s Series) bool { return s.Mode == "aggregated" }))
	if o.Baseline != "" {
		base = slices.IndexFunc(all, func(s Series) bool { return s.Named(o.Baseline) })
	}
	if base < 0 {
		sentence := text.Clean("no number: the baseline " + o.Baseline + " has no cell")
		return append(made, Comparison{Baseline: o.Baseline, Sentence: sentence, Rounds: []Round{},
			Readings: []Reading{}, Crossings: []float64{},
			Differ: []string{}, Hardware: []string{}, Noted: []string{}, Notes: []string{}})
	}
	for i, s := range all {
		if i != base {
			made = append(made, compare(all[base], s, o))
		}
	}
	return made
}

func compare(base, other Series, o Options) Comparison {
	c := Comparison{Baseline: base.Label, Other: other.Label, Simulated: base.Simulated || other.Simulated,
		Rounds: []Round{}, Readings: []Reading{}, Crossings: []float64{}, Equivalence: o.Equivalence,
		Differ: []string{}, Hardware: []string{}, Noted: union(slices.Clone(base.Noted), other.Noted...),
		Notes: union(slices.Clone(base.Notes), other.Notes...)}
	if o.Caveat != "" {
		c.Notes = append(c.Notes, o.Caveat)
	}
	stat, x, mark := o.axis().marked(), o.axis().Flag, ""
	if c.Simulated {
		mark = "simulated: "
	}
	why := obstacle(base, other)
	if len(base.Mixed)+len(other.Mixed) == 0 {
		c.Differ = against(other.requests(), base.requests())
		c.Hardware = against(onBoth(other.hardware(), base.hardware()), onBoth(base.hardware(), other.hardware()))
	}
	if why == "" {
		r, err := readingOf(base, other, o.At)
		r.plan(o.Rounds)
		c.read(base, other)
		if err == nil {
			c.judge(r, o.Equivalence)
			c.Sentence = text.Clean(mark + c.ratio(stat, r) + c.conclude(r, base, other, x) +
				beside(o.AA, base, other, x) + c.caveats(base, other))
			return c
		}
		why = refusal(err, r.of) + ranges(base, other)
	}
	c.Sentence = text.Clean(fmt.Sprintf("%sno number for %s against %s%s: %s", mark, c.Other, c.Baseline, stat, why) +
		sloCaveat(other, base))
	return c
}

// obstacle is the reason not to compare the frontiers at all, or empty.
func obstacle(base, other Series) string {
	for _, s := range []Series{other, base} {
		if len(s.Mixed) > 0 {
			return s.Label + " has no frontier, its artifacts differ: " + strings.Join(s.Mixed, "; ")
		}
	}
	if differ := against(other.workload(), base.workload()); len(differ) > 0 {
		return "different loads: " + strings.Join(differ, ", ")
	}
	switch {
	case base.curve == nil && other.curve == nil:
		return "neither" + base.noPoint()
	case other.curve == nil:
		return other.extentOrNone() + " (" + base.extentOrNone() + ")"
	case base.curve == nil:
		return base.extentOrNone() + " (" + other.extentOrNone() + ")"
	}
	return ""
}

// ratio is the sentence of the numbers. The difference is that of the numbers as printed, so that a reader
// who subtracts finds it.
func (c Comparison) ratio(stat string, r reading) string {
	m := c.Measured
	n := max(decimals(m.Baseline), decimals(m.Other))
	unit := math.Pow10(n)
	diff := math.Round(m.Other*unit)/unit - math.Round(m.Baseline*unit)/unit
	places := ratioPlaces(m.Ratio)
	if r.interval.Bounded {
		places = ratioDecimals(r.interval)
	}
	return fmt.Sprintf("at %s tok/s/user%s %s gives %.*f and %s %.*f tokens/s/gpu: "+
		"%.*f - %.*f = %+.*f tokens/s/gpu, %.*fx (%s; shared range %s; interpolated)",
		number(m.At), stat, c.Other, n, m.Other, c.Baseline, n, m.Baseline,
		n, m.Other, n, m.Baseline, n, diff, places, m.Ratio, c.intervalText(r), span(m.Lo, m.Hi))
}

// caveats are the limits of the ratio, in the sentence itself because a person may quote it alone. A count
// of tokens that is too high moves a frontier up and to the right.
func (c Comparison) caveats(base, other Series) string {
	text := sloCaveat(other, base)
	if base.miscounted || other.miscounted {
		text += " († aiperf's count of output tokens differs from the servers' usage, which affects the ratio)"
	}
	if len(c.Differ) > 0 {
		text += " (the requests differ: " + strings.Join(c.Differ, ", ") + ")"
	}
	if len(c.Hardware) > 0 {
		text += " (on unlike GPUs: " + strings.Join(c.Hardware, ", ") + ")"
	}
	for _, limit := range limits(c.Notes, c.Noted) {
		text += " (" + limit + ")"
	}
	return text
}

// onBoth are the traits that both sides have: GPUs that no file describes are not known to differ.
func onBoth(side, other []trait) (both []trait) {
	for i, t := range side {
		if t.value != "" && other[i].value != "" {
			both = append(both, t)
		}
	}
	return both
}

// refusal is an error of measure without the ranges, which ranges adds by name.
func refusal(err error, launches [2]int) string {
	several := launches != [2]int{1, 1}
	if none, ok := errors.AsType[*frontier.NoOverlapError](err); ok {
		switch {
		case none.At != nil && several:
			return fmt.Sprintf("%g tok/s/user is not within both sides in any round", *none.At)
		case several:
			return "their launches share no tok/s/user"
		case none.At != nil:
			lo, hi := none.Shared() // unrounded: Compare could refuse a rounded end too
			return fmt.Sprintf("%g tok/s/user is not within both: the shared range is %g to %g", *none.At, lo, hi)
		}
		return "they share no tok/s/user"
	}
	if thin, ok := errors.AsType[*frontier.ThinOverlapError](err); ok {
		return fmt.Sprintf("they share only %s, %s: too little for a ratio; measure concurrencies at which both reach "+
			"the same tok/s/user", span(thin.Lo, thin.Hi), thin.Reason())
	}
	return err.Error()
}

// ranges is the extent of each frontier: " (A reaches 3.00 to 4.00 tok/s/user; B reaches 5.00 to 6.00 tok/s/user)".
func ranges(base, other Series) string {
	return " (" + other.extentOrNone() + "; " + base.extentOrNone() + ")"
}

// extentOrNone is the extent of a frontier, or what all launches share: "A reaches 3.00 to 4.00 tok/s/user".
func (s Series) extentOrNone() string {
	valid, _ := (&reading{unpaired: "ranges of one side"}).valid(s.each, nil)
	lo, hi, _ := frontier.Shared(curves(valid)...)
	switch {
	case len(valid) == 0:
		return s.Label + s.noPoint()
	case lo > hi:
		return fmt.Sprintf("the %d launches of %s share none", len(valid), s.Label)
	case len(valid) > 1:
		return fmt.Sprintf("%s reaches %s in each of %d launches", s.Label, span(lo, hi), len(valid))
	}
	return s.Label + " reaches " + span(lo, hi)
}

// span is a range as "20.0 to 96.0 tok/s/user", or one value.
func span(lo, hi float64) string {
	if number(lo) == number(hi) {
		return number(lo) + " tok/s/user"
	}
	return number(lo) + " to " + number(hi) + " tok/s/user"
}

func number(v float64) string { return fmt.Sprintf("%.*f", decimals(v), v) }

// decimals gives three significant digits, and at least one decimal.
func decimals(v float64) int {
	if v == 0 {
		return 1
	}
	return min(9, max(1, 2-int(math.Floor(math.Log10(math.Abs(v))))))
}

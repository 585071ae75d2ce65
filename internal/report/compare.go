package report

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"topobench/internal/frontier"
	"topobench/internal/text"
)

// Comparison is one series against the baseline at equal tokens/s/user. Without Measured no ratio would be
// true, and Sentence has the reason.
type Comparison struct {
	Baseline  string               `json:"baseline"` // labels
	Other     string               `json:"other"`
	Simulated bool                 `json:"simulated"`
	Measured  *frontier.Comparison `json:"measured"`
	Differ    []string             `json:"differ"`   // in the requests of the sides: "seed 104 against 100"
	Hardware  []string             `json:"hardware"` // likewise, in their GPUs
	Noted     []string             `json:"noted"`    // names of the checks that could not be made on either side
	Notes     []string             `json:"notes"`    // observations on either side that a reader needs
	Sentence  string               `json:"sentence"`
}

// comparisons compares every other series with the baseline.
func comparisons(all []Series, o Options) []Comparison {
	made := []Comparison{}
	if len(all) == 0 {
		return made
	}
	base := max(0, slices.IndexFunc(all, func(s Series) bool { return s.Mode == "aggregated" }))
	if o.Baseline != "" {
		base = slices.IndexFunc(all, func(s Series) bool { return s.Label == o.Baseline })
	}
	if base < 0 {
		sentence := text.Clean("no number: the baseline " + o.Baseline + " has no cell")
		return append(made, Comparison{Baseline: o.Baseline, Sentence: sentence,
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
		Differ: []string{}, Hardware: []string{}, Noted: union(slices.Clone(base.Noted), other.Noted...),
		Notes: union(slices.Clone(base.Notes), other.Notes...)}
	if o.Caveat != "" {
		c.Notes = append(c.Notes, o.Caveat)
	}
	stat, mark := o.axis().marked(), ""
	if c.Simulated {
		mark = "simulated: "
	}
	why := obstacle(base, other)
	if len(base.Mixed)+len(other.Mixed) == 0 {
		c.Differ = against(other.requests(), base.requests())
		c.Hardware = against(onBoth(other.hardware(), base.hardware()), onBoth(base.hardware(), other.hardware()))
	}
	if why == "" {
		m, err := frontier.Compare(*base.curve, *other.curve, o.At)
		if err == nil {
			c.Measured = &m
			_, ofBase := base.repeats()
			_, ofOther := other.repeats()
			c.Sentence = text.Clean(mark + c.ratio(stat, max(ofBase, ofOther)) + c.caveats(base, other))
			return c
		}
		why = refusal(err) + ranges(base, other)
	}
	c.Sentence = text.Clean(fmt.Sprintf("%sno number for %s against %s%s: %s", mark, c.Other, c.Baseline, stat, why))
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
		return "neither has a valid point"
	case other.curve == nil:
		return other.extentOrNone() + " (" + base.extentOrNone() + ")"
	case base.curve == nil:
		return base.extentOrNone() + " (" + other.extentOrNone() + ")"
	}
	return ""
}

// ratio is the sentence of the numbers. The difference is that of the numbers as printed, so that a reader
// who subtracts finds it.
func (c Comparison) ratio(stat string, repeats int) string {
	m := c.Measured
	n := max(decimals(m.Baseline), decimals(m.Other))
	unit := math.Pow10(n)
	diff := math.Round(m.Other*unit)/unit - math.Round(m.Baseline*unit)/unit
	basis := "interpolated"
	if repeats > 1 {
		basis += fmt.Sprintf("; each point is the mean of up to %d repeats", repeats)
	}
	return fmt.Sprintf("at %s tok/s/user%s %s gives %.*f and %s %.*f tokens/s/gpu: "+
		"%.*f - %.*f = %+.*f tokens/s/gpu, %.2fx (shared range %s; %s)",
		number(m.At), stat, c.Other, n, m.Other, c.Baseline, n, m.Baseline,
		n, m.Other, n, m.Baseline, n, diff, m.Ratio, span(m.Lo, m.Hi), basis)
}

// caveats are the limits of the ratio, in the sentence itself because a person may quote it alone. A count
// of tokens that is too high moves a frontier up and to the right.
func (c Comparison) caveats(base, other Series) string {
	text := ""
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

// refusal is an error of frontier.Compare without the ranges, which ranges adds by name.
func refusal(err error) string {
	if none, ok := errors.AsType[*frontier.NoOverlapError](err); ok {
		if none.At != nil {
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

// extentOrNone is the extent of a frontier: "A reaches 3.00 to 4.00 tok/s/user".
func (s Series) extentOrNone() string {
	if s.curve == nil {
		return s.Label + " has no valid point"
	}
	return s.Label + " reaches " + span(s.curve.Range())
}

func span(lo, hi float64) string { return number(lo) + " to " + number(hi) + " tok/s/user" }

func number(v float64) string { return fmt.Sprintf("%.*f", decimals(v), v) }

// decimals gives three significant digits, and at least one decimal.
func decimals(v float64) int {
	if v == 0 {
		return 1
	}
	return min(9, max(1, 2-int(math.Floor(math.Log10(math.Abs(v))))))
}

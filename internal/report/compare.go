package report

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"topobench/internal/frontier"
)

// Comparison is one series against the baseline at equal tokens/s/user. Without Measured there is no
// number that would be true, and Sentence says why.
type Comparison struct {
	Baseline  string    `json:"baseline"` // labels
	Other     string    `json:"other"`
	Simulated bool      `json:"simulated"`
	Measured  *Measured `json:"measured"`
	Sentence  string    `json:"sentence"`

	stat string // " (p99)" for the sentence, empty if it is avg
}

// Measured is frontier.Comparison: At, Lo and Hi in tokens/s/user, Baseline, Other and Diff in
// tokens/s/gpu, Ratio is Other / Baseline.
type Measured struct {
	At       float64 `json:"at"`
	Baseline float64 `json:"baseline"`
	Other    float64 `json:"other"`
	Diff     float64 `json:"diff"`
	Ratio    float64 `json:"ratio"`
	Lo       float64 `json:"lo"`
	Hi       float64 `json:"hi"`
}

// comparisons compares every other series with the baseline.
func comparisons(all []Series, o Options) []Comparison {
	made := []Comparison{}
	if len(all) == 0 {
		return made
	}
	base := baseline(all, o.Baseline)
	if base < 0 {
		said := printable("no number: the baseline " + o.Baseline + " has no cell")
		return append(made, Comparison{Baseline: o.Baseline, Sentence: said})
	}
	for i, s := range all {
		if i != base {
			made = append(made, compare(all[base], s, o))
		}
	}
	return made
}

// baseline is the index of the series named, -1 if there is none; without a name that of the first
// aggregated one, else 0.
func baseline(all []Series, label string) int {
	if label == "" {
		return max(0, slices.IndexFunc(all, func(s Series) bool { return s.Mode == "aggregated" }))
	}
	return slices.IndexFunc(all, func(s Series) bool { return s.Label == label })
}

func compare(base, other Series, o Options) Comparison {
	c := Comparison{Baseline: base.Label, Other: other.Label, Simulated: base.Simulated || other.Simulated}
	if o.Stat != "avg" {
		c.stat = " (" + o.Stat + ")"
	}
	why := obstacle(base, other)
	if why == "" {
		found, err := frontier.Compare(*base.curve, *other.curve, o.At)
		if err == nil {
			measured := Measured(found)
			c.Measured, c.Sentence = &measured, printable(c.words(measured)+counted(base, other))
			return c
		}
		why = missed(err) + ranges(base, other)
	}
	c.Sentence = printable(fmt.Sprintf("%sno number for %s against %s%s: %s", c.mark(), c.Other, c.Baseline, c.stat, why))
	return c
}

// obstacle is what forbids to look at the frontiers at all, or is empty.
func obstacle(base, other Series) string {
	for _, s := range []Series{other, base} {
		if len(s.Mixed) > 0 {
			return s.Label + " has no frontier, its artifacts differ: " + strings.Join(s.Mixed, "; ")
		}
	}
	if differ := other.against(base.Setup); differ != "" {
		return "different loads: " + differ
	}
	if base.curve == nil || other.curve == nil {
		return "a series has no valid point" + ranges(base, other)
	}
	return ""
}

// words says the numbers. The difference is that of the numbers as printed, so that the sum is right.
func (c Comparison) words(m Measured) string {
	n := max(decimals(m.Baseline), decimals(m.Other))
	diff := round(m.Other, n) - round(m.Baseline, n)
	return fmt.Sprintf("%sat %s tok/s/user%s %s gives %.*f and %s %.*f tokens/s/gpu: %.*f - %.*f = %+.*f tokens/s/gpu, %.2fx"+
		" (shared range %s; interpolated)",
		c.mark(), number(m.At), c.stat, c.Other, n, m.Other, c.Baseline, n, m.Baseline, n, m.Other, n, m.Baseline, n, diff, m.Ratio,
		span(m.Lo, m.Hi))
}

// counted warns in the sentence itself: a count that is too high moves a frontier up and to the right.
func counted(base, other Series) string {
	if !base.miscounted && !other.miscounted {
		return ""
	}
	return " († by aiperf's count of output tokens, which is not the servers' usage: the ratio is not of the servers alone)"
}

func (c Comparison) mark() string {
	if c.Simulated {
		return "simulated: "
	}
	return ""
}

// missed says an error of frontier.Compare without the ranges, which stand beside it.
func missed(err error) string {
	if none, ok := errors.AsType[*frontier.NoOverlapError](err); ok {
		if none.At != nil {
			lo, hi := none.Shared() // in full: an end of it that is rounded could be refused as well
			return fmt.Sprintf("%g tok/s/user is not within both: the shared range is %g to %g", *none.At, lo, hi)
		}
		return "they share no tok/s/user"
	}
	if thin, ok := errors.AsType[*frontier.ThinOverlapError](err); ok {
		return fmt.Sprintf("they share only %s, %s: too little for one ratio; name a point with --at", span(thin.Lo, thin.Hi), thin.Reason())
	}
	return err.Error()
}

// ranges is what each series knows.
func ranges(base, other Series) string { return " (" + other.knows() + "; " + base.knows() + ")" }

func (s Series) knows() string {
	if s.curve == nil {
		return s.Label + " has no valid point"
	}
	return s.Label + " knows " + span(s.curve.Range())
}

func span(lo, hi float64) string { return number(lo) + " to " + number(hi) + " tok/s/user" }

func number(v float64) string { return fmt.Sprintf("%.*f", decimals(v), v) }

// decimals leaves three digits that count, and at least one decimal.
func decimals(v float64) int {
	if v == 0 {
		return 1
	}
	return min(9, max(1, 2-int(math.Floor(math.Log10(math.Abs(v))))))
}

func round(v float64, decimals int) float64 {
	unit := math.Pow10(decimals)
	return math.Round(v*unit) / unit
}

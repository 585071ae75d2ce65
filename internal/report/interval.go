package report

import (
	"fmt"
	"math"
	"strconv"

	"topobench/internal/stats"
)

// Equivalence is the default of Options.Equivalence.
const Equivalence = 0.03

// judge takes the numbers of a reading into the comparison.
func (c *Comparison) judge(r reading, equivalence float64) {
	c.Measured, c.Ratio, c.Unpaired, c.reading = &r.Comparison, &r.Ratio, r.unpaired, r
	c.Rounds = append(c.Rounds, r.rounds...)
	c.Equivalence = equivalence
	if r.interval.Bounded {
		c.RatioLow, c.RatioHigh, c.Confidence = &r.interval.Low, &r.interval.High, new(stats.Confidence)
		c.Verdict = r.interval.Outcome(equivalence)
	}
}

// intervalText is the interval of the ratio with the launches behind it, or the reason that there is none.
func (c Comparison) intervalText(r reading) string {
	behind := fmt.Sprintf("%d of %d rounds", r.counted[0], r.of[0])
	if r.byRule {
		behind += " by Stein's rule"
	}
	if r.unpaired != "" {
		behind = fmt.Sprintf("%d of %d launches against %d of %d", r.counted[1], r.of[1], r.counted[0], r.of[0])
	}
	if r.unpaired != "" && r.unpaired != separate {
		behind += ", unpaired because " + r.unpaired
	}
	switch {
	case r.interval.Bounded:
		places := ratioDecimals(r.interval)
		return fmt.Sprintf("%s interval %.*f to %.*f, %s", percent(stats.Confidence),
			places, r.interval.Low, places, r.interval.High, behind)
	case r.of == [2]int{1, 1}:
		return "1 launch a side: no interval"
	case r.byRule && r.counted[0] < stats.FirstStage:
		return fmt.Sprintf("no interval: %s, which needs %d", behind, stats.FirstStage)
	case r.unpaired == "" && r.counted[0] == 1 || r.unpaired != "" && min(r.counted[0], r.counted[1]) == 1:
		return "no interval: " + behind
	}
	return "no interval: " + behind + ", too far apart"
}

// ratioDecimals are those of the lower end, or up to two more to show on which side of 1 an end of the interval is, and
// that the ends differ.
func ratioDecimals(r stats.Ratio) int {
	least := ratioPlaces(r.Low)
	for places := least; places < least+2; places++ {
		unit := math.Pow10(places)
		low, high := math.Round(r.Low*unit), math.Round(r.High*unit)
		differ := low != high || r.High-r.Low < 1e-4
		if differ && (r.Low > 1) == (low > unit) && (r.High < 1) == (high < unit) {
			return places
		}
	}
	return least + 2
}

// ratioPlaces are two decimals, and more for a ratio below 0.1, which has two significant digits.
func ratioPlaces(ratio float64) int { return max(2, decimals(ratio)-1) }

// verdictText is the verdict in the words of the sentence.
func (c Comparison) verdictText() string {
	switch within := percent(c.Equivalence); c.Verdict {
	case stats.SlightlyBetter:
		return ": better, by less than " + within
	case stats.SlightlyWorse:
		return ": worse, by less than " + within
	case stats.Equivalent:
		return ": no difference beyond " + within
	case "":
		return ""
	}
	return ": " + string(c.Verdict)
}

// plan counts rounds that were planned but have no cell.
func (r *reading) plan(rounds int) {
	if r.unpaired == "" && rounds > r.of[0] {
		r.of = [2]int{rounds, rounds}
	}
}

// percent is a part as "3 %" or "2.75 %".
func percent(part float64) string { return significant(100*part, 3) + " %" }

// roughly is an estimated part: "2.1 %".
func roughly(part float64) string { return significant(100*part, 2) + " %" }

// significant rounds to a number of digits, and has neither an exponent nor zeros at the end.
func significant(v float64, digits int) string {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', digits, 64), 64)
	if err != nil {
		return err.Error() // what FormatFloat wrote can be parsed
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}

package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/frontier"
)

func TestReadingsAtRoundNumbers(t *testing.T) {
	c := facts(t, rounds(1, 1.02), Options{}).Comparisons[0]
	var ticks []float64
	for _, r := range c.Readings {
		ticks = append(ticks, r.At)
	}
	if diff := cmp.Diff([]float64{20, 40, 60, 80}, ticks); diff != "" { // 10 and 99 are the ends of the wider side
		t.Error(diff)
	}
	r := c.Readings[1]
	if r.Ratio == nil || r.RatioLow == nil || *r.Ratio != *r.Other / *r.Baseline || len(r.Unreachable) != 0 {
		t.Errorf("got %+v", r)
	}
	if want := math.Sqrt(1.02) * 145 / 80; r.StepRatio == nil || math.Abs(*r.StepRatio-want) > 1e-9 { // the points at 45
		t.Errorf("got the step ratio %v, want %g", r.StepRatio, want)
	}
	golden(t, "readings.txt", []byte(c.ReadingsTable()))
}

func TestReadingsWhereASideHasNoPoint(t *testing.T) {
	cells := append(curve("aggregated", [][2]float64{{20, 90}, {45, 60}, {58, 10}}),
		repeat(curve("disaggregated", [][2]float64{{33, 80}, {45, 70}, {99, 20}}), 1, 1, 1)...)
	c := facts(t, cells, Options{}).Comparisons[0]
	first, last := c.Readings[0], c.Readings[len(c.Readings)-1]
	if first.At != 30 || first.Other != nil || first.Baseline == nil || first.Ratio != nil || first.StepRatio == nil || len(first.Unreachable) != 0 {
		t.Errorf("left of the slowest point there is no interpolation, but a step: %+v", first)
	}
	if last.At != 60 || last.Baseline != nil || last.Other == nil || last.StepRatio != nil ||
		!cmp.Equal(last.Unreachable, []string{"vllm_serve_aggregated"}) {
		t.Errorf("right of the fastest point: %+v", last)
	}
	if len(c.Crossings) != 1 || !(c.Crossings[0] > 33 && c.Crossings[0] < 45) {
		t.Errorf("got crossings %v", c.Crossings)
	}
	golden(t, "readings_unreachable.txt", []byte(c.ReadingsTable()))
}

// A round in which one side does not reach x is left out of the step ratio on both sides; of unpaired launches only
// those that do not reach it are.
func TestStepRatioHasTheRoundsOfBothSides(t *testing.T) {
	at := func(round int, x, y float64) launch {
		return launch{n: round, round: round, curve: curveOf([]frontier.Point{{X: x, Y: y}})}
	}
	base, other := []launch{at(1, 50, 10), at(2, 40, 100)}, []launch{at(1, 50, 20), at(2, 50, 80)}
	if got := stepRatio(base, other, 45); got == nil || *got != 2 {
		t.Errorf("paired: got %v, want 20 / 10", got)
	}
	other[1].round = 1
	if got := stepRatio(base, other, 45); got == nil || math.Abs(*got-4) > 1e-9 {
		t.Errorf("unpaired: got %v, want 40 / 10", got)
	}
	if got := stepRatio(base, other, 55); got != nil {
		t.Errorf("unreachable: got %g", *got)
	}
}

func TestNoReadings(t *testing.T) {
	for why, points := range map[string][][2]float64{
		"one point":      {{45, 145}},
		"nothing shared": {{100, 9}, {200, 8}},
		"a thin range":   {{95.5, 9}, {300, 8}},
	} {
		cells := append(curve("aggregated", [][2]float64{{20, 90}, {45, 80}, {96, 10}}), repeat(curve("disaggregated", points), 1, 1, 1)...)
		if c := facts(t, cells, Options{}).Comparisons[0]; len(c.Readings) > 0 || c.ReadingsTable() != "" {
			t.Errorf("%s: got %+v", why, c.Readings)
		}
	}
}

func TestTheTableOfReadingsIsShort(t *testing.T) {
	for _, width := range []float64{1.1, 3, 7.77, 20, 49, 180, 999} {
		side := func(mode string, y float64) [][2]float64 { return [][2]float64{{101, y}, {101 + width, y / 2}} }
		cells := append(curve("aggregated", side("", 1800)), repeat(curve("disaggregated", append(side("", 1900), [2]float64{50, 2200}, [2]float64{3000, 1})), 1, 1, 1)...)
		c := facts(t, cells, Options{}).Comparisons[0]
		if n := len(c.Readings); n < 3 || n > 7 {
			t.Errorf("%g wide: %d readings", width, n)
		}
		for line := range strings.Lines(c.ReadingsTable()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 && !strings.Contains(line, "against") {
				t.Errorf("%d columns: %s", n, line)
			}
		}
	}
}

// An x that one launch has may give no number, but it is no fault of the command line.
func TestCheckAt(t *testing.T) {
	cells := slices.Concat(repeat(curve("aggregated", [][2]float64{{96, 10}, {20, 90}}), 0, 1, 1),
		repeat(curve("disaggregated", [][2]float64{{40, 20}, {10, 90}}), 1, 1, 1))
	f := facts(t, cells, Options{})
	for x, want := range map[float64]string{9: "cannot compare at 9 tok/s/user, which no frontier has: vllm_serve_aggregated reaches 20.0 to 96.0 tok/s/user; " +
		"dynamo_vllm_disaggregated reaches 10.0 to 40.0 tok/s/user", 10: "", 15: "", 50: "", 96: "", 97: "which no frontier has"} {
		if err := f.CheckAt(x); (err != nil) != (want != "") || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("at %g: got %v, want %q", x, err, want)
		}
	}
	if err := facts(t, invalid(cells), Options{}).CheckAt(9); err != nil {
		t.Errorf("without a valid cell: got %v", err)
	}
}

package report

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/artifacts"
	"topobench/internal/frontier"
	"topobench/internal/stats"
	"topobench/internal/verdict"
)

// rounds are the cells of both sides over rounds, launched in turn. The y of the disaggregated side in each round has
// its factor.
func rounds(factors ...float64) (cells []artifacts.Cell) {
	base := curve("aggregated", [][2]float64{{20, 90}, {45, 80}, {96, 10}})
	other := curve("disaggregated", [][2]float64{{10, 200}, {45, 145}, {99, 20}})
	for i, factor := range factors {
		cells = append(cells, inRound(repeat(base, 2*i, 1, 1), i+1, "")...)
		cells = append(cells, inRound(repeat(other, 2*i+1, 1, factor), i+1, "")...)
	}
	return cells
}

func inRound(cells []artifacts.Cell, round int, arm string) []artifacts.Cell {
	for i := range cells {
		cells[i].Deployment.Round, cells[i].Deployment.Arm = round, arm
	}
	return cells
}

// lose makes every cell of an artifacts_N invalid.
func lose(cells []artifacts.Cell, n ...int) []artifacts.Cell {
	for i := range cells {
		if slices.Contains(n, cells[i].N) {
			cells[i].Verdict.State = verdict.Invalid
		}
	}
	return cells
}

func facts(t *testing.T, cells []artifacts.Cell, o Options) Facts {
	t.Helper()
	f, err := Of(cells, o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestTheRatioOfRoundsHasAnInterval(t *testing.T) {
	x, far := 45.0, 97.0
	const numbers = "at 45.0 tok/s/user dynamo_vllm_disaggregated gives "
	for _, row := range []struct {
		why        string
		cells      []artifacts.Cell
		o          Options
		start, end string
		verdict    stats.Outcome
		counted    []int // rounds
	}{
		{"C01 two rounds", rounds(1, 1.02), Options{At: &x}, numbers + "146.4 and vllm_serve_aggregated 80.0 tokens/s/gpu: ",
			" tokens/s/gpu, 1.83x (95 % interval 1.61 to 2.08, 2 of 2 rounds; shared range 20.0 to 96.0 tok/s/user; interpolated): better",
			stats.Better, []int{1, 2}},
		{"C02 other against base is worse", rounds(0.3, 0.31, 0.32), Options{At: &x}, numbers, "3 of 3 rounds; shared range 20.0 to 96.0 tok/s/user; interpolated): worse",
			stats.Worse, []int{1, 2, 3}},
		{"C03 a small difference", rounds(0.5620, 0.5622, 0.5621), Options{At: &x}, numbers,
			"1.019x (95 % interval 1.018 to 1.019, 3 of 3 rounds; shared range 20.0 to 96.0 tok/s/user; interpolated): better, by less than 3 %",
			stats.SlightlyBetter, []int{1, 2, 3}},
		{"C04 a smaller equivalence", rounds(0.5620, 0.5622, 0.5621), Options{At: &x, Equivalence: 0.015}, numbers, "): better", stats.Better, []int{1, 2, 3}},
		{"C05 none", rounds(0.55, 0.553, 0.5515), Options{At: &x}, numbers, "): no difference beyond 3 %", stats.Equivalent, []int{1, 2, 3}},
		{"C06 nothing can be concluded", rounds(0.5, 0.6), Options{At: &x}, numbers, "): inconclusive", stats.Inconclusive, []int{1, 2}},
		{"C07 a round without a valid point of one side", lose(rounds(1, 1, 1.02), 2), Options{At: &x}, numbers,
			"2 of 3 rounds; shared range 20.0 to 96.0 tok/s/user; interpolated): better", stats.Better, []int{1, 3}},
		{"C08 only one round is left", lose(rounds(1, 1.02), 0), Options{At: &x}, numbers + "147.9 and",
			"1.85x (no interval: 1 of 2 rounds; shared range 20.0 to 96.0 tok/s/user; interpolated)", "", []int{2}},
		{"C09 no round is left", lose(rounds(1, 1.02), 0, 3), Options{}, "no number for dynamo_vllm_disaggregated against vllm_serve_aggregated: ",
			"no round has valid points of both sides (dynamo_vllm_disaggregated reaches 10.0 to 99.0 tok/s/user; vllm_serve_aggregated reaches 20.0 to 96.0 tok/s/user)", "", nil},
		{"C10 x is on no side of a round", rounds(1, 1.02), Options{At: &far}, "no number for ",
			"97 tok/s/user is not within both sides in any round (dynamo_vllm_disaggregated reaches 10.0 to 99.0 tok/s/user in each of 2 launches; " +
				"vllm_serve_aggregated reaches 20.0 to 96.0 tok/s/user in each of 2 launches)", "", nil},
		{"C11 planned rounds that have no cell", rounds(1, 1.02), Options{At: &x, Rounds: 4}, numbers, "2 of 4 rounds; shared range 20.0 to 96.0 tok/s/user; interpolated): better",
			stats.Better, []int{1, 2}},
	} {
		f := facts(t, row.cells, row.o)
		c := f.Comparisons[0]
		if !strings.HasPrefix(c.Sentence, row.start) || !strings.HasSuffix(c.Sentence, row.end) {
			t.Errorf("%s:\n got %s\nwant %s ... %s", row.why, c.Sentence, row.start, row.end)
		}
		var counted []int
		for _, r := range c.Rounds {
			counted = append(counted, r.Round)
			if r.Ratio != r.Other/r.Baseline || r.At != c.Measured.At {
				t.Errorf("%s: round %+v", row.why, r)
			}
		}
		if c.Verdict != row.verdict || !slices.Equal(counted, row.counted) || (c.RatioLow != nil) != (row.verdict != "") ||
			(c.Confidence != nil) != (row.verdict != "") {
			t.Errorf("%s: got %+v", row.why, c)
		}
		if m := c.Measured; m != nil && (math.Abs(*c.Ratio-m.Other/m.Baseline) > 1e-12 || m.Ratio != *c.Ratio) {
			t.Errorf("%s: the quotient of the sides is not the ratio: %+v", row.why, c)
		}
		written(t, f.JSON) // it refuses NaN
	}
}

// A launch that lost a cell beside x would be interpolated between levels that are further apart: here 129 instead of 145.
func TestALaunchWithoutTheCellsAroundXDoesNotCount(t *testing.T) {
	at, right, point := 50.0, 97.0, 96.0
	ladder := func(spoilt ...int) []artifacts.Cell { // rounds in which the middle cell of the other side is lost
		var cells []artifacts.Cell
		base := curve("aggregated", [][2]float64{{99, 10}, {45, 80}, {20, 90}})
		other := curve("disaggregated", [][2]float64{{99, 12}, {96, 20}, {45, 145}, {10, 200}})
		for i := range 3 {
			side := repeat(other, 2*i+1, 1, 1)
			if slices.Contains(spoilt, i+1) {
				side[2].Verdict.State = verdict.Invalid
			}
			cells = slices.Concat(cells, inRound(repeat(base, 2*i, 1, 1), i+1, ""), inRound(side, i+1, ""))
		}
		return cells
	}
	for _, row := range []struct {
		why   string
		cells []artifacts.Cell
		at    *float64
		want  string
	}{
		{"--at beside it", ladder(2), &at, "2 of 3 rounds; "}, {"the middle", ladder(2), nil, "2 of 3 rounds; "},
		{"one round is left", ladder(2, 3), &at, "no interval: 1 of 3 rounds"},
		{"between other cells", ladder(2), &right, "3 of 3 rounds; "}, {"at a measured point", ladder(2), &point, "3 of 3 rounds; "},
		{"no round has the cell", ladder(1, 2, 3), &at, "3 of 3 rounds; "},
	} {
		c := facts(t, row.cells, Options{At: row.at}).Comparisons[0]
		if !strings.Contains(c.Sentence, row.want) {
			t.Errorf("%s: got %s, want %s", row.why, c.Sentence, row.want)
		}
		for _, r := range c.Rounds {
			if math.Abs(r.Ratio/c.Rounds[0].Ratio-1) > 1e-3 { // the slope at a point is also that of its neighbours
				t.Errorf("%s: launches with the same points differ: %+v", row.why, c.Rounds)
			}
		}
	}
	for _, r := range facts(t, ladder(2), Options{At: &at}).Comparisons[0].Readings {
		if r.At > 20 && r.At < 45 && math.Abs(*r.StepRatio-145.0/80) > 1e-9 { // of the next measured points
			t.Errorf("at %g the step is %g, want that of the launches with the cell", r.At, *r.StepRatio)
		}
	}
	unpaired := inRound(ladder(2), 0, "")
	if got := facts(t, unpaired, Options{At: &at}).Sentences()[0]; !strings.Contains(got, "2 of 3 launches against 3 of 3") {
		t.Errorf("without rounds: got %s", got)
	}
}

// One x for all rounds: the middle of what all launches share. A round whose frontiers lack --at does not count.
func TestTheSharedRangeIsThatOfAllLaunches(t *testing.T) {
	base := curve("aggregated", [][2]float64{{20, 90}, {45, 80}, {96, 10}})
	other := curve("disaggregated", [][2]float64{{10, 200}, {45, 145}, {99, 20}})
	cells := slices.Concat(inRound(repeat(base, 0, 1, 1), 1, ""), inRound(repeat(other, 1, 1, 1), 1, ""),
		inRound(repeat(other, 2, 0.5, 1), 2, ""), inRound(repeat(base, 3, 0.75, 1), 2, "")) // 5 to 49.5, and 15 to 72
	m := facts(t, cells, Options{}).Comparisons[0].Measured
	if m == nil || m.Lo != 20 || m.Hi != 49.5 || m.At != 34.75 {
		t.Errorf("got %+v, want the middle of 20 to 49.5", m)
	}
	x := 60.0
	c := facts(t, cells, Options{At: &x}).Comparisons[0]
	if c.Measured == nil || len(c.Rounds) != 1 || c.Rounds[0].Round != 1 || c.Measured.Hi != 96 || !strings.Contains(c.Sentence, "no interval: 1 of 2 rounds") {
		t.Errorf("at 60 only the first round counts, with its range: %+v", c)
	}
}

func TestLaunchesThatNoRoundPairs(t *testing.T) {
	x := 45.0
	without := rounds(1, 1.02, 1.01)
	for i := range without {
		without[i].Deployment.Round = 0
	}
	twice := rounds(1, 1.02)
	for i := range twice {
		twice[i].Deployment.Round = 1
	}
	for _, row := range []struct {
		why   string
		cells []artifacts.Cell
		want  string
	}{
		{"C12 without rounds", without, "3 of 3 launches against 3 of 3, unpaired because artifacts_0 has no round; "},
		{"C13 one round twice", twice, "2 of 2 launches against 2 of 2, unpaired because artifacts_0 and artifacts_2 are both of round 1; "},
		{"C14 one launch of a side", slices.Concat(without[:3], without[3:6], without[9:12]),
			"no interval: 2 of 2 launches against 1 of 1, unpaired because artifacts_0 has no round; "},
		{"C15 one launch a side, of which one has no round", slices.Concat(without[:3], rounds(1)[3:]), "(1 launch a side: no interval; "},
	} {
		c := facts(t, row.cells, Options{At: &x}).Comparisons[0]
		bounded := !strings.Contains(row.want, "no interval")
		if !strings.Contains(c.Sentence, row.want) || (c.RatioLow != nil) != bounded || c.Measured == nil {
			t.Errorf("%s: got %s", row.why, c.Sentence)
		}
		if paired := strings.HasPrefix(row.why, "C15"); (c.Unpaired == "") != paired || (len(c.Rounds) == 1) != paired {
			t.Errorf("%s: rounds %+v, unpaired %q", row.why, c.Rounds, c.Unpaired)
		}
	}
	c := facts(t, without, Options{At: &x}).Comparisons[0]
	welch := stats.Unpaired([]float64{80, 80, 80}, []float64{145, 145 * 1.02, 145 * 1.01})
	if math.Abs(*c.RatioLow-welch.Low) > 1e-9 || math.Abs(*c.RatioHigh-welch.High) > 1e-9 {
		t.Errorf("got %g to %g, want Welch's %g to %g", *c.RatioLow, *c.RatioHigh, welch.Low, welch.High)
	}
}

// A cell that was measured twice in one launch is one value of that launch.
func TestACopyOfACellIsNoLaunch(t *testing.T) {
	cells := rounds(1)
	copied := repeat(cells[:1], 0, 1, 3)
	f := facts(t, append(cells, inRound(copied, 1, "")...), Options{})
	if p := f.Series[0].Points[0]; p.Y.N != 1 || p.Y.Mean != 180 {
		t.Errorf("got %+v", p)
	}
}

func TestALaunchOfZeroHasNoRatio(t *testing.T) {
	zero := func(y float64) launch {
		c, err := frontier.NewCurve([]frontier.Point{{X: 10, Y: y}})
		if err != nil {
			t.Fatal(err)
		}
		return launch{round: 1, curve: &c}
	}
	second := zero(1)
	second.round = 2
	if _, err := measure([]launch{zero(0)}, []launch{zero(1)}, nil); !errors.Is(err, frontier.ErrZeroBaseline) {
		t.Errorf("baseline 0: %v", err)
	}
	if _, err := measure([]launch{zero(1), second}, []launch{zero(0), second}, nil); !errors.Is(err, errZero) {
		t.Errorf("other 0 in one of two rounds: %v", err)
	}
	if r, err := measure([]launch{zero(1)}, []launch{zero(0)}, nil); err != nil || r.Ratio != 0 {
		t.Errorf("0 against 1: %+v, %v", r, err)
	}
}

func TestTheIntervalShowsItsSideOfOne(t *testing.T) {
	for _, row := range []struct {
		low, high float64
		want      int
	}{{1.74, 1.88, 2}, {1.004, 1.2, 3}, {0.9, 0.9996, 4}, {1.5001, 1.50025, 4}, {1, 1, 2}, {0.5, 0.5, 2}, {1.00001, 1.00002, 4}, {0.97, 1.04, 2}} {
		if got := ratioDecimals(stats.Ratio{Low: row.low, High: row.high}); got != row.want {
			t.Errorf("%g to %g: %d decimals, want %d", row.low, row.high, got, row.want)
		}
	}
}

// The arms of an A/A measurement, and of a label with other launches, are never pooled.
func TestArmsAreSeriesOfTheirOwn(t *testing.T) {
	f := facts(t, aaCells(1, 1), Options{Order: []string{"vllm_serve_aggregated"}})
	var names []string
	for _, s := range f.Series {
		names = append(names, fmt.Sprintf("%s %d %d", s.Label, len(s.Artifacts), s.Cells))
	}
	if diff := cmp.Diff([]string{"vllm_serve_aggregated (A) 2 6", "vllm_serve_aggregated (B) 2 6"}, names); diff != "" {
		t.Error(diff)
	}
	if c := f.Comparisons[0]; c.Baseline != "vllm_serve_aggregated (A)" {
		t.Errorf("got %+v", c)
	}
	if got := facts(t, aaCells(1, 1), Options{Baseline: "vllm_serve_aggregated (B)"}).Comparisons[0].Other; got != "vllm_serve_aggregated (A)" {
		t.Errorf("--baseline of an arm: other is %s", got)
	}
	if got := facts(t, aaCells(1, 1), Options{Baseline: "vllm_serve_aggregated"}).Comparisons[0].Other; got != "vllm_serve_aggregated (B)" {
		t.Errorf("--baseline of both arms: other is %s", got)
	}
	if label := f.Rows[0].Label; label != "vllm_serve_aggregated" {
		t.Errorf("the CSV has upstream's label: %s", label)
	}
}

// 0.00x would be no ratio.
func TestASmallRatioHasTwoDigits(t *testing.T) {
	x := 45.0
	for factor, want := range map[float64]string{1: " 1.81x", 0.05: " 0.091x", 0.001: " 0.0018x"} {
		c := facts(t, rounds(factor), Options{At: &x}).Comparisons[0]
		if !strings.Contains(c.Sentence, want) {
			t.Errorf("one round: got %s, want%s", c.Sentence, want)
		}
		table := facts(t, rounds(factor), Options{At: &x}).Comparisons[0].ReadingsTable()
		if strings.Contains(table, "0.00x") {
			t.Errorf("got %s", table)
		}
	}
	if got := facts(t, rounds(0.001, 0.0011), Options{At: &x}).Sentences()[0]; !strings.Contains(got, " 0.0019x (95 % interval 0.0010 to 0.0035,") {
		t.Errorf("two rounds: got %s", got)
	}
}

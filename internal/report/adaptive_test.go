package report

import (
	"math"
	"slices"
	"strings"
	"testing"

	"topobench/internal/artifacts"
	"topobench/internal/stats"
	"topobench/internal/verdict"
)

// marked are cells of a launch of an adaptive run as artifacts_n.
func marked(cells []artifacts.Cell, n, round int, mark artifacts.Adaptive) []artifacts.Cell {
	mark.At = 40
	copies := repeat(cells, n, 1, 1)
	for i := range copies {
		copies[i].Deployment.Round, copies[i].Deployment.Adaptive = round, &mark
	}
	return copies
}

// A search at other levels, and rounds that missed, would move the frontier of the rounds that count.
func TestTheSearchIsNoPartOfAReading(t *testing.T) {
	high, rounds := curve("aggregated", [][2]float64{{90, 300}, {20, 900}}), curve("aggregated", [][2]float64{{50, 30}, {30, 60}})
	other := curve("disaggregated", [][2]float64{{50, 60}, {30, 90}})
	first, second := artifacts.Adaptive{Run: "r", First: 2}, artifacts.Adaptive{Run: "r", First: 3}
	f, err := Of(slices.Concat(
		marked(high, 0, 1, artifacts.Adaptive{Run: "r", Search: true}), marked(other, 1, 1, artifacts.Adaptive{Run: "r", Search: true}),
		marked(high, 2, 2, first), marked(other, 3, 2, first),
		marked(rounds, 4, 3, second), marked(other, 5, 3, second)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	m := f.Comparisons[0].Measured
	if m == nil || m.At != 40 || m.Baseline != 45 || m.Other != 75 {
		t.Fatalf("got %+v, %q, want 75 against 45 at the 40 tok/s/user of the run", m, f.Sentences())
	}
	if got := string(written(t, f.Summary)); strings.Count(got, ",1,1,") != 4 {
		t.Errorf("got %s, want 1 of 1 launches at each of two levels and sides", got)
	}
	for i, want := range []string{"search of an adaptive run", "before the bracket was widened", ""} {
		row := f.Rows[4*i]
		if got := strings.Join(row.Notes, ""); got != want || row.Efficient != (want == "") {
			t.Errorf("%s: notes %q, on the frontier %t, want %q", row.Artifacts, got, row.Efficient, want)
		}
	}
}

// One launch of the search with other levels would win on another axis.
func TestTheSearchNamesNoOtherWinner(t *testing.T) {
	half, flat := func(x float64) float64 { return x / 2 }, func(float64) float64 { return 20 }
	base := slow(curve("aggregated", [][2]float64{{50, 30}, {30, 60}}), e2e, "p10", half)
	other := slow(curve("disaggregated", [][2]float64{{50, 60}, {30, 90}}), e2e, "p10", half)
	search := slow(curve("aggregated", [][2]float64{{20, 300}}), e2e, "p10", flat)
	first := artifacts.Adaptive{Run: "r", First: 2}
	cells := slices.Concat(marked(search, 0, 1, artifacts.Adaptive{Run: "r", Search: true}), marked(base, 1, 2, first),
		marked(other, 2, 2, first))
	if got := facts(t, cells, Options{}).Sentences()[0]; strings.Contains(got, "another winner") {
		t.Errorf("got %q, want no winner by cells of the search", got)
	}
}

// The rounds of an adaptive run have an interval of their own only by themselves.
func TestRowsOfOneAdaptiveRun(t *testing.T) {
	cells := curve("aggregated", [][2]float64{{50, 30}})
	of := func(run string) []artifacts.Cell { return marked(cells, 0, 2, artifacts.Adaptive{Run: run, First: 2}) }
	for _, row := range []struct {
		why   string
		cells []artifacts.Cell
		want  bool
	}{
		{"one run", slices.Concat(of("r"), of("r")), true}, {"two runs", slices.Concat(of("r"), of("s")), false},
		{"a ladder beside it", slices.Concat(of("r"), cells), false}, {"no row", nil, false},
	} {
		if got := adaptiveRun(rows(row.cells, Options{Stat: "avg", X: "user"})) != nil; got != row.want {
			t.Errorf("%s: got %t", row.why, got)
		}
	}
}

// The interval is Stein's: the spread of the first four rounds, the mean of all six. A round that misses the point of the
// run leaves no number.
func TestTheIntervalOfAnAdaptiveRun(t *testing.T) {
	base, other := curve("aggregated", [][2]float64{{50, 30}, {30, 60}}), curve("disaggregated", [][2]float64{{50, 60}, {30, 90}})
	mark := artifacts.Adaptive{Run: "r", First: 2}
	var cells []artifacts.Cell
	var ratios []float64
	for i, y := range []float64{1, 1.02, 0.99, 1.01, 1.2, 0.8} {
		for side, of := range [][]artifacts.Cell{base, other} {
			launch := marked(of, 2*i+side, 2+i, mark)
			if side == 1 {
				launch = repeat(launch, 2*i+side, 1, y)
			}
			cells = append(cells, launch...)
		}
		ratios = append(ratios, y*75/45)
	}
	f, err := Of(cells, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want, c := stats.Stein(ratios), f.Comparisons[0]
	if c.RatioHigh == nil || math.Abs(*c.RatioHigh-want.High) > 1e-9 || !strings.Contains(c.Sentence, "6 of 6 rounds by Stein's rule") {
		t.Errorf("got %v, %q, want %+v", c.RatioHigh, c.Sentence, want)
	}
	missing := marked(repeat(base, 4, 0.7, 1), 4, 4, mark) // 35 at most
	f, err = Of(slices.Concat(cells[:8], missing, cells[10:]), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Sentences()[0]; !strings.Contains(got, "no number") || !strings.Contains(got, "not within both sides in 1 of 6 rounds") {
		t.Errorf("got %q, want no number", got)
	}
	if got := facts(t, cells[:12], Options{}).Sentences()[0]; !strings.Contains(got, "no interval: 3 of 3 rounds by Stein's rule, which needs 4;") {
		t.Errorf("three rounds: got %q", got)
	}
	x := 45.0
	if f, err = Of(cells, Options{At: &x}); err != nil || !strings.Contains(f.Sentences()[0], "6 of 6 rounds by Stein's rule") {
		t.Errorf("got %q, %v: a reading beside the point has the same rounds", f.Sentences(), err)
	}
}

// The run replaces a round with a cell that is not valid, whichever cell it is: the ratio has the other rounds.
func TestARoundOfAnAdaptiveRunThatLacksACell(t *testing.T) {
	base, other := curve("aggregated", [][2]float64{{50, 30}, {30, 60}}), curve("disaggregated", [][2]float64{{50, 60}, {30, 90}})
	base = slow(base, e2e, "p10", func(x float64) float64 { return x / 2 })
	other = slow(other, e2e, "p10", func(x float64) float64 { return x / 2 })
	for lost := range 4 { // cells of the round: two of each side
		var cells []artifacts.Cell
		for i := range 5 {
			round := slices.Concat(marked(base, 2*i, 2+i, artifacts.Adaptive{Run: "r", First: 2}),
				marked(other, 2*i+1, 2+i, artifacts.Adaptive{Run: "r", First: 2}))
			if i == 1 {
				round[lost].Verdict.State = verdict.Invalid
			}
			cells = append(cells, round...)
		}
		for _, x := range []string{"user", "e2e"} {
			got := facts(t, cells, Options{X: x}).Sentences()[0]
			if !strings.Contains(got, "1.67x (95 % interval 1.67 to 1.67, 4 of 5 rounds by Stein's rule") {
				t.Errorf("cell %d on axis %s: got %q, want the ratio of four rounds", lost, x, got)
			}
		}
	}
}

package report

import (
	"slices"
	"strings"
	"testing"

	"topobench/internal/artifacts"
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
	for i, want := range []string{"search of an adaptive run", "before the bracket was widened", ""} {
		row := f.Rows[4*i]
		if got := strings.Join(row.Notes, ""); got != want || row.Efficient != (want == "") {
			t.Errorf("%s: notes %q, on the frontier %t, want %q", row.Artifacts, got, row.Efficient, want)
		}
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

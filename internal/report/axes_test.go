package report

import (
	"slices"
	"strings"
	"testing"

	"topobench/internal/artifacts"
)

// ttft gives the cells of a curve a TTFT: the first has p50 and p90, each further one twice that of the one before.
func ttft(cells []artifacts.Cell, p50, p90 float64) []artifacts.Cell {
	for i, c := range cells {
		factor := float64(int(1) << i)
		c = with(with(c, "time_to_first_token", "p50", factor*p50), "time_to_first_token", "p90", factor*p90)
		cells[i] = with(c, "request_count", "avg", 10)
	}
	return cells
}

func TestTheSentenceHasTheTTFTBesideX(t *testing.T) {
	other := ttft(curve("disaggregated", [][2]float64{{99, 20}, {50, 145}, {40, 150}, {45, 10}, {10, 200}}), 100, 130)
	base := ttft(curve("aggregated", [][2]float64{{96, 10}, {45, 80}, {20, 90}}), 10, 15)
	again := repeat(base, 3, 1, 1)
	again[1] = with(again[1], "time_to_first_token", "p50", 40)
	spoilt := invalid(ttft(repeat(base, 4, 1, 1), 1000, 1000))
	bare := curve("aggregated", [][2]float64{{96, 10}, {45, 80}, {20, 90}})
	few := repeat(base, 0, 1, 1)
	few[1] = with(few[1], "request_count", "avg", 9)
	x := 45.0
	for _, row := range []struct {
		why  string
		base []artifacts.Cell
		want string // end of the sentence
	}{
		{"two points of the frontier beside x, one at x; the dominated one at x has no part in it", base,
			". TTFT p50 and p90 beside it: dynamo_vllm_disaggregated 200.0 and 260.0 ms at concurrency 2, " +
				"400.0 and 520.0 ms at 4; vllm_serve_aggregated 20.0 and 30.0 ms at concurrency 2"},
		{"the mean over valid repeats", slices.Concat(base, again, spoilt),
			"; vllm_serve_aggregated 30.0 and 30.0 ms at concurrency 2"},
		{"a p90 of too few requests", few, "; vllm_serve_aggregated 20.0 and - ms at concurrency 2"},
		{"a side without it", bare, ". TTFT p50 and p90 beside it: dynamo_vllm_disaggregated 200.0 and 260.0 ms at " +
			"concurrency 2, 400.0 and 520.0 ms at 4; vllm_serve_aggregated not reported"},
	} {
		f, err := Of(slices.Concat(row.base, other), Options{At: &x})
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Sentences()[0]; !strings.HasSuffix(got, row.want) {
			t.Errorf("%s:\n got %s\nwant the end %s", row.why, got, row.want)
		}
	}
}

// slow gives the cells of a curve another speed on an axis.
func slow(cells []artifacts.Cell, tag, stat string, of func(x float64) float64) []artifacts.Cell {
	for i, c := range cells {
		x := c.Measurement.Metrics["output_token_throughput_per_user"].Stats["avg"]
		cells[i] = with(c, tag, stat, of(x))
	}
	return cells
}

// Prefill that waits leaves 1 / ITL as it is and halves the speed end to end.
func TestAnotherAxisNamesAnotherWinner(t *testing.T) {
	points := func(y float64) [][2]float64 { return [][2]float64{{80, y}, {60, 2 * y}, {40, 3 * y}, {20, 4 * y}} }
	half := func(x float64) float64 { return x / 2 }
	same := func(x float64) float64 { return x }
	itl := func(x float64) float64 { return 1000 / x }
	other := func(end func(float64) float64) []artifacts.Cell {
		return slow(slow(curve("disaggregated", points(11)), e2e, "p10", end), "inter_token_latency", "p90", itl)
	}
	base := slow(slow(curve("aggregated", points(10)), e2e, "p10", same), "inter_token_latency", "p90", itl)
	lacking := slices.Clone(base)
	lacking[2] = with(lacking[2], "time_to_first_token", "avg", 1) // a map of its own
	delete(lacking[2].Measurement.Metrics, e2e)
	const by = "another axis names another winner: "
	for _, row := range []struct {
		why         string
		base, other []artifacts.Cell
		x           string
		want        string // "" = no note
	}{
		{"end to end the baseline wins", base, other(half), "user", by + "vllm_serve_aggregated, 0.63x at 30.0 tok/s/user (e2e p10)"},
		{"both axes but one's own are compared", base, other(half), "p90", by + "vllm_serve_aggregated, 0.63x at 30.0 tok/s/user (e2e p10)"},
		{"the guide's axis differs", base, other(half), "e2e", by + "dynamo_vllm_disaggregated, 1.10x at 50.0 tok/s/user (the guide's)"},
		{"all axes agree", base, other(same), "user", ""},
		{"one cell lacks the axis: the frontier of the others is another one", lacking, other(half), "user", ""},
	} {
		f, err := Of(slices.Concat(row.base, row.other), Options{X: row.x})
		if err != nil {
			t.Fatal(err)
		}
		got := f.Sentences()[0]
		if strings.Contains(got, by) != (row.want != "") || !strings.Contains(got, row.want) {
			t.Errorf("%s: got %s, want %q", row.why, got, row.want)
		}
	}
}

// The ratio is printed with two decimals: 1.00x has no winner.
func TestWinner(t *testing.T) {
	for ratio, want := range map[float64]int{1.01: 1, 1.004: 0, 1: 0, 0.996: 0, 0.99: -1, 3: 1, 0.2: -1} {
		if got := winner(ratio); got != want {
			t.Errorf("%g: got %d, want %d", ratio, got, want)
		}
	}
}

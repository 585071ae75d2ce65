package report

import (
	"strings"
	"testing"

	"topobench/internal/artifacts"
	"topobench/internal/verdict"
)

func TestSentences(t *testing.T) {
	agg := func(points ...[2]float64) []artifacts.Cell { return curve("aggregated", points) }
	dis := func(points ...[2]float64) []artifacts.Cell { return curve("disaggregated", points) }
	x19, x45, x200 := 19.7, 45.0, 200.0
	for _, row := range []struct {
		why   string
		cells []artifacts.Cell
		o     Options
		want  string
	}{
		{"the documentation's example", append(agg([2]float64{20.1, 90}, [2]float64{45, 80}, [2]float64{96.3, 10}),
			dis([2]float64{10, 200}, [2]float64{45, 145}, [2]float64{99, 20})...), Options{At: &x45},
			"at 45.0 tok/s/user dynamo_vllm_disaggregated gives 145.0 and vllm_serve_aggregated 80.0 tokens/s/gpu: " +
				"145.0 - 80.0 = +65.0 tokens/s/gpu, 1.81x (1 launch a side: no interval; shared range 20.1 to 96.3 tok/s/user; interpolated)"},
		{"a baseline that is named wins over the aggregated series", append(agg([2]float64{45, 80}), dis([2]float64{45, 145})...),
			Options{Baseline: "dynamo_vllm_disaggregated"},
			"at 45.0 tok/s/user vllm_serve_aggregated gives 80.0 and dynamo_vllm_disaggregated 145.0 tokens/s/gpu: " +
				"80.0 - 145.0 = -65.0 tokens/s/gpu, 0.55x (1 launch a side: no interval; shared range 45.0 tok/s/user; interpolated)"},
		{"small numbers keep three digits, and the printed difference adds up", append(agg([2]float64{45, 0.01234}), dis([2]float64{45, 0.0456})...), Options{},
			"at 45.0 tok/s/user dynamo_vllm_disaggregated gives 0.0456 and vllm_serve_aggregated 0.0123 tokens/s/gpu: " +
				"0.0456 - 0.0123 = +0.0333 tokens/s/gpu, 3.70x (1 launch a side: no interval; shared range 45.0 tok/s/user; interpolated)"},
		{"no overlap: both ranges, no number", append(agg([2]float64{1, 9}, [2]float64{2, 8}), dis([2]float64{3, 9}, [2]float64{4, 8})...), Options{},
			"no number for dynamo_vllm_disaggregated against vllm_serve_aggregated: they share no tok/s/user " +
				"(dynamo_vllm_disaggregated reaches 3.00 to 4.00 tok/s/user; vllm_serve_aggregated reaches 1.00 to 2.00 tok/s/user)"},
		{"no overlap: another x would not help", append(agg([2]float64{1, 9}, [2]float64{2, 8}), dis([2]float64{3, 9}, [2]float64{4, 8})...), Options{At: &x19},
			"no number for dynamo_vllm_disaggregated against vllm_serve_aggregated: they share no tok/s/user " +
				"(dynamo_vllm_disaggregated reaches 3.00 to 4.00 tok/s/user; vllm_serve_aggregated reaches 1.00 to 2.00 tok/s/user)"},
		{"a thin overlap carries no headline", append(agg([2]float64{10, 9}, [2]float64{20, 8}), dis([2]float64{19.5, 9}, [2]float64{40, 8})...), Options{},
			"no number for dynamo_vllm_disaggregated against vllm_serve_aggregated: they share only 19.5 to 20.0 tok/s/user, 5.0 % of the narrower frontier (at least 10 % are needed): too little for a ratio; " +
				"measure concurrencies at which both reach the same tok/s/user (dynamo_vllm_disaggregated reaches 19.5 to 40.0 tok/s/user; vllm_serve_aggregated reaches 10.0 to 20.0 tok/s/user)"},
		{"a point of a thin overlap carries none either", append(agg([2]float64{10, 9}, [2]float64{20, 8}), dis([2]float64{19.5, 9}, [2]float64{40, 8})...), Options{At: &x19},
			"no number for dynamo_vllm_disaggregated against vllm_serve_aggregated: they share only 19.5 to 20.0 tok/s/user, 5.0 % of the narrower frontier (at least 10 % are needed): too little for a ratio; " +
				"measure concurrencies at which both reach the same tok/s/user (dynamo_vllm_disaggregated reaches 19.5 to 40.0 tok/s/user; vllm_serve_aggregated reaches 10.0 to 20.0 tok/s/user)"},
		{"nothing is extrapolated", append(agg([2]float64{10, 9}, [2]float64{20, 8}), dis([2]float64{10, 9}, [2]float64{20, 8})...), Options{At: &x200},
			"no number for dynamo_vllm_disaggregated against vllm_serve_aggregated: 200 tok/s/user is not within both: the shared range is 10 to 20 " +
				"(dynamo_vllm_disaggregated reaches 10.0 to 20.0 tok/s/user; vllm_serve_aggregated reaches 10.0 to 20.0 tok/s/user)"},
		{"a series without a valid point is compared with nothing", append(agg([2]float64{10, 9}), invalid(dis([2]float64{10, 9}))...), Options{},
			"no number for dynamo_vllm_disaggregated against vllm_serve_aggregated: " +
				"dynamo_vllm_disaggregated has no valid point (vllm_serve_aggregated reaches 10.0 tok/s/user)"},
	} {
		for _, simulated := range []bool{false, true} {
			f, err := Of(simulate(row.cells, simulated), row.o)
			if err != nil {
				t.Fatal(row.why, err)
			}
			want := row.want
			if simulated {
				want = "simulated: " + want
			}
			if got := strings.Join(f.Sentences(), "\n"); got != want {
				t.Errorf("%s:\n got %s\nwant %s", row.why, got, want)
			}
			if measured := f.Comparisons[0].Measured != nil; measured == strings.Contains(want, "no number") {
				t.Errorf("%s: numbers in the facts: %v", row.why, measured)
			}
			if strings.HasPrefix(f.Title, "Simulated: ") != simulated {
				t.Errorf("%s: title %q", row.why, f.Title)
			}
		}
	}
}

func curve(mode string, points [][2]float64) []artifacts.Cell {
	var cells []artifacts.Cell
	for _, p := range points {
		cells = append(cells, at(mode, p[0], p[1]))
	}
	for i := range cells {
		cells[i].Concurrency = 1 << i
	}
	return cells
}

func invalid(cells []artifacts.Cell) []artifacts.Cell {
	for i := range cells {
		cells[i].Verdict.State = verdict.Invalid
	}
	return cells
}

func simulate(cells []artifacts.Cell, simulated bool) []artifacts.Cell {
	cells[len(cells)-1].Deployment.Simulated = simulated // one is enough
	return cells
}

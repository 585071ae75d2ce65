package report

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"topobench/internal/result"
)

// repeat is a copy of cells as artifacts_n, with x and y scaled.
func repeat(cells []result.Cell, n int, x, y float64) []result.Cell {
	factors := map[string]float64{"output_token_throughput_per_user": x, "output_token_throughput": y}
	var copies []result.Cell
	for _, c := range cells {
		c.N, c.Artifacts = n, fmt.Sprintf("artifacts_%d", n)
		metrics := map[string]result.Metric{}
		for tag, metric := range c.Measurement.Metrics {
			scaled := map[string]float64{}
			for stat, v := range metric.Stats {
				scaled[stat] = v
				if factor, ok := factors[tag]; ok && stat != "count" {
					scaled[stat] = v * factor
				}
			}
			metrics[tag] = result.Metric{Unit: metric.Unit, Stats: scaled}
		}
		c.Measurement.Metrics = metrics
		copies = append(copies, c)
	}
	return copies
}

// ladder numbers the cells with rising concurrencies.
func ladder(cells []result.Cell) []result.Cell {
	for i := range cells {
		cells[i].Concurrency = 1 << i
	}
	return cells
}

// Pooling the repeats would put only the faster one on the frontier: 1.02 x 145 / 80.
func TestTheRatioIsThatOfTheMeansOverRepeats(t *testing.T) {
	first := ladder(curve("disaggregated", [][2]float64{{10, 200}, {45, 145}, {99, 20}}))
	base := ladder(curve("aggregated", [][2]float64{{20, 90}, {45, 80}, {96, 10}}))
	x := 45.0
	f, err := Of(slices.Concat(first, repeat(first, 1, 1, 1.02), repeat(base, 2, 1, 1)), Options{At: &x})
	if err != nil {
		t.Fatal(err)
	}
	m := f.Comparisons[0].Measured
	if m == nil || math.Abs(m.Ratio-1.01*145/80) > 1e-9 {
		t.Fatalf("got %+v, %q, want the ratio %g", m, f.Sentences(), 1.01*145/80)
	}
	for _, r := range f.Rows {
		if !r.Efficient {
			t.Errorf("%s at concurrency %d: the mean is on the frontier, so every repeat of it is marked", r.Artifacts, r.Concurrency)
		}
	}
	if n := len(f.Picture().Series[0].Points); n != 3 {
		t.Errorf("the chart has %d points of 3 concurrencies measured twice", n)
	}
}

func TestRecordedTreeWithARepeatReachesAsFarAsTheMean(t *testing.T) {
	cells, _ := result.Tree(filepath.Join("testdata", "artifacts_root"))
	first := slices.DeleteFunc(slices.Clone(cells), func(c result.Cell) bool { return c.N != 0 })
	f, err := Of(append(cells, repeat(first, 2, 1.02, 1.02)...), Options{})
	if err != nil {
		t.Fatal(err)
	}
	// 187.7 and 199.8 tok/s/user, both times 1.01: above the other side's 188.5
	if got, want := f.Sentences()[0], "189.6 to 201.8 tok/s/user"; !strings.Contains(got, want) {
		t.Errorf("got %q, want the range %s", got, want)
	}
}

// tree writes artifacts_0, disaggregated, and artifacts_1, aggregated, with one cell each.
func tree(t *testing.T, inputs [2]string) []result.Cell {
	t.Helper()
	root := t.TempDir()
	for n, mode := range []string{"disaggregated", "aggregated"} {
		dir := filepath.Join(root, fmt.Sprintf("artifacts_%d", n), "-concurrency2")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{
			"../deployment_config.json": `{"kind": "k", "model": "m", "input_sequence_length": 30, "output_sequence_length": 50,
				"tensor_parallelism": 1, "data_parallelism": 2, "prefill_tensor_parallelism": 1, "prefill_data_parallelism": 1,
				"decode_tensor_parallelism": 1, "decode_data_parallelism": 1, "mode": "` + mode + `"}`,
			"profile_export_aiperf.json": `{"request_count": {"avg": 20}, "output_sequence_length": {"avg": 50},
				"time_to_first_token": {"avg": 9}, "inter_token_latency": {"avg": 9},
				"output_token_throughput": {"avg": 100}, "output_token_throughput_per_user": {"avg": 50, "count": 20},
				"input_config": ` + inputs[n] + `}`,
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	cells, errs := result.Tree(root)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return cells
}

// config is an input_config as aiperf 0.9 and later write it, old as 0.1.1 to 0.8 do.
func config(seed, requests, nvext string) string {
	return `{"endpoint": {"extra": {"max_tokens": 50, "ignore_eos": true` + nvext + `}},
		"datasets": [{"name": "main", "random_seed": ` + seed + `}],
		"phases": [{"name": "warmup", "requests": 4}, {"name": "profiling", "requests": ` + requests + `, "concurrency": 2}]}`
}

func old(seed, requests string) string {
	return `{"input": {"extra": [["max_tokens", 50], ["ignore_eos", true]], "random_seed": ` + seed + `},
		"loadgen": {"concurrency": 2, "request_count": ` + requests + `, "warmup_request_count": 4}}`
}

func TestSidesWithOtherPromptsAreNamed(t *testing.T) {
	for _, row := range []struct {
		why    string
		inputs [2]string
		want   string // in the warnings and the sentence; "" = nothing differs
	}{
		{"the same", [2]string{config("100", "20", ""), config("100", "20", "")}, ""},
		{"the same by two versions of aiperf", [2]string{config("100", "20", ""), old("100", "20")}, ""},
		{"seed", [2]string{config("104", "20", ""), config("100", "20", "")}, "seed 104 against 100"},
		{"seed, by two versions", [2]string{old("104", "20"), config("100", "20", "")}, "seed 104 against 100"},
		{"a body with nvext", [2]string{config("100", "20", `, "nvext": {"ignore_eos": true}`), config("100", "20", "")},
			`extra inputs ignore_eos:true, max_tokens:50, nvext:{"ignore_eos":true} against ignore_eos:true, max_tokens:50`},
	} {
		f, err := Of(tree(t, row.inputs), Options{})
		if err != nil {
			t.Fatal(err)
		}
		all := strings.Join(append(f.Sentences(), f.Warnings...), "\n")
		if row.want == "" {
			if strings.Contains(all, "against") || strings.Contains(all, "differ") {
				t.Errorf("%s: got %s", row.why, all)
			}
			continue
		}
		if !strings.Contains(f.Sentences()[0], row.want) || !strings.Contains(strings.Join(f.Warnings, "\n"), row.want) {
			t.Errorf("%s: got %s\nwant %q in the sentence and in a warning", row.why, all, row.want)
		}
		if f.Comparisons[0].Measured == nil {
			t.Errorf("%s: the number is marked, not refused: %s", row.why, all)
		}
	}
}

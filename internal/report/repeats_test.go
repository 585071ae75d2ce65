package report

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/verdict"
)

// repeat is a copy of cells as artifacts_n, with x and y scaled.
func repeat(cells []artifacts.Cell, n int, x, y float64) []artifacts.Cell {
	factors := map[string]float64{"output_token_throughput_per_user": x, "output_token_throughput": y}
	var copies []artifacts.Cell
	for _, c := range cells {
		c.N, c.Artifacts = n, fmt.Sprintf("artifacts_%d", n)
		metrics := map[string]aiperf.Metric{}
		for tag, metric := range c.Measurement.Metrics {
			scaled := map[string]float64{}
			for stat, v := range metric.Stats {
				scaled[stat] = v
				if factor, ok := factors[tag]; ok && stat != "count" {
					scaled[stat] = v * factor
				}
			}
			metrics[tag] = aiperf.Metric{Unit: metric.Unit, Stats: scaled}
		}
		c.Measurement.Metrics = metrics
		copies = append(copies, c)
	}
	return copies
}

// Pooling the launches would put only the faster one on the frontier: 1.02 x 145 / 80.
func TestTheRatioIsThatOfTheLaunches(t *testing.T) {
	first := curve("disaggregated", [][2]float64{{10, 200}, {45, 145}, {99, 20}})
	base := curve("aggregated", [][2]float64{{20, 90}, {45, 80}, {96, 10}})
	x := 45.0
	f, err := Of(slices.Concat(first, repeat(first, 1, 1, 1.02), repeat(base, 2, 1, 1)), Options{At: &x})
	if err != nil {
		t.Fatal(err)
	}
	m := f.Comparisons[0].Measured
	if m == nil || math.Abs(m.Ratio-math.Sqrt(1.02)*145/80) > 1e-9 {
		t.Fatalf("got %+v, %q, want the ratio %g", m, f.Sentences(), math.Sqrt(1.02)*145/80)
	}
	if want := "1.83x (no interval: 2 of 2 launches against 1 of 1, unpaired because artifacts_2 has no round; shared range 20.0 to 96.0 tok/s/user; interpolated)"; !strings.HasSuffix(f.Sentences()[0], want) {
		t.Errorf("got %q, want the end %q", f.Sentences()[0], want)
	}
	for _, r := range f.Rows {
		if !r.Efficient {
			t.Errorf("%s at concurrency %d: the mean is on the frontier, so every repeat of it is marked", r.Artifacts, r.Concurrency)
		}
	}
	drawn := f.Picture().Series[0]
	if len(drawn.Points) != 3 || drawn.Points[1].Y != f.Series[0].Points[1].Y.Mean || drawn.Name != "dynamo_vllm_disaggregated, mean of 2" {
		t.Errorf("the chart has %+v of 3 concurrencies measured twice", drawn)
	}
	table := string(written(t, f.Table))
	if want := "dynamo_vllm_disaggregated     2   45.0  0.0  146.4   2.05  *  2 of 2\n"; !strings.Contains(table, want) {
		t.Errorf("the table lacks the mean %q:\n%s", want, table)
	}
}

func TestAnInvalidRepeatIsNotAveraged(t *testing.T) {
	first := curve("aggregated", [][2]float64{{20, 90}, {45, 80}})
	second := repeat(first, 1, 2, 2)
	second[0].Verdict.State = verdict.Invalid
	f, err := Of(append(first, second...), Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := f.Series[0].Points
	if len(p) != 2 || p[0].X.N != 1 || p[0].X.Mean != 20 || p[1].X.N != 2 || p[1].X.Mean != 67.5 {
		t.Errorf("got %+v", p)
	}
	if f.Rows[2].Efficient || !f.Rows[3].Efficient {
		t.Errorf("only valid repeats carry the mark of their mean: %t, %t", f.Rows[2].Efficient, f.Rows[3].Efficient)
	}
	drawn := f.Picture().Series[0]
	if len(drawn.Points) != 3 || !drawn.Points[2].Hollow || drawn.Name != "vllm_serve_aggregated, mean of 1 to 2" {
		t.Errorf("two means and the ring of the invalid repeat: %+v", drawn)
	}
}

// A check that could not be made but does not exclude its cell is in table, CSV, JSON and sentence.
func TestNotedChecksAreCounted(t *testing.T) {
	for _, row := range []struct {
		noted [2][]verdict.CheckName
		want  string // "" = nothing
	}{
		{[2][]verdict.CheckName{{}, {}}, ""},
		{[2][]verdict.CheckName{{"gpu-users"}, {}}, "1 check could not be made: gpu-users"},
		{[2][]verdict.CheckName{{"gpu-users"}, {"in-flight", "gpu-users"}}, "2 checks could not be made: in-flight, gpu-users"},
	} {
		cells := []artifacts.Cell{at("disaggregated", 45, 145), at("aggregated", 45, 80)}
		for i, names := range row.noted {
			var checks []verdict.Check
			for _, name := range names {
				checks = append(checks, verdict.Check{Name: name, State: verdict.NotMade})
			}
			cells[i].Verdict = verdict.Sum(checks)
		}
		f, err := Of(cells, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Sentences()[0]; strings.Contains(got, "could not be made") != (row.want != "") || !strings.Contains(got, row.want) {
			t.Errorf("%v: got %q", row.noted, got)
		}
		if row.want == "" {
			continue
		}
		if !f.Rows[0].Efficient || f.Comparisons[0].Measured == nil {
			t.Errorf("%v: the cell is off the frontier", row.noted)
		}
		if got := unwrapped(written(t, f.Table)); !strings.Contains(got, "valid; 1 check could not be made: gpu-users\n") {
			t.Errorf("%v: table\n%s", row.noted, got)
		}
		lines := f.lines()
		if got := lines[1][slices.Index(lines[0], "noted")]; got != "gpu-users" {
			t.Errorf("%v: the CSV has %q", row.noted, got)
		}
		if got := strings.Join(strings.Fields(string(written(t, f.JSON))), " "); !strings.Contains(got, `"noted": [ "gpu-users" ]`) {
			t.Errorf("%v: the JSON lacks it", row.noted)
		}
		if !slices.Contains(f.Warnings, "dynamo_vllm_disaggregated: 1 check could not be made: gpu-users") {
			t.Errorf("%v: warnings %q", row.noted, f.Warnings)
		}
	}
}

// F-36: a sidecar of topobench names the checks. A note is not one that could not be made, and is named as well.
func TestChecksNotMadeComeFromTheSidecar(t *testing.T) {
	f, err := Of(tree(t, [2]string{config("100", "20", ""), config("100", "20", "")}, `{"valid": true, "state": "valid",
		"reasons": [], "checks": [{"name": "gpu-users", "state": "not-made", "detail": "NVML failed"},
		{"name": "kernel", "state": "not-made", "detail": "no permission"}, {"name": "cpu", "state": "note", "detail": "busy"}]}`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	const want = "2 checks could not be made: gpu-users, kernel"
	for form, got := range map[string]string{
		"sentence": strings.Join(f.Sentences(), "\n"),
		"warnings": strings.Join(f.Warnings, "\n"),
		"table":    unwrapped(written(t, f.Table)),
	} {
		if !strings.Contains(got, want) || !strings.Contains(got, "the client is the limit") {
			t.Errorf("the %s lack %q or the note:\n%s", form, want, got)
		}
	}
	if got := string(written(t, f.CSV)); strings.Count(got, ",gpu-users; kernel,the client is the limit,") != 2 {
		t.Errorf("the CSV lacks the names:\n%s", got)
	}
	if r := f.Rows[0]; r.State != verdict.Valid || !r.Efficient || !slices.Equal(r.Noted, []string{"gpu-users", "kernel"}) {
		t.Errorf("got %+v", r)
	}
	if f.Comparisons[0].Measured == nil || len(f.Comparisons[0].Noted) != 2 {
		t.Errorf("got %+v", f.Comparisons[0])
	}
}

func TestRecordedTreeWithARepeatReachesAsFarAsBothLaunches(t *testing.T) {
	cells, _ := artifacts.Tree(filepath.Join("testdata", "artifacts_root"))
	first := slices.DeleteFunc(slices.Clone(cells), func(c artifacts.Cell) bool { return c.N != 0 })
	f, err := Of(append(cells, repeat(first, 2, 1.02, 1.02)...), Options{})
	if err != nil {
		t.Fatal(err)
	}
	// 187.7 to 199.8 tok/s/user, and the same times 1.02: the launches share less than either has
	if got, want := f.Sentences()[0], "191.5 to 199.8 tok/s/user in each of 2 launches"; !strings.Contains(got, want) {
		t.Errorf("got %q, want the range %s", got, want)
	}
}

// tree writes artifacts_0, disaggregated, and artifacts_1, aggregated, with one cell each. Without a sidecar
// another program measured the cells.
func tree(t *testing.T, inputs [2]string, sidecar string) []artifacts.Cell {
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
			artifacts.SidecarName: sidecar,
		} {
			if text == "" {
				continue
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	cells, errs := artifacts.Tree(root)
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

// The traits of a setup that a deployment_config.json or an export gives.
func TestRepeatsWithAnotherSetupAreNotAveraged(t *testing.T) {
	type change = func(*artifacts.Cell)
	seed := func(n int) *int { return &n }
	extra := func(tokens string) map[string]string { return map[string]string{"max_tokens": tokens} }
	plan := func(fresh bool) *artifacts.Load {
		return &artifacts.Load{Seed: 100, FreshPrompts: fresh, Requests: 10, Warmup: 2}
	}
	for _, row := range []struct {
		why           string
		first, second change // to every cell
		want          string // "" = one frontier
	}{
		{"nothing", func(*artifacts.Cell) {}, func(*artifacts.Cell) {}, ""},
		{"seed", func(c *artifacts.Cell) { c.Measurement.Seed = seed(100) }, func(c *artifacts.Cell) { c.Measurement.Seed = seed(104) },
			"seed 100 (artifacts_0), 104 (artifacts_1)"},
		{"a seed that no file has is no difference", func(c *artifacts.Cell) { c.Measurement.Seed = seed(100) }, func(*artifacts.Cell) {}, ""},
		{"fresh prompts, by the plan", func(c *artifacts.Cell) { c.Deployment.Load = plan(false) }, func(c *artifacts.Cell) { c.Deployment.Load = plan(true) },
			"seed 100 (artifacts_0), 100 + concurrency (fresh prompts) (artifacts_1)"},
		{"fresh prompts, by the exports", func(c *artifacts.Cell) { c.Deployment.Load = plan(true) }, func(c *artifacts.Cell) {
			c.Measurement.Seed, c.Measurement.Requests, c.Measurement.Warmup = seed(100+c.Concurrency), 10*c.Concurrency, 2*c.Concurrency
		}, ""},
		{"requests", func(c *artifacts.Cell) { c.Measurement.Requests = 10 * c.Concurrency }, func(c *artifacts.Cell) { c.Measurement.Requests = 500 },
			"requests 10 x concurrency (artifacts_0), 500 (artifacts_1)"},
		{"warm-up", func(c *artifacts.Cell) { c.Measurement.Requests = 9 },
			func(c *artifacts.Cell) { c.Measurement.Requests, c.Measurement.Warmup = 9, c.Concurrency },
			"warm-up requests 0 x concurrency (artifacts_0), 1 x concurrency (artifacts_1)"},
		{"the export wins over the plan", func(c *artifacts.Cell) { c.Deployment.Load = plan(false) }, func(c *artifacts.Cell) {
			c.Deployment.Load, c.Measurement.Seed = plan(false), seed(104)
		}, "seed 100 (artifacts_0), 104 (artifacts_1)"},
		{"extra inputs", func(c *artifacts.Cell) { c.Measurement.Extra = extra("50") }, func(c *artifacts.Cell) { c.Measurement.Extra = extra("60") },
			"extra inputs max_tokens:50 (artifacts_0), max_tokens:60 (artifacts_1)"},
		{"arguments of aiperf", func(c *artifacts.Cell) { c.Deployment.Load = plan(false) }, func(c *artifacts.Cell) {
			c.Deployment.Load = plan(false)
			c.Deployment.Load.Args = []string{"--request-rate", "5"}
		}, "aiperf arguments none (artifacts_0), --request-rate 5 (artifacts_1)"},
		{"an engine setting", func(c *artifacts.Cell) {
			c.Deployment.Settings = map[string]string{"dtype": "auto", "block-size": "16"}
		},
			func(c *artifacts.Cell) {
				c.Deployment.Settings = map[string]string{"dtype": "auto", "block-size": "32"}
			},
			"block-size 16 (artifacts_0), 32 (artifacts_1)"},
		{"the version of the engine", func(c *artifacts.Cell) { c.Deployment.Settings = artifacts.Values{"engine": "vLLM 1"} },
			func(c *artifacts.Cell) { c.Deployment.Settings = artifacts.Values{"engine": "vLLM 2"} },
			"engine vLLM 1 (artifacts_0), vLLM 2 (artifacts_1)"},
		{"the model of the GPUs", func(c *artifacts.Cell) { c.Deployment.Machine = artifacts.Values{artifacts.GPUModel: "H100"} },
			func(c *artifacts.Cell) { c.Deployment.Machine = artifacts.Values{artifacts.GPUModel: "L40S"} },
			"GPU model H100 (artifacts_0), L40S (artifacts_1)"},
		{"variables, versions of others, power limit, host", func(c *artifacts.Cell) {
			c.Deployment.Variables, c.Deployment.Machine = artifacts.Values{}, artifacts.Values{"power limit": "700 W", "host": "a"}
		}, func(c *artifacts.Cell) {
			c.Deployment.Variables, c.Deployment.Machine = artifacts.Values{"NCCL_DEBUG": "INFO"}, artifacts.Values{"power limit": "500 W", "host": "b"}
		}, ""},
		{"as many GPUs, otherwise", func(c *artifacts.Cell) { c.Deployment.TP, c.Deployment.DP = 4, 2 },
			func(c *artifacts.Cell) { c.Deployment.TP, c.Deployment.DP = 8, 1 },
			"parallelism 4 x 2 (artifacts_0), 8 x 1 (artifacts_1)"},
		{"C26: as many GPUs, in stages", func(*artifacts.Cell) {},
			func(c *artifacts.Cell) {
				c.Deployment.Workers = []artifacts.Worker{{Role: "aggregated", PP: 2}, {Role: "aggregated", PP: 2}}
			},
			"parallelism 0 x 0 (artifacts_0), 0 x 0, aggregated in 2 stages (artifacts_1)"},
	} {
		first := curve("aggregated", [][2]float64{{20, 90}, {45, 80}})
		second := repeat(first, 1, 1, 1)
		for i := range first {
			row.first(&first[i])
			row.second(&second[i])
		}
		f, err := Of(slices.Concat(first, second, repeat(curve("disaggregated", [][2]float64{{20, 95}, {45, 85}}), 2, 1, 1)), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(f.Series[0].Mixed, "; "); got != row.want {
			t.Errorf("%s: got %q, want %q", row.why, got, row.want)
		}
		if (f.Comparisons[0].Measured == nil) != (row.want != "") || !strings.Contains(f.Sentences()[0], row.want) {
			t.Errorf("%s: got %q", row.why, f.Sentences()[0])
		}
	}
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
			`extra inputs nvext:{"ignore_eos":true} against none`},
	} {
		f, err := Of(tree(t, row.inputs, ""), Options{})
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
		if got := SettingsTable(f.Settings, f.Load); !strings.Contains(got, "load settings that differ") {
			t.Errorf("%s: the table above the cells has %q", row.why, got)
		}
		if got := string(written(t, f.JSON)); !strings.Contains(got, `"differ": [`+"\n        ") {
			t.Errorf("%s: the comparison in the JSON has no difference", row.why)
		}
		if f.Comparisons[0].Measured == nil {
			t.Errorf("%s: the number is marked, not refused: %s", row.why, all)
		}
	}
}

// Somebody renamed artifacts_1 of another root to artifacts_01: they are two launches, not one of each cell.
func TestLaunchesWithOneNumber(t *testing.T) {
	cells := curve("aggregated", [][2]float64{{96, 10}, {45, 80}, {20, 90}})
	again := repeat(cells, 1, 1, 1.02)
	for i := range again {
		again[i].Artifacts = "artifacts_01"
	}
	mixed := slices.Concat(repeat(cells, 1, 1, 1), again)
	slices.SortStableFunc(mixed, func(a, b artifacts.Cell) int { return a.Concurrency - b.Concurrency }) // as Tree does
	s := facts(t, mixed, Options{}).Series[0]
	if n := s.counted(); n != 2 || s.Points[0].Y.N != 2 || len(s.each[0].points) != 3 {
		t.Errorf("got %d launches, %+v, want 2 of 3 cells", n, s.Points)
	}
}

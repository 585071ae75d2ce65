package report

import (
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/artifacts"
)

// loaded is a cell of artifacts_n with a setup.
func loaded(mode string, n int, s Setup) artifacts.Cell {
	c := at(mode, 10, 10)
	c.N, c.Artifacts, c.GPUs = n, "artifacts_"+string(rune('0'+n)), s.GPUs
	c.Deployment.Model, c.Deployment.ISL, c.Deployment.OSL = s.Model, s.ISL, s.OSL
	return c
}

func TestOnlyEqualLoadsAreCompared(t *testing.T) {
	base := Setup{Model: "other/Model-70B", ISL: 3000, OSL: 150, GPUs: 8}
	for _, row := range []struct {
		why  string
		with Setup
		want string // of the reason; empty: there is a number
	}{
		{"the same", base, ""},
		{"GPUs may differ: throughput is divided by them", Setup{Model: "other/Model-70B", ISL: 3000, OSL: 150, GPUs: 4}, ""},
		{"isl", Setup{Model: "other/Model-70B", ISL: 300, OSL: 150, GPUs: 8}, "isl 300 against 3000"},
		{"osl", Setup{Model: "other/Model-70B", ISL: 3000, OSL: 50, GPUs: 8}, "osl 50 against 150"},
		{"model", Setup{Model: "ti\x1b[1mny", ISL: 3000, OSL: 150, GPUs: 8}, "model tiny against other/Model-70B"},
		{"all", Setup{Model: "tiny", ISL: 300, OSL: 50, GPUs: 4}, "isl 300 against 3000, osl 50 against 150, model tiny against other/Model-70B"},
	} {
		f, err := Of([]artifacts.Cell{loaded("disaggregated", 0, row.with), loaded("aggregated", 1, base)}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := f.Comparisons[0]
		if (got.Measured != nil) != (row.want == "") {
			t.Errorf("%s: measured %v", row.why, got.Measured)
		}
		want := "no number for dynamo_vllm_disaggregated against vllm_serve_aggregated: different loads: " + row.want
		if row.want != "" && got.Sentence != want {
			t.Errorf("%s:\n got %s\nwant %s", row.why, got.Sentence, want)
		}
		if f.Series[0].Setup != row.with || f.Series[1].Setup != base { // no file has seed or requests
			t.Errorf("%s: the series have %+v and %+v", row.why, f.Series[0].Setup, f.Series[1].Setup)
		}
	}
}

func TestArtifactsThatDifferHaveNoFrontier(t *testing.T) {
	first := Setup{Model: "tiny", ISL: 300, OSL: 50, GPUs: 8}
	for _, row := range []struct {
		why    string
		second Setup
		want   string // empty: one frontier
	}{
		{"a repeat", first, ""},
		{"gpus", Setup{Model: "tiny", ISL: 300, OSL: 50, GPUs: 4}, "gpus 8 (artifacts_0 artifacts_2), 4 (artifacts_1)"},
		{"two traits", Setup{Model: "big", ISL: 30, OSL: 50, GPUs: 8}, "isl 300 (artifacts_0 artifacts_2), 30 (artifacts_1); model tiny (artifacts_0 artifacts_2), big (artifacts_1)"},
		{"osl", Setup{Model: "tiny", ISL: 300, OSL: 5, GPUs: 8}, "osl 50 (artifacts_0 artifacts_2), 5 (artifacts_1)"},
	} {
		for _, mode := range []string{"aggregated", "disaggregated"} { // as the baseline, and as the other
			other := map[string]string{"aggregated": "disaggregated", "disaggregated": "aggregated"}[mode]
			f, err := Of([]artifacts.Cell{loaded(mode, 0, first), loaded(mode, 1, row.second), loaded(mode, 2, first), loaded(other, 3, first)}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			checkMixed(t, f, row.why, row.want)
		}
	}
}

// checkMixed looks at the first three rows, which are one series.
func checkMixed(t *testing.T, f Facts, why, want string) {
	t.Helper()
	one := want == ""
	for i, r := range f.Rows {
		if r.Efficient != (one || i == 3) {
			t.Errorf("%s: row %d efficient: %t", why, i, r.Efficient)
		}
	}
	i := slices.IndexFunc(f.Series, func(s Series) bool { return s.Cells == 3 })
	s, drawn := f.Series[i], f.Picture().Series[i].Points
	points := map[bool]int{true: 1, false: 3}[one] // the mean, or each cell
	if len(drawn) != points || drawn[0].Hollow || drawn[0].Frontier != one {
		t.Errorf("%s: drawn %+v", why, drawn)
	}
	if lines, err := csv.NewReader(strings.NewReader(string(written(t, f.CSV)))).ReadAll(); err != nil || len(lines) != 5 {
		t.Errorf("%s: %d lines of CSV: %v", why, len(lines), err)
	}
	if (f.Comparisons[0].Measured != nil) != one || len(f.Warnings) != 1 {
		t.Fatalf("%s: measured %v, warnings %q", why, f.Comparisons[0].Measured, f.Warnings)
	}
	if one {
		return
	}
	if s.Setup != (Setup{}) || s.Valid != 3 {
		t.Errorf("%s: the series has %+v", why, s)
	}
	warning := s.Label + " is one series made of artifacts that are not comparable: " + want +
		": it has no frontier and no comparison; give each its own deployment kind"
	sentence := "no number for dynamo_vllm_disaggregated against vllm_serve_aggregated: " + s.Label + " has no frontier, its artifacts differ: " + want
	if diff := cmp.Diff([]string{warning, sentence}, []string{f.Warnings[0], f.Comparisons[0].Sentence}); diff != "" {
		t.Errorf("%s: %s", why, diff)
	}
}

func TestBaselineWithoutACellIsReported(t *testing.T) {
	f, err := Of([]artifacts.Cell{at("aggregated", 1, 1), at("disaggregated", 1, 1)}, Options{Baseline: "other_aggregated"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"no number: the baseline other_aggregated has no cell"}, f.Sentences()); diff != "" {
		t.Error(diff)
	}
	if f.Comparisons[0].Measured != nil {
		t.Error("there is a number against nothing")
	}
}

func TestStatisticIsNamed(t *testing.T) {
	cells := []artifacts.Cell{at("aggregated", 1, 80), at("disaggregated", 1, 160)}
	for i := range cells {
		cells[i].Measurement.Metrics["output_token_throughput_per_user"].Stats["p99"] = 103.8
	}
	f, err := Of(cells, Options{Stat: "p99"})
	if err != nil {
		t.Fatal(err)
	}
	want := "at 103.8 tok/s/user (p99) dynamo_vllm_disaggregated gives 160.0 and vllm_serve_aggregated 80.0 tokens/s/gpu: "
	if got := f.Sentences()[0]; !strings.HasPrefix(got, want) {
		t.Errorf("got %s\nwant %s", got, want)
	}
	want = `
                                 tok/s
                                 /user  tok/s    TTFT     ITL
series                     conc    p99   /gpu  ms p99  ms p99  *  valid
`
	if table := "\n" + string(written(t, f.Table)); !strings.HasPrefix(table, want) {
		t.Errorf("the header of the table is not %s\n%s", want, table)
	}
}

func TestSettingsTable(t *testing.T) {
	side := func(name, block string) artifacts.Deployment {
		return artifacts.Deployment{Name: name, Settings: map[string]string{"block-size": block, "dtype": "default"}}
	}
	for _, row := range []struct {
		why   string
		sides []artifacts.Deployment
		want  string
	}{
		{"one side", []artifacts.Deployment{side("a", "16")}, ""},
		{"equal", []artifacts.Deployment{side("a", "16"), side("b", "16")}, "engine settings: the same on every side\n"},
		{"the difference, and only that", []artifacts.Deployment{side("disagg", "default"), side("agg", "128")},
			"engine settings that differ  disagg   agg\n  block-size                 default  128\n"},
		{"no control sequence", []artifacts.Deployment{side("a\x1b[2J", "1\t2\n"), side("b", "3")},
			"engine settings that differ  a    b\n  block-size                 1 2  3\n"},
	} {
		if got := SettingsTable(artifacts.CompareSettings(row.sides), artifacts.Settings{}); got != row.want {
			t.Errorf("%s:\n%q\nwant\n%q", row.why, got, row.want)
		}
	}
}

// Variables, programs and machines are no settings of an engine, and stand under titles of their own.
func TestSettingsTableHasGroups(t *testing.T) {
	cell := func(n int, x string) artifacts.Cell {
		c := at("aggregated", 1, 1)
		c.N, c.Artifacts, c.Deployment.Name = n, "artifacts_"+x, "twice"
		c.Deployment.Settings, c.Deployment.Variables = artifacts.Values{"engine": "vLLM 0.12.0"}, artifacts.Values{"LD_PRELOAD": x}
		c.Deployment.Programs, c.Deployment.Machine = artifacts.Values{"aiperf": "0." + x}, artifacts.Values{artifacts.GPUModel: "H" + x}
		if x == "0" {
			c.Deployment.Settings["gpu-memory-utilization"] = "0.95"
		}
		return c
	}
	f, err := Of([]artifacts.Cell{cell(0, "0"), cell(1, "1")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := `engine settings that differ        artifacts_0  artifacts_1
  gpu-memory-utilization           0.95         0.9 (default)
environment variables that differ  artifacts_0  artifacts_1
  LD_PRELOAD                       0            1
program versions that differ       artifacts_0  artifacts_1
  aiperf                           0.0          0.1
machines that differ               artifacts_0  artifacts_1
  GPU model                        H0           H1
`
	if diff := cmp.Diff(want, SettingsTable(f.Settings, artifacts.Settings{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A repeat that sets an argument to its default is the same configuration.
func TestADefaultThatIsSetRefusesNoFrontier(t *testing.T) {
	cell := func(n int, dtype string) artifacts.Cell {
		c := at("aggregated", 1, 1)
		c.N, c.Artifacts = n, "artifacts_"+string(rune('0'+n))
		c.Deployment.Settings, c.Deployment.Variables = artifacts.Values{"engine": "vLLM 0.31.0", "dtype": dtype}, artifacts.Values{}
		return c
	}
	for dtype, mixed := range map[string]int{"auto": 0, "half": 1} {
		f, err := Of([]artifacts.Cell{cell(0, "default"), cell(1, dtype)}, Options{})
		if err != nil || len(f.Series[0].Mixed) != mixed {
			t.Errorf("%s: mixed %q, %v", dtype, f.Series[0].Mixed, err)
		}
	}
}

// Equal engine settings are not announced beside a load that differs.
func TestTheSameIsReportedOnlyIfNothingDiffers(t *testing.T) {
	engines := func(block string) artifacts.Settings {
		return artifacts.CompareSettings([]artifacts.Deployment{{Name: "a", Settings: map[string]string{"block-size": "16"}},
			{Name: "b", Settings: map[string]string{"block-size": block}}})
	}
	loads := func(seed string) artifacts.Settings {
		return loadSettings([]Series{{Label: "x", Setup: Setup{Model: "m", Seed: "100"}}, {Label: "y", Setup: Setup{Model: "m", Seed: seed}}})
	}
	for _, row := range []struct {
		why           string
		engines, load artifacts.Settings
		want          string
	}{
		{"nothing differs", engines("16"), loads("100"), "engine settings: the same on every side\n" +
			"load settings: the same on every side (not recorded: requests, warm-up requests, extra inputs, aiperf arguments)\n"},
		{"the load differs", engines("16"), loads("104"), "load settings that differ  x    y\n  seed                     100  104\n"},
		{"the engines differ", engines("32"), loads("100"), "engine settings that differ  a   b\n  block-size                 16  32\n"},
		{"no file has a side's seed", engines("16"), loads(""), "load settings that differ  x    y\n  seed                     100  ?\n"},
	} {
		if got := SettingsTable(row.engines, row.load); got != row.want {
			t.Errorf("%s:\n%s\nwant\n%s", row.why, got, row.want)
		}
	}
}

// The sides come from the deployment_config.json beside the cells, once each.
func TestFactsHaveTheSettingsOfTheirTopologies(t *testing.T) {
	cell := func(n int, name, block string) artifacts.Cell {
		c := at("aggregated", 1, 1)
		c.N, c.Artifacts = n, fmt.Sprintf("artifacts_%d", n)
		c.Deployment.Name, c.Deployment.Settings = name, map[string]string{"block-size": block}
		return c
	}
	f, err := Of([]artifacts.Cell{cell(1, "b", "128"), cell(0, "a", "16"), cell(1, "b", "128")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if s := f.Settings; len(s.Sides) != 2 || s.Sides[0].Name != "a" || s.Sides[1].Name != "b" || len(s.Differ) != 1 {
		t.Errorf("settings %+v", s)
	}
	if text := string(written(t, f.JSON)); !strings.Contains(text, `"block-size": "128"`) {
		t.Errorf("the JSON lacks them:\n%s", text)
	}
}

// The cells of a topology that failed have no export. Its load is known from the plan.
func TestAFailedCellHasThePlannedLoad(t *testing.T) {
	cell := func(mode string, err error) artifacts.Cell {
		c := at(mode, 10, 10)
		c.Err, c.Deployment.Load = err, &artifacts.Load{Seed: 100, Requests: 10, Warmup: 2, Extra: []string{"ignore_eos:true"}}
		return c
	}
	f, err := Of([]artifacts.Cell{cell("aggregated", nil), cell("disaggregated", errors.New("no export"))}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := Setup{Seed: "100", Requests: "10 x concurrency", Warmup: "2 x concurrency", Extra: "ignore_eos:true", Args: "none",
		GPUs: 2}
	for _, s := range f.Series {
		if diff := cmp.Diff(want, s.Setup); diff != "" {
			t.Errorf("%s (-want +got): %s", s.Label, diff)
		}
	}
	if len(f.Load.Differ) > 0 {
		t.Errorf("the loads differ: %q", f.Load.Differ)
	}
}

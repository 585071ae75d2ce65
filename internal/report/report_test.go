package report

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/verdict"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing")

// golden compares with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", path, diff)
	}
}

// recorded is the tree of real exports, with one cell that failed in part and one that was cut off.
func recorded(t *testing.T, o Options) Facts {
	t.Helper()
	cells, errs := artifacts.Tree(filepath.Join("testdata", "artifacts_root"))
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	slices.Reverse(cells) // the order of rows must not come from the caller
	f, err := Of(cells, o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func written(t *testing.T, write func(io.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestFormsOfRecordedTree(t *testing.T) {
	for suffix, o := range map[string]Options{"": {}, "_p50": {Stat: "p50", Title: "Recorded"}} {
		f := recorded(t, o)
		golden(t, "results"+suffix+".csv", written(t, f.CSV))
		golden(t, "facts"+suffix+".json", written(t, f.JSON))
		golden(t, "table"+suffix+".txt", written(t, f.Table))
		golden(t, "sentences"+suffix+".txt", []byte(strings.Join(slices.Concat(f.Sentences(), f.Warnings), "\n")+"\n"))
	}
}

// at makes a cell of a label's mode at a point.
func at(mode string, x, y float64) artifacts.Cell {
	kinds := map[string]string{"aggregated": "vllm_serve", "disaggregated": "dynamo_vllm"}
	return artifacts.Cell{
		Artifacts: "artifacts_0", Concurrency: 1, Path: "export.json", GPUs: 2,
		Deployment: artifacts.Deployment{Kind: kinds[mode], Mode: mode},
		Measurement: aiperf.Measurement{Metrics: map[string]aiperf.Metric{
			"output_token_throughput_per_user": {Stats: map[string]float64{"avg": x}},
			"output_token_throughput":          {Stats: map[string]float64{"avg": 2 * y}},
		}},
		Verdict: verdict.Verdict{State: verdict.Valid},
	}
}

func TestFrontierIsPerLabelOverValidCells(t *testing.T) {
	invalid, unchecked := at("aggregated", 99, 99), at("aggregated", 98, 98)
	invalid.Verdict, invalid.Concurrency = verdict.Verdict{State: verdict.Invalid, Reasons: []string{"a", "b\n\x1b[31m"}}, 4
	unchecked.Verdict.State, unchecked.Concurrency = verdict.Unchecked, 8
	unread := artifacts.Cell{Artifacts: "artifacts_0", Deployment: invalid.Deployment, Err: errors.New("no such file"), Concurrency: 16, GPUs: 2}
	dominated, other := at("aggregated", 5, 5), at("disaggregated", 1, 1)
	best, equal := at("aggregated", 10, 10), at("aggregated", 10, 10)
	equal.Concurrency, dominated.Concurrency, other.Concurrency = 2, 3, 3

	f, err := Of([]artifacts.Cell{best, equal, dominated, other, invalid, unchecked, unread}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var efficient []bool
	var reasons []string
	for _, r := range f.Rows {
		efficient, reasons = append(efficient, r.Efficient), append(reasons, strings.Join(r.Reasons, "|"))
	}
	if diff := cmp.Diff([]bool{true, true, false, true, false, false, false}, efficient); diff != "" {
		t.Error("equal points stay, the dominated one goes, invalid and unchecked ones never count:", diff)
	}
	if diff := cmp.Diff([]string{"", "", "", "", "a|b ", "", "no such file"}, reasons); diff != "" {
		t.Error("the reasons stand on one line:", diff)
	}
	if n := len(f.Rows[6].Numbers); n != 0 {
		t.Errorf("a cell that cannot be read has %d numbers", n)
	}
	aggregated := f.Picture().Series[0]
	if n := len(aggregated.Points); n != 5 {
		t.Errorf("%d points drawn: the invalid and the unchecked one are drawn, the one that has no numbers is not", n)
	}
	if !aggregated.Points[3].Hollow || !aggregated.Points[4].Hollow || aggregated.Points[0].Hollow {
		t.Errorf("the hollow points are exactly those that are not valid: %+v", aggregated.Points)
	}
}

func TestWarnings(t *testing.T) {
	invalid, second, bare := at("aggregated", 9, 9), at("aggregated", 1, 2), at("aggregated", 1, 2)
	invalid.Verdict.State, invalid.Concurrency = verdict.Invalid, 4
	second.Artifacts, second.N = "artifacts_7", 7
	delete(bare.Measurement.Metrics, "output_token_throughput_per_user")
	twice := invalid
	twice.Path = "-concurrency4.old/export.json"
	f, err := Of([]artifacts.Cell{invalid, twice, second, bare}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"artifacts_0, artifacts_7", "2 of 4 cells (concurrency 4) occur more than once in one artifacts_N", "2 of 4 cells (concurrency 4) are invalid", "1 of 4 cells (concurrency 1) is not drawn, for lack of output_token_throughput_per_user_avg"} {
		if !strings.Contains(f.Warnings[i], want) {
			t.Errorf("warning %d is %q, without %q", i, f.Warnings[i], want)
		}
	}
}

// A cell of a restarted topology met an empty prefix cache; every form reports it.
func TestRelaunchIsReported(t *testing.T) {
	first, second := at("aggregated", 9, 9), at("aggregated", 1, 2)
	second.Concurrency = 4
	second.Verdict.Checks = []verdict.Check{{Name: verdict.Relaunched, State: verdict.Valid, Detail: "on a restarted topology"}}
	f, err := Of([]artifacts.Cell{first, second}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	lines := f.lines()
	column := slices.Index(lines[0], "launch")
	if column < 0 || lines[1][column] != "1" || lines[2][column] != "2" {
		t.Errorf("got %q", lines)
	}
	want := "vllm_serve_aggregated: 1 of 2 cells (concurrency 4) was measured after a restart of the topology, with an empty prefix cache"
	if !slices.Contains(f.Warnings, want) {
		t.Errorf("got %q", f.Warnings)
	}
	text := string(written(t, f.JSON))
	for _, part := range []string{want, `"launch": 1`, `"launch": 2`} {
		if !strings.Contains(text, part) {
			t.Errorf("the JSON lacks %q", part)
		}
	}
	if f, err = Of([]artifacts.Cell{first}, Options{}); err != nil || len(f.Warnings) > 0 {
		t.Errorf("no restart: %v %q", err, f.Warnings)
	}
}

func TestVersionsOfAIPerfAreReported(t *testing.T) {
	by := func(version, dir string) artifacts.Cell {
		c := at("aggregated", 9, 9)
		c.Measurement.AIPerf, c.Artifacts = version, dir
		return c
	}
	unread := artifacts.Cell{Deployment: by("", "").Deployment, Err: errors.New("no such file"), Artifacts: "artifacts_0"}
	for _, row := range []struct {
		why   string
		cells []artifacts.Cell
		want  string // "" = no warning
	}{
		{"one version", []artifacts.Cell{by("0.13.0", "artifacts_0"), by("0.13.0", "artifacts_0")}, ""},
		{"a cell without numbers was measured by none", []artifacts.Cell{by("0.13.0", "artifacts_0"), unread}, ""},
		{"two", []artifacts.Cell{by("0.12.0", "artifacts_0"), by("0.13.0", "artifacts_0")},
			"several versions of aiperf measured the cells: 0.12.0 (artifacts_0), 0.13.0 (artifacts_0): versions differ in what they count"},
		{"an early one", []artifacts.Cell{by("", "artifacts_0"), by("0.13.0", "artifacts_1")},
			"several versions of aiperf measured the cells: an early version (artifacts_0), 0.13.0 (artifacts_1): versions differ in what they count"},
	} {
		f, err := Of(row.cells, Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := slices.DeleteFunc(f.Warnings, func(w string) bool { return !strings.Contains(w, "aiperf") })
		if got := strings.Join(got, "\n"); got != row.want {
			t.Errorf("%s: %q, want %q", row.why, got, row.want)
		}
	}
}

func TestOrderOfSeries(t *testing.T) {
	first, second := at("aggregated", 1, 1), at("disaggregated", 1, 1)
	second.Artifacts, second.N = "artifacts_1", 1
	cells := []artifacts.Cell{second, first}
	for _, row := range []struct {
		why   string
		order []string
		want  []string
	}{
		{"without an order the labels stand as they come", nil, []string{"vllm_serve_aggregated", "dynamo_vllm_disaggregated"}},
		{"the order of the profiles wins; other labels follow", []string{"gone", "dynamo_vllm_disaggregated"},
			[]string{"dynamo_vllm_disaggregated", "vllm_serve_aggregated"}},
	} {
		f, err := Of(cells, Options{Order: row.order})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range f.Picture().Series {
			got = append(got, s.Name)
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Error(row.why, diff)
		}
	}
}

func TestWrongOptionsNameTheChoices(t *testing.T) {
	cells := []artifacts.Cell{at("aggregated", 1, 1)}
	if _, err := Of(cells, Options{Stat: "p51"}); err == nil || !strings.Contains(err.Error(), "avg min max p1 p5 p10 p25 p50 p75 p90 p95 p99") {
		t.Errorf("an unknown statistic: %v", err)
	}
}

func TestNoCells(t *testing.T) {
	f, err := Of(nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"title":"Pareto - Single Node","stat":"avg","x":"user","rows":[],"series":[],"comparisons":[],"warnings":[],"skipped":[],"settings":{"sides":[],"differ":[]},"load":{"sides":[],"differ":[]},"slo":"","beyond_slo":[]}`
	got := strings.Join(strings.Fields(string(written(t, f.JSON))), "")
	if got != strings.ReplaceAll(want, " ", "") {
		t.Errorf("empty lists are lists: %s", got)
	}
}

func TestJSONRefusesNaN(t *testing.T) {
	f := Facts{Rows: []Row{{Numbers: map[string]float64{"x": math.NaN()}}}}
	if err := f.JSON(io.Discard); err == nil {
		t.Error("NaN was written")
	}
}

package report

import (
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
)

// field is one field of a CSV line by the name of its column.
func field(t *testing.T, f Facts, row int, column string) string {
	t.Helper()
	lines, err := csv.NewReader(strings.NewReader(string(written(t, f.CSV)))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.Index(lines[0], column)
	if i < 0 {
		t.Fatalf("no column %s in %v", column, lines[0])
	}
	return lines[row+1][i]
}

func TestSteadyStateAndLockstepComeFromTheSidecar(t *testing.T) {
	inputs := [2]string{config("100", "20", ""), config("100", "20", "")}
	f, err := Of(tree(t, inputs, `{"valid": true, "state": "valid", "reasons": [], "records": {"requests": 20, "seconds": 10,
		"output_token_throughput": 100, "steady_state": {"least_in_flight": 8, "seconds": 6.5, "output_token_throughput": 125},
		"lockstep": {"waves": 2, "ramped": 2, "ttft_ramp": 1.75}},
		"checks": [{"name": "steady-state", "state": "note", "detail": "+25 %"}, {"name": "lockstep", "state": "note", "detail": "1.75"}]}`),
		Options{})
	if err != nil {
		t.Fatal(err)
	}
	for column, want := range map[string]string{"steady_output_token_throughput": "125.0", "steady_seconds": "6.5", "ttft_ramp": "1.75"} {
		if got := field(t, f, 1, column); got != want {
			t.Errorf("%s: %q, want %s", column, got, want)
		}
	}
	for form, got := range map[string]string{"sentence": f.Sentences()[0], "table": unwrapped(written(t, f.Table)),
		"warnings": strings.Join(f.Warnings, "\n"), "notes": field(t, f, 0, "notes")} {
		if !strings.Contains(got, "another throughput in steady state") || !strings.Contains(got, "TTFT of requests in lockstep") {
			t.Errorf("the %s lack the notes:\n%s", form, got)
		}
	}
	without, err := Of(tree(t, inputs, `{"valid": true, "state": "valid", "reasons": [], "checks": [], "records": null}`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := field(t, without, 0, "ttft_ramp"); got != "" || without.Rows[0].cell.Records != nil {
		t.Errorf("a cell without records has %q", got)
	}
}

// p90 needs 10 requests and p99 100: one of them must be beyond it.
func TestPercentilesOfTooFewRequests(t *testing.T) {
	for _, row := range []struct {
		stat      string
		completed float64
		blank     bool
	}{
		{"p90", 10, false}, {"p90", 9, true}, {"p99", 100, false}, {"p99", 99, true}, {"p95", 20, false}, {"p95", 19, true},
		{"p50", 2, false}, {"p50", 1, true}, {"p10", 10, false}, {"p10", 9, true}, {"p1", 99, true}, {"avg", 1, false},
		{"max", 1, false},
	} {
		cell := at("aggregated", 50, 10)
		cell.Measurement.Metrics["request_count"] = aiperf.Metric{Stats: map[string]float64{"avg": row.completed}}
		for _, tag := range []string{"output_token_throughput_per_user", "time_to_first_token", "inter_token_latency"} {
			cell.Measurement.Metrics[tag] = aiperf.Metric{Stats: map[string]float64{row.stat: 7777}}
		}
		f, err := Of([]artifacts.Cell{cell}, Options{Stat: row.stat})
		if err != nil {
			t.Fatal(err)
		}
		column := "time_to_first_token_" + row.stat
		table, marked := string(written(t, f.Table)), field(t, f, 0, "percentiles_without_evidence")
		if strings.Contains(marked, column) != row.blank || (field(t, f, 0, column) == "") {
			t.Errorf("%s of %g requests: the CSV marks %q", row.stat, row.completed, marked)
		}
		if shown := strings.Contains(table, "7777"); shown == row.blank {
			t.Errorf("%s of %g requests: want blank: %t\n%s", row.stat, row.completed, row.blank, table)
		}
		if warned := strings.Contains(strings.Join(f.Warnings, "\n"), "blank in the table"); warned != row.blank {
			t.Errorf("%s of %g requests: %v", row.stat, row.completed, f.Warnings)
		}
	}
}

// The axes other than the guide's are percentiles too: a frontier of too few requests is reported.
func TestAxesOfTooFewRequests(t *testing.T) {
	for _, row := range []struct {
		x         string
		completed float64
		want      string // "" = no warning
	}{
		{"p90", 9, "fewer than the 10 requests that ITL p90 needs"}, {"p90", 10, ""},
		{"e2e", 9, "fewer than the 10 requests that e2e p10 needs"}, {"e2e", 10, ""}, {"user", 9, ""},
	} {
		cell := with(at("aggregated", 50, 10), "request_count", "avg", row.completed)
		cell = with(with(cell, "inter_token_latency", "p90", 20), e2e, "p10", 50)
		got := strings.Join(facts(t, []artifacts.Cell{cell}, Options{X: row.x}).Warnings, "\n")
		if strings.Contains(got, "fewer than") != (row.want != "") || !strings.Contains(got, row.want) {
			t.Errorf("--x %s of %g requests: got %q, want %q", row.x, row.completed, got, row.want)
		}
	}
}

// load.args of two sides: stated in the sentence and in the table of settings. A tree of others does not record them.
func TestSidesWithOtherArgumentsOfAIPerfAreNamed(t *testing.T) {
	side := func(mode string, n int, load *artifacts.Load) artifacts.Cell {
		c := loaded(mode, n, Setup{Model: "m", ISL: 30, OSL: 50, GPUs: 2})
		c.Deployment.Load = load
		return c
	}
	plan := func(args ...string) *artifacts.Load {
		return &artifacts.Load{Seed: 100, Requests: 10, Warmup: 2, Args: args}
	}
	for _, row := range []struct {
		why         string
		ours, other *artifacts.Load
		want        string // "" = no difference
	}{
		{"none", plan(), plan(), ""},
		{"the same in another order", plan("--a", "1", "-v"), plan("-v", "--a", "1"), ""},
		{"one side", plan("--request-rate", "5"), plan(), "aiperf arguments --request-rate 5 against none"},
		{"only what differs", plan("-v", "--request-rate", "5"), plan("-v"), "aiperf arguments --request-rate 5 against none"},
		{"a tree of another program", plan("--request-rate", "5"), nil, "aiperf arguments --request-rate 5 against not recorded"},
	} {
		f, err := Of([]artifacts.Cell{side("disaggregated", 0, row.ours), side("aggregated", 1, row.other)}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		sentence := f.Sentences()[0]
		if f.Comparisons[0].Measured == nil || strings.Contains(sentence, "aiperf arguments") != (row.want != "") ||
			!strings.Contains(sentence, row.want) {
			t.Errorf("%s: %s", row.why, sentence)
		}
		if row.want != "" && !strings.Contains(SettingsTable(f.Settings, f.Load), "\n  aiperf arguments ") {
			t.Errorf("%s: the settings are\n%s", row.why, SettingsTable(f.Settings, f.Load))
		}
	}
}

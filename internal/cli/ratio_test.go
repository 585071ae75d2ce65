package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"topobench/internal/artifacts"
	"topobench/internal/report"
	"topobench/internal/ui"
)

// rounds writes launches of both sides, with sidecars: the levels double from 1, and y of the other side is 1.5 times
// that of the baseline, in each round off by a little. With arms both sides are one profile.
func rounds(tb testing.TB, n, levels int, arms bool) (root string) {
	tb.Helper()
	root = tb.TempDir()
	write := func(path, text string) {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			tb.Fatal(err)
		}
	}
	for launch := range 2 * n {
		round, side := launch/2+1, (launch+launch/2)%2 // 0 1, 1 0, ...
		kind, mode, arm, gain := "vllm", "aggregated", "", 1.0
		switch {
		case arms:
			arm = "AB"[side : side+1]
		case side == 1:
			kind, mode, gain = "dynamo", "disaggregated", 1.5
		}
		gain *= 1 + 0.004*math.Sin(float64(7*launch))
		dir := filepath.Join(root, fmt.Sprintf("artifacts_%d", launch))
		write(filepath.Join(dir, artifacts.DeploymentName), fmt.Sprintf(`{"kind": %q, "mode": %q, "arm": %q, "round": %d,
			"model": "m", "input_sequence_length": 30, "output_sequence_length": 50, "tensor_parallelism": 1, "data_parallelism": 2,
			"prefill_tensor_parallelism": 1, "prefill_data_parallelism": 1, "decode_tensor_parallelism": 1,
			"decode_data_parallelism": 1, "machine": {"host": "node7"}}`, kind, mode, arm, round))
		for level := range levels {
			c := 1 << level
			x, y := 200/(1+float64(c)/40), 15*gain*float64(c)/(1+float64(c)/40)
			cell := filepath.Join(dir, artifacts.CellName(c))
			write(filepath.Join(cell, artifacts.SidecarName), `{"valid": true, "state": "valid", "reasons": [], "checks": []}`)
			write(filepath.Join(cell, "profile_export_aiperf.json"), fmt.Sprintf(`{"aiperf_version": "0.13.0", "request_count": {"unit": "requests", "avg": %d},
				"output_sequence_length": {"unit": "tokens", "avg": 50}, "time_to_first_token": {"unit": "ms", "avg": %g, "p50": 9},
				"inter_token_latency": {"unit": "ms", "avg": %g, "p50": 9}, "output_token_throughput": {"unit": "tokens/sec", "avg": %g},
				"output_token_throughput_per_user": {"unit": "tokens/sec/user", "avg": %g, "p50": 50}}`, 10*c, 40+x, 1000/x, 2*y, x))
		}
	}
	return root
}

func plotted(tb testing.TB, root string, args ...string) string {
	tb.Helper()
	var out, faults bytes.Buffer
	args = append([]string{"plot", "--artifacts-root-dir", root, "--out", root}, args...)
	if code := Main(args, &Env{Stdout: &out, Stderr: &faults}); code != codeOK {
		tb.Fatalf("exit %d\n%s%s", code, &out, &faults)
	}
	return out.String()
}

func TestPlotOfRounds(t *testing.T) {
	root := rounds(t, 4, 5, false)
	out := plotted(t, root, "--equivalence", "2%")
	for _, want := range []string{
		"dynamo_disaggregated against vllm_aggregated, tokens/s/gpu\n", " 4 of 4  1.5", "the frontiers do not cross\n",
		"95 % interval 1.49 to 1.5", ", 4 of 4 rounds; ", "interpolated): better\n", "wrote " + filepath.Join(root, "summary.csv"),
	} {
		if !strings.Contains(out, want) {
			t.Errorf("plot lacks %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, "warning: ") {
		t.Errorf("rounds of a run are no fault:\n%s", out)
	}
	table := out[strings.Index(out, "dynamo_disaggregated against"):]
	for line := range strings.Lines(table[:strings.Index(table, "cross")]) {
		if n := utf8.RuneCountInString(line); n > pageWidth {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	var facts struct {
		Comparisons []struct {
			Ratio      float64 `json:"ratio"`
			Low        float64 `json:"ratio_low"`
			High       float64 `json:"ratio_high"`
			Confidence float64 `json:"confidence"`
			Verdict    string  `json:"verdict"`
			Rounds     []struct{ Round, At, Baseline, Other, Ratio float64 }
		}
	}
	if err := json.Unmarshal([]byte(plotted(t, root, "--json")), &facts); err != nil {
		t.Fatal(err)
	}
	c := facts.Comparisons[0]
	if !(c.Low < c.Ratio && c.Ratio < c.High) || c.Confidence != 0.95 || c.Verdict != "better" || len(c.Rounds) != 4 || c.Rounds[3].Round != 4 {
		t.Errorf("got %+v", c)
	}
}

func TestPlotOfAnAA(t *testing.T) {
	out := plotted(t, rounds(t, 4, 5, true))
	for _, want := range []string{"vllm_aggregated (A)", "vllm_aggregated (B) gives ", "are not resolved on this node with 4 rounds"} {
		if !strings.Contains(out, want) {
			t.Errorf("plot lacks %q:\n%s", want, out)
		}
	}
}

// A run writes aa.json into its root; plot names it beside a ratio of the same node and work.
func TestPlotNamesTheAAOfItsRoot(t *testing.T) {
	aa, root := rounds(t, 4, 5, true), rounds(t, 2, 5, false)
	cells, faults := artifacts.Tree(aa)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	facts, err := report.Of(cells, report.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var printed bytes.Buffer
	if err := keepAA(ui.NewPrinter(&printed, func(string) string { return "" }), facts, root); err != nil {
		t.Fatal(err)
	}
	if want := "wrote " + filepath.Join(root, report.AAName) + "\n"; printed.String() != want {
		t.Errorf("got %q, want %q", &printed, want)
	}
	if out := plotted(t, root); !strings.Contains(out, "(A/A of vllm_aggregated on this node: differences below 0.") {
		t.Errorf("got:\n%s", out)
	}
	if err := os.WriteFile(filepath.Join(root, report.AAName), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	var out, broken bytes.Buffer // a broken file takes no chart away
	code := Main([]string{"plot", "--artifacts-root-dir", root, "--out", root}, &Env{Stdout: &out, Stderr: &broken})
	if code != codeOK || !strings.Contains(broken.String(), report.AAName) || strings.Contains(out.String(), "A/A") {
		t.Errorf("exit %d\n%s%s", code, &out, &broken)
	}
}

// 10 rounds of 9 levels of 2 labels, with sidecars. The goal is 0.3 s.
func BenchmarkPlotOfRounds(b *testing.B) {
	root := rounds(b, 10, 9, false)
	for b.Loop() {
		plotted(b, root)
	}
}

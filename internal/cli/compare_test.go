package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"topobench/internal/artifacts"
	"topobench/internal/journal"
	"topobench/internal/report"
)

// scaled writes a root of launches of one label, tok/s/gpu times each of the gains.
func scaled(t *testing.T, kind string, gains ...float64) (root string) {
	t.Helper()
	root = t.TempDir()
	for n, gain := range gains {
		launch(t, root, kind, n, gain)
	}
	return root
}

func launch(t *testing.T, root, kind string, n int, gain float64) {
	t.Helper()
	dir := filepath.Join(root, fmt.Sprintf("artifacts_%d", n))
	put(t, filepath.Join(dir, artifacts.DeploymentName), fmt.Sprintf(`{"kind": %q, "mode": "aggregated", "round": %d, "model": "m",
		"input_sequence_length": 30, "output_sequence_length": 50, "tensor_parallelism": 1, "data_parallelism": 2,
		"machine": {"host": "node7"}}`, kind, n+1))
	for _, c := range []int{1, 4, 16} {
		x, y := 200/(1+float64(c)/40), 15*gain*float64(c)/(1+float64(c)/40)
		cell := filepath.Join(dir, artifacts.CellName(c))
		put(t, filepath.Join(cell, artifacts.SidecarName), `{"valid": true, "state": "valid", "reasons": [], "checks": []}`)
		put(t, filepath.Join(cell, "profile_export_aiperf.json"), fmt.Sprintf(`{"aiperf_version": "0.13.0",
			"output_token_throughput": {"unit": "tokens/sec", "avg": %g},
			"output_token_throughput_per_user": {"unit": "tokens/sec/user", "avg": %g}}`, 2*y, x))
	}
}

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// compared runs compare, which ends with the code.
func compared(t *testing.T, code int, args ...string) (out, faults string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if got := Main(append([]string{"compare"}, args...), &Env{Stdout: &stdout, Stderr: &stderr}); got != code {
		t.Errorf("compare %q: exit %d, want %d\n%s%s", args, got, code, &stdout, &stderr)
	}
	return stdout.String(), stderr.String()
}

func TestCompareEndsWithTheResult(t *testing.T) {
	old, equal, bad := scaled(t, "vllm", 1, 1.01, 1), scaled(t, "vllm", 1.01, 1, 1), scaled(t, "vllm", 0.8, 0.81, 0.8)
	one, low := scaled(t, "vllm", 1), scaled(t, "vllm", 0.9)
	other, near := scaled(t, "dynamo", 1, 1.01), scaled(t, "vllm", 0.97, 0.96)
	for _, row := range []struct {
		why  string
		code int
		args []string
	}{
		{"equal", codeOK, []string{old, equal}},
		{"worse", codeWorse, []string{old, bad}},
		{"better", codeOK, []string{bad, old}},
		{"a larger loss is allowed", codeOK, []string{old, bad, "--max-loss", "30%"}},
		{"inconclusive", codePartial, []string{old, near}},
		{"one launch, equal", codeOK, []string{one, one}},
		{"one launch, below", codePartial, []string{one, low}},
		{"no label in common", codeFailed, []string{old, other}},
		{"a renamed label", codeOK, []string{old, other, "--as", "vllm_aggregated=dynamo_aggregated"}},
		{"out of reach", codeFailed, []string{old, equal, "--at", "5000"}},
		{"within reach", codeOK, []string{old, equal, "--at", "180"}},
		{"no such axis in the cells", codeFailed, []string{old, equal, "--x", "p90"}},
		{"no artifacts", codeFailed, []string{old, t.TempDir()}},
		{"no such directory", codeUsage, []string{old, filepath.Join(old, "none")}},
		{"no such label", codeUsage, []string{old, equal, "--as", "typo=vllm_aggregated"}},
		{"half a flag", codeUsage, []string{old, equal, "--as", "vllm_aggregated"}},
		{"no such label", codeUsage, []string{old, equal, "--only", "typo"}},
		{"a part", codeOK, []string{old, bad, "--max-loss", "0.3"}},
		{"no percentage", codeUsage, []string{old, equal, "--max-loss", "3x"}},
		{"all may be lost", codeUsage, []string{old, equal, "--max-loss", "100%"}},
		{"nothing to compare with", codeUsage, []string{old}},
		{"two things at once", codeUsage, []string{old, equal, "--save", filepath.Join(t.TempDir(), "b.json")}},
	} {
		t.Run(row.why, func(t *testing.T) { compared(t, row.code, row.args...) })
	}
}

func TestComparePrintsDifferencesFirst(t *testing.T) {
	old, bad := scaled(t, "vllm", 1, 1.01, 1), scaled(t, "vllm", 0.8, 0.81, 0.8)
	for n := range 3 {
		path := filepath.Join(bad, fmt.Sprintf("artifacts_%d", n), artifacts.DeploymentName)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		put(t, path, strings.Replace(string(data), "node7", "node8", 1))
	}
	out, _ := compared(t, codeWorse, old, bad)
	at := 0
	for _, want := range []string{"baseline: " + old + "\n  vllm_aggregated: artifacts_0 artifacts_1 artifacts_2 (9 of 9 cells valid)\n", "new: " + bad,
		"setup of vllm_aggregated: what differs\n", "  host  node7     node8\n", "\n\nat 169.0 tok/s/user vllm_aggregated gives ",
		"3 of 3 launches against 3 of 3; shared range", "): worse than the baseline by more than 3 %\n", "\n| label | ", "| worse |\n", "\nresult: worse (vllm_aggregated)\n"} {
		i := strings.Index(out[at:], want)
		if i < 0 {
			t.Fatalf("lacks %q in its place:\n%s", want, out)
		}
		at += i
	}
}

func TestCompareAsJSON(t *testing.T) {
	out, _ := compared(t, codeWorse, "--json", scaled(t, "vllm", 1, 1.01, 1), scaled(t, "vllm", 0.8, 0.81, 0.8))
	var a report.Against
	if err := json.Unmarshal([]byte(out), &a); err != nil {
		t.Fatal(err)
	}
	if p := a.Labels[0]; a.Result != report.WorseThan || !(*p.RatioLow < *p.Ratio && *p.Ratio < *p.RatioHigh) || *p.Confidence != 0.95 || a.MaxLoss != 0.03 {
		t.Errorf("got %s", out)
	}
}

// A saved baseline is the baseline on both sides of the command.
func TestCompareWithASavedBaseline(t *testing.T) {
	old, bad, path := scaled(t, "vllm", 1, 1.01, 1), scaled(t, "vllm", 0.8, 0.81, 0.8), filepath.Join(t.TempDir(), "baseline.json")
	out, _ := compared(t, codeOK, old, "--save", path)
	if !strings.Contains(out, "vllm_aggregated: artifacts_0 artifacts_1 artifacts_2 (9 of 9 cells valid)\nwrote "+path+"\n") {
		t.Errorf("got %s", out)
	}
	live, _ := compared(t, codeWorse, old, bad)
	first, _ := compared(t, codeWorse, path, bad)
	second, _ := compared(t, codeWorse, bad, path)
	if from := "baseline: " + path + " (saved from " + old + ")\n"; !strings.HasPrefix(first, from) || first != second ||
		strings.TrimPrefix(first, from) != strings.TrimPrefix(live, "baseline: "+old+"\n") {
		t.Errorf("got\n%s\nand\n%s\nand of the root\n%s", first, second, live)
	}
	compared(t, codeUsage, path, bad, "--x", "e2e", "--at", "nonsense")
	if _, faults := compared(t, codeFailed, bad, filepath.Join(old, "artifacts_0", artifacts.DeploymentName)); !strings.Contains(faults, "has no schema") {
		t.Errorf("got %s", faults)
	}
	if _, faults := compared(t, codeFailed, old, "--save", filepath.Join(old, "artifacts_0", artifacts.DeploymentName)); !strings.Contains(faults, "is no saved baseline") {
		t.Errorf("got %s", faults)
	}
	if _, faults := compared(t, codeFailed, t.TempDir(), "--save", path); faults == "" {
		t.Error("an empty root was saved")
	}
}

// A run is the artifacts_N that its journal names; the A/A of its root resolves what one launch cannot.
func TestCompareTwoRunsOfOneRoot(t *testing.T) {
	root := scaled(t, "vllm", 1, 0.9)
	run := func(id, names string) string {
		dir := filepath.Join(root, artifacts.StateDir, id)
		line := ""
		for i, name := range strings.Fields(names) {
			line += fmt.Sprintf(`{"seq":%d,"time":"2026-11-30T10:00:00Z","event":"launch-begin","topology":"a","round":1,"launch":1,"artifacts":%q}`, i+1, name) + "\n"
		}
		put(t, filepath.Join(dir, journal.Name), line)
		return dir
	}
	first, second, none := run("r1", "artifacts_0 artifacts_0"), run("r2", "artifacts_1"), run("r3", "")
	out, _ := compared(t, codePartial, first, second)
	if !strings.Contains(out, "baseline: "+first+"\n  vllm_aggregated: artifacts_0 (3 of 3 cells valid)\nnew: "+second+"\n  vllm_aggregated: artifacts_1 (3 of 3") ||
		!strings.Contains(out, ": one launch: not separable from noise; more launches of both") {
		t.Errorf("got %s", out)
	}
	if _, faults := compared(t, codePartial, first, second); !strings.Contains(faults, "run r1 has not ended: only its cells so far count\n") {
		t.Errorf("got %s", faults)
	}
	t.Chdir(first)
	compared(t, codePartial, ".", filepath.Join("..", "r2"))
	if _, faults := compared(t, codeFailed, first, none); !strings.Contains(faults, "cannot compare run r3: it launched no topology") {
		t.Errorf("got %s", faults)
	}
	campaign, err := report.CampaignOf(treeOf(t, root), root, "user", nil)
	if err != nil {
		t.Fatal(err)
	}
	setup := artifacts.Values{"isl": "30", "osl": "50", "model": "m"}
	aa := report.AA{Label: campaign.Labels[0].Label, Resolvable: 0.02, Rounds: 4, Host: "node7", Setup: setup}
	if err := report.KeepAA(root, []report.AA{aa}); err != nil {
		t.Fatal(err)
	}
	if out, _ := compared(t, codeWorse, first, second); !strings.Contains(out, "the A/A of vllm_aggregated on this node resolves 4 % between so few launches") {
		t.Errorf("got %s", out)
	}
}

// A root of two setups is no side; one of its runs may be.
func TestCompareNamesARootOfUnlikeLaunches(t *testing.T) {
	root := scaled(t, "vllm", 1, 1)
	path := filepath.Join(root, "artifacts_1", artifacts.DeploymentName)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	put(t, path, strings.Replace(string(data), `"model": "m"`, `"model": "n"`, 1))
	out, _ := compared(t, codeFailed, scaled(t, "vllm", 1), root)
	if !strings.Contains(out, "vllm_aggregated: its launches are unlike: name one run, ROOT/.topobench/RUN-ID\n") ||
		!strings.Contains(out, "no number for vllm_aggregated against vllm_aggregated (baseline): vllm_aggregated has no frontier, its artifacts differ: model m") {
		t.Errorf("got %s", out)
	}
	if _, faults := compared(t, codeFailed, root, "--save", filepath.Join(t.TempDir(), "b.json")); !strings.Contains(faults, "no label has a valid cell, or its launches are unlike") {
		t.Errorf("got %s", faults)
	}
}

func treeOf(t *testing.T, root string) []artifacts.Cell {
	t.Helper()
	cells, faults := artifacts.Tree(root)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return cells
}

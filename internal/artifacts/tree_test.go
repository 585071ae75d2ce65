package artifacts

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/aiperf"
	"topobench/internal/verdict"
)

const aggregated = `{"kind": "k", "model": "m", "input_sequence_length": 300, "output_sequence_length": 50,
	"tensor_parallelism": 2, "data_parallelism": 1, "mode": "aggregated"}`

// tree writes files below a new directory; the content "export N" is the
// recorded cell of concurrency N.
func tree(t testing.TB, files map[string]string) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "-concurrency7", "root") // upstream's script stumbles over such a parent
	for name, content := range files {
		if n, ok := strings.CutPrefix(content, "export "); ok {
			content = string(recorded(t, "artifacts_root", "artifacts_1", "-concurrency"+n, aiperf.ExportName))
		}
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// outline formats each cell as a line.
func outline(cells []Cell) []string {
	var lines []string
	for _, c := range cells {
		lines = append(lines, fmt.Sprintf("%s c%d %s %d GPUs %s %v", c.Artifacts, c.Concurrency, c.Deployment.Label(),
			c.GPUs, c.Verdict.State, c.Verdict.Reasons))
	}
	return lines
}

func TestTreeReadsARecordedRoot(t *testing.T) {
	cells, skipped := Tree("../aiperf/testdata/artifacts_root")
	if len(skipped) > 0 {
		t.Errorf("skipped: %v", skipped)
	}
	var want []string
	for n, label := range []string{"dynamo_vllm_disaggregated", "vllm_serve_aggregated"} {
		for _, c := range []int{1, 2, 4, 8} {
			want = append(want, fmt.Sprintf("artifacts_%d c%d %s 8 GPUs valid []", n, c, label))
		}
	}
	if diff := cmp.Diff(want, outline(cells)); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

func TestTreeFindsCellsAndNamesSkippedPaths(t *testing.T) {
	root := tree(t, map[string]string{
		"artifacts_10/" + DeploymentName:                                            aggregated,
		"artifacts_10/-concurrency8/" + aiperf.ExportName:                           "export 8",
		"artifacts_10/-concurrency8/phases/warmup/" + aiperf.ExportName:             "export 8",
		"artifacts_10/.topobench/-concurrency2/" + aiperf.ExportName:                "export 2",
		"artifacts_10/tiny-openai-chat-concurrency2/" + aiperf.ExportName:           "export 2",
		"artifacts_9/" + DeploymentName:                                             aggregated,
		"artifacts_9/-concurrency1/profile_export.jsonl":                            "{}",
		"artifacts_9/-concurrency2/" + aiperf.ExportName:                            `{"request_count"`,
		"artifacts_9/-concurrency4/" + aiperf.ExportName:                            "export 8",
		"artifacts_9/-concurrency16/phases/profiling/" + aiperf.ExportName:          "export 8",
		"artifacts_9/-concurrency8/profile_runs/-concurrency8/" + aiperf.ExportName: "export 8",
		"artifacts_9/lost/" + aiperf.ExportName:                                     "export 8",
		"artifacts_2/-concurrency1/" + aiperf.ExportName:                            "export 1",
		"artifacts_3/" + DeploymentName:                                             strings.Replace(aggregated, "2,", "0,", 1),
		"artifacts_4/" + DeploymentName:                                             strings.Replace(aggregated, "2,", `"2",`, 1),
		"artifacts_old/" + DeploymentName:                                           aggregated,
		"artifacts_-1/" + DeploymentName:                                            aggregated,
		"artifacts_10/-concurrency0/" + aiperf.ExportName:                           "export 1",
		"results.csv": "",
	})
	cells, skipped := Tree(root)
	want := []string{
		"artifacts_9 c1 k_aggregated 2 GPUs invalid [aiperf wrote no result (profile_export_aiperf.json); its log has the reason]",
		"artifacts_9 c2 k_aggregated 2 GPUs invalid [the file ends in the middle; its writer was probably stopped]",
		"artifacts_9 c4 k_aggregated 2 GPUs invalid [the cell is of concurrency 4, its export of 8]",
		"artifacts_9 c16 k_aggregated 2 GPUs invalid [aiperf wrote no result (profile_export_aiperf.json); its log has the reason]",
		"artifacts_10 c2 k_aggregated 2 GPUs valid []",
		"artifacts_10 c8 k_aggregated 2 GPUs valid []",
	}
	if diff := cmp.Diff(want, outline(cells)); diff != "" {
		t.Errorf("cells: want (-), got (+):\n%s", diff)
	}
	if !errors.Is(cells[0].Err, aiperf.ErrNoResult) || !errors.Is(cells[1].Err, aiperf.ErrTruncated) || cells[2].Err != nil {
		t.Errorf("got errors %v, %v, %v", cells[0].Err, cells[1].Err, cells[2].Err)
	}
	text := errors.Join(skipped...).Error()
	for _, want := range []string{
		"artifacts_2: it has no deployment_config.json", "artifacts_3: cannot count GPUs: tensor_parallelism 0",
		"/tensor_parallelism", "artifacts_old: its name does not end in a number",
		"-concurrency8/profile_runs/-concurrency8/profile_export_aiperf.json: its path names 2 concurrencies",
		"lost/profile_export_aiperf.json: its path names 0 concurrencies",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
	if len(skipped) != 8 {
		t.Errorf("got %d skipped, want 8:\n%s", len(skipped), text)
	}
}

func TestTreeFollowsALinkedTopology(t *testing.T) {
	root := tree(t, map[string]string{"other/" + DeploymentName: aggregated, "other/-concurrency2/" + aiperf.ExportName: "export 2"})
	if err := os.Symlink("other", filepath.Join(root, "artifacts_0")); err != nil {
		t.Fatal(err)
	}
	if cells, skipped := Tree(root); len(cells) != 1 || len(skipped) > 0 {
		t.Errorf("got %v, %v, want one cell", outline(cells), skipped)
	}
}

func TestTreeNamesALinkedCell(t *testing.T) {
	root := tree(t, map[string]string{"artifacts_0/" + DeploymentName: aggregated, "artifacts_0/-concurrency2/" + aiperf.ExportName: "export 2"})
	if err := os.Symlink("-concurrency2", filepath.Join(root, "artifacts_0", "-concurrency4")); err != nil {
		t.Fatal(err)
	}
	cells, skipped := Tree(root)
	if len(cells) != 1 || len(skipped) != 1 || !strings.Contains(skipped[0].Error(), "-concurrency4: it is a link") {
		t.Errorf("got %v, %v, want one cell, and the link named", outline(cells), skipped)
	}
}

func TestTreeReportsAnEmptyRoot(t *testing.T) {
	for _, root := range []string{t.TempDir(), filepath.Join(t.TempDir(), "none")} {
		if cells, errs := Tree(root); len(cells) != 0 || len(errs) != 1 {
			t.Errorf("got %v, %v, want one error", cells, errs)
		}
	}
}

// The run that measured a cell has judged it with evidence that is not in the files.
func TestOnlyCellsOfOtherProgramsAreJudged(t *testing.T) {
	partial := string(recorded(t, "partial-5-of-20-failed", "-concurrency2", aiperf.ExportName))
	for sidecar, want := range map[string]verdict.State{"": verdict.Invalid, `{"valid": true, "state": "valid", "reasons": [], "checks": []}`: verdict.Valid} {
		files := map[string]string{"artifacts_0/" + DeploymentName: aggregated, "artifacts_0/-concurrency2/" + aiperf.ExportName: partial}
		if sidecar != "" {
			files["artifacts_0/-concurrency2/"+SidecarName] = sidecar
		}
		cells, _ := Tree(tree(t, files))
		if got := cells[0].Verdict.State; got != want {
			t.Errorf("sidecar %q: got %s, want %s", sidecar, got, want)
		}
	}
}

func TestSidecarIsTheVerdict(t *testing.T) {
	rows := []struct {
		sentence, sidecar, export string
		want                      string
	}{
		{"valid stays valid", `{"valid": true, "state": "valid", "reasons": [], "checks": [{"name": "workers", "state": "valid", "detail": "8"}]}`, "2", "valid []"},
		{"the run has judged", `{"valid": false, "state": "invalid", "reasons": ["decode-1 died"], "checks": [{"name": "workers", "state": "invalid", "detail": "decode-1 died"}]}`, "2", "invalid [decode-1 died]"},
		{"a verdict without checks", `{"valid": false, "state": "invalid", "reasons": ["aiperf exited 1"]}`, "2", "invalid [aiperf exited 1]"},
		{"two reasons", `{"valid": false, "state": "invalid", "reasons": ["aiperf exited 1", "a worker died"]}`, "2", "invalid [aiperf exited 1 a worker died]"},
		{"only a flag, but valid", `{"valid": true}`, "2", "valid []"},
		{"only a flag", `{"valid": false}`, "2", "invalid [the run marked it invalid]"},
		{"unchecked", `{"valid": false, "state": "unchecked", "reasons": ["no counters"]}`, "2", "unchecked [no counters]"},
		{"a flag against its state", `{"valid": false, "state": "valid"}`, "2", "invalid [the run marked it invalid]"},
		{"an unknown state", `{"valid": true, "state": "great"}`, "2", "unchecked [the run marked it great]"},
		{"one check in both counts once", `{"valid": false, "state": "invalid", "reasons": ["15 of 20"], "checks": [{"name": "requests", "state": "invalid", "detail": "15 of 20"}]}`, "2", "invalid [15 of 20]"},
		{"it cannot make a wrong export valid", `{"valid": true, "state": "valid", "reasons": [], "checks": [{"name": "concurrency", "state": "valid", "detail": "2"}]}`, "8", "invalid [the cell is of concurrency 2, its export of 8]"},
	}
	for _, row := range rows {
		root := tree(t, map[string]string{"artifacts_0/" + DeploymentName: aggregated,
			"artifacts_0/-concurrency2/" + aiperf.ExportName: "export " + row.export,
			"artifacts_0/-concurrency2/" + SidecarName:       row.sidecar})
		cells, _ := Tree(root)
		v := cells[0].Verdict
		if got := fmt.Sprintf("%s %v", v.State, v.Reasons); got != row.want {
			t.Errorf("%s: got %s, want %s", row.sentence, got, row.want)
		}
	}
}

func TestABrokenSidecarMakesACellUnchecked(t *testing.T) {
	for _, broken := range []string{"", "{", `{}`, `{"valid": "yes"}`, `{"valid": true, "valid": false}`, `[]`} {
		root := tree(t, map[string]string{"artifacts_0/" + DeploymentName: aggregated,
			"artifacts_0/-concurrency2/" + aiperf.ExportName: "export 2", "artifacts_0/-concurrency2/" + SidecarName: broken})
		cells, _ := Tree(root)
		if v := cells[0].Verdict; v.State != verdict.Unchecked || len(v.Reasons) != 1 {
			t.Errorf("%q: got %s %v", broken, v.State, v.Reasons)
		}
	}
}

// BenchmarkTree reads 1,000 cells of a recorded export: 42 KB each.
func BenchmarkTree(b *testing.B) {
	export := string(recorded(b, "artifacts_root", "artifacts_1", "-concurrency8", aiperf.ExportName))
	files := map[string]string{}
	for n := range 100 {
		files[fmt.Sprintf("artifacts_%d/%s", n, DeploymentName)] = aggregated
		for r := range 10 {
			files[fmt.Sprintf("artifacts_%d/r%d-concurrency8/%s", n, r, aiperf.ExportName)] = export
		}
	}
	root := tree(b, files)
	b.SetBytes(int64(1000 * len(export)))
	for b.Loop() {
		if cells, skipped := Tree(root); len(cells) != 1000 || len(skipped) > 0 || cells[999].Verdict.State != verdict.Valid {
			b.Fatal(len(cells), skipped)
		}
	}
}

// A relaunched topology leaves a note among the checks of the cell.
func TestLaunchOfACell(t *testing.T) {
	restarted := `{"valid": true, "checks": [{"name": "relaunched", "state": "note", "detail": "on a restarted topology"}]}`
	failed := `{"valid": false, "checks": [{"name": "relaunched", "state": "note", "detail": ""},
		{"name": "run", "state": "invalid", "detail": "x"}]}`
	cells, skipped := Tree(tree(t, map[string]string{
		"artifacts_0/" + DeploymentName:                  aggregated,
		"artifacts_0/-concurrency1/" + aiperf.ExportName: "export 1",
		"artifacts_0/-concurrency2/" + aiperf.ExportName: "export 2",
		"artifacts_0/-concurrency2/" + SidecarName:       restarted,
		"artifacts_0/-concurrency4/" + SidecarName:       failed,
		"artifacts_0/-concurrency8/" + aiperf.ExportName: "export 8",
		"artifacts_0/-concurrency8/" + SidecarName:       `{"valid": true, "checks": []}`,
	}))
	if len(skipped) > 0 || len(cells) != 4 {
		t.Fatalf("%d cells, skipped %v", len(cells), skipped)
	}
	for i, want := range []int{1, 2, 2, 1} {
		if got := cells[i].Launch(); got != want {
			t.Errorf("concurrency %d: launch %d, want %d", cells[i].Concurrency, got, want)
		}
	}
}

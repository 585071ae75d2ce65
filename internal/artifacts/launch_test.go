package artifacts

import (
	"testing"
	"topobench/internal/aiperf"
)

// The note of the run that measured a cell says that its topology was made anew.
func TestLaunchOfACell(t *testing.T) {
	anew := `{"valid": true, "checks": [{"name": "relaunched", "state": "note", "detail": "on a topology that was made anew"}]}`
	failed := `{"valid": false, "checks": [{"name": "relaunched", "state": "note", "detail": ""}, {"name": "run", "state": "invalid", "detail": "x"}]}`
	cells, skipped := Tree(tree(t, map[string]string{
		"artifacts_0/" + DeploymentName:                  aggregated,
		"artifacts_0/-concurrency1/" + aiperf.ExportName: "export 1",
		"artifacts_0/-concurrency2/" + aiperf.ExportName: "export 2",
		"artifacts_0/-concurrency2/" + SidecarName:       anew,
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

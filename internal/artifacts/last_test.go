package artifacts

import (
	"testing"

	"topobench/internal/aiperf"
)

func TestLastIsTheNewestWithValidCells(t *testing.T) {
	root := tree(t, map[string]string{
		"artifacts_9/" + DeploymentName:                      aggregated,
		"artifacts_9/-concurrency2/" + aiperf.ExportName:     "export 2",
		"artifacts_9/-concurrency8/" + aiperf.ExportName:     "export 8",
		"artifacts_10/" + DeploymentName:                     aggregated,
		"artifacts_10/-concurrency4/" + aiperf.ExportName:    "export 4",
		"artifacts_10/-concurrency8/" + aiperf.ExportName:    "export 2", // of another concurrency
		"artifacts_11/" + DeploymentName:                     aggregated,
		"artifacts_11/-concurrency1/" + aiperf.ExportName:    "{",
		"artifacts_12/" + DeploymentName:                     `{"kind": "other", "model": "m", "mode": "aggregated", "tensor_parallelism": 1, "data_parallelism": 1}`,
		"artifacts_12/-concurrency1/" + aiperf.ExportName:    "export 1",
		"artifacts_other/-concurrency1/" + aiperf.ExportName: "export 1",
	})
	cells := Last(root, func(d Deployment) bool { return d.Label() == "k_aggregated" })
	if len(cells) != 1 || cells[0].Artifacts != "artifacts_10" || cells[0].Concurrency != 4 {
		t.Errorf("got %v", outline(cells))
	}
	if cells := Last(root, func(d Deployment) bool { return false }); cells != nil {
		t.Errorf("nothing matches: %v", outline(cells))
	}
	if cells := Last(root+"/none", func(d Deployment) bool { return true }); cells != nil {
		t.Errorf("no root: %v", outline(cells))
	}
}

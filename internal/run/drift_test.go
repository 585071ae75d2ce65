package run

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"topobench/internal/artifacts"
)

// A campaign on a cluster goes on with the images and the server that it began with, on any node.
func TestACampaignKeepsItsCluster(t *testing.T) {
	dir := t.TempDir()
	was := artifacts.Deployment{Machine: artifacts.Values{"Kubernetes": "v1.34.0", "nodes": "n0", "images": "sha256:1"}}
	config, err := json.Marshal(was)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, artifacts.DeploymentName), config, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	r := &Runner{Options: Options{Past: &Past{}}, launched: []Topology{{Name: "a", Artifacts: artifacts.Artifacts{Path: dir}}}}
	for _, row := range []struct{ fact, value string }{{"nodes", "n1"}, {"images", "sha256:2"}, {"Kubernetes", "v1.35.0"}} {
		now := artifacts.Deployment{Machine: artifacts.Values{"Kubernetes": "v1.34.0", "nodes": "n0", "images": "sha256:1"}}
		now.Machine[row.fact] = row.value
		err := r.checkCluster("a", now)
		drift, is := errors.AsType[*DriftError](err)
		if row.fact == "nodes" && err != nil || row.fact != "nodes" &&
			(!is || len(drift.Differences) != 1 || drift.Differences[0].Fact != row.fact || drift.Differences[0].Is != row.value) {
			t.Errorf("%s: %v", row.fact, err)
		}
	}
	if err := new(Runner).checkCluster("a", artifacts.Deployment{}); err != nil {
		t.Errorf("a run that continues none: %v", err)
	}
}

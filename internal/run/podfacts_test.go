package run

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/artifacts"
	"topobench/internal/deploy"
	"topobench/internal/plan"
	"topobench/internal/preflight"
)

// The provenance has the cluster, its facts are compared, and what could not be read is missing.
func TestProvenanceOfAClusterHasItsNodes(t *testing.T) {
	r, _ := newRunner(t, Options{})
	c := r.newCollection(preflight.Topology{Profile: read(t, "a", "ka", "")}, plan.Plan{Name: "a"})
	node := func(name, driver string) artifacts.Node {
		return artifacts.Node{Name: name, Facts: artifacts.Values{"GPU model": "H100", "driver": driver}}
	}
	cluster := &artifacts.Cluster{Server: "v1.37.2", Nodes: []artifacts.Node{node("n0", "550"), node("n1", "580")}}
	c.onCluster(cluster, nil, errors.New("cannot read them"))
	got := c.provenance(&Topology{Launches: 1}, deploy.Times{}, true)
	if diff := cmp.Diff(cluster, got.Cluster); diff != "" {
		t.Error(diff)
	}
	if got.Facts["GPU model"] != "H100" || got.Facts["driver"] != "550 (n0), 580 (n1)" {
		t.Errorf("facts %v", got.Facts)
	}
	if !strings.Contains(strings.Join(got.Missing, "|"), "the admitted objects: cannot read them") {
		t.Errorf("missing %q", got.Missing)
	}
}

package artifacts

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCompareSettings(t *testing.T) {
	side := func(name, block, dtype string) Deployment {
		return Deployment{Name: name, Settings: map[string]string{"block-size": block, "dtype": dtype}}
	}
	upstreams := Deployment{Kind: "dynamo", Mode: "aggregated"}
	for _, row := range []struct {
		why         string
		deployments []Deployment
		sides       int
		differ      []string
	}{
		{"nothing to compare", nil, 0, []string{}},
		{"one side", []Deployment{side("a", "16", "auto")}, 1, []string{}},
		{"the same on both", []Deployment{side("a", "16", "auto"), side("b", "16", "auto")}, 2, []string{}},
		{"one setting differs", []Deployment{side("a", "16", "auto"), side("b", "128", "auto")}, 2, []string{"block-size"}},
		{"the third differs, in both, sorted", []Deployment{side("a", "16", "auto"), side("b", "16", "auto"), side("c", "1", "half")}, 3, []string{"block-size", "dtype"}},
		{"perf.sh tells no settings: it is no side", []Deployment{side("a", "16", "auto"), upstreams}, 1, []string{}},
		{"a repeat is one side", []Deployment{side("a", "16", "auto"), side("a", "16", "auto")}, 1, []string{}},
		{"a repeat with another setting is not", []Deployment{side("a", "16", "auto"), side("a", "32", "auto")}, 2, []string{"block-size"}},
		{"what one side does not know differs", []Deployment{side("a", "16", "auto"), {Name: "b", Settings: map[string]string{"dtype": "auto"}}}, 2, []string{"block-size"}},
	} {
		got := CompareSettings(row.deployments)
		if diff := cmp.Diff(row.differ, got.Differ); diff != "" || len(got.Sides) != row.sides {
			t.Errorf("%s: %d sides, want %d; differ (-want +got): %s", row.why, len(got.Sides), row.sides, diff)
		}
	}
	if got := CompareSettings([]Deployment{{Kind: "k", Mode: "m", Settings: map[string]string{"a": "b"}}}).Sides[0].Name; got != "k_m" {
		t.Errorf("a topology without a name is called %q, not by its label", got)
	}
}

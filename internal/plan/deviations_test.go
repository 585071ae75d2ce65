package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The table is closed: a new difference from the guide needs a row here.
func TestDeviationsOfTheBuiltIns(t *testing.T) {
	for name, want := range map[string]string{
		"disagg-1node": "loopback private-services bookkeeping decode-tp roles nixl-ports artifact-dir smoke",
		"agg-1node":    "loopback bookkeeping nginx-paths log-requests artifact-dir smoke",
		"demo-disagg":  "mocker loopback file-discovery bookkeeping artifact-dir quiet-load smoke",
		"demo-agg":     "mocker loopback file-discovery bookkeeping nginx-paths artifact-dir quiet-load smoke",
		"disagg-2node": "bind-address named-gpus private-services bookkeeping decode-tp roles nixl-ports artifact-dir smoke",
		"agg-2node":    "bind-address named-gpus bookkeeping nginx-paths log-requests artifact-dir smoke",

		"demo-agg-dynamo": "mocker loopback file-discovery bookkeeping artifact-dir quiet-load smoke",
		"demo-agg-urls":   "mocker loopback file-discovery bookkeeping spread artifact-dir quiet-load smoke",
	} {
		var ids []string
		for _, d := range builtInPlan(t, name).Deviations {
			ids = append(ids, d.ID)
		}
		if diff := cmp.Diff(strings.Fields(want), ids); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestDeviationsAreExplained(t *testing.T) {
	seen := map[string]bool{}
	rows := []Deviation{NVExtDropped("unknown field")}
	for _, row := range table() {
		rows = append(rows, row.Deviation)
	}
	for _, d := range rows {
		if d.ID == "" || d.Guide == "" || d.Done == "" || d.Why == "" {
			t.Errorf("%q is not explained: %+v", d.ID, d)
		}
		if seen[d.ID] {
			t.Errorf("two rows are called %s", d.ID)
		}
		seen[d.ID] = true
	}
	if got := NVExtDropped("unknown field").Why; !strings.Contains(got, "unknown field") {
		t.Errorf("the server's answer is not told: %q", got)
	}
}

package monitor

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/plan"
	"topobench/internal/verdict"
)

// The events of a cell are those since its begin. A cluster that does not show them is no fault.
func TestEventsOfTheCluster(t *testing.T) {
	gone := errors.New("the API server does not respond")
	for _, row := range []struct {
		why            string
		atFirst, later error
		want           verdict.ClusterEvents
	}{
		{"seen", nil, nil, verdict.ClusterEvents{Events: []string{"pod/p: Killing: Stopping"}}},
		{"gone at the begin", gone, nil, verdict.ClusterEvents{Unread: gone.Error()}},
		{"gone at the end", nil, gone, verdict.ClusterEvents{Unread: gone.Error()}},
	} {
		targets := new(fake).targets(plan.Plan{})
		targets.Events = func(context.Context) (func(context.Context) ([]string, error), error) {
			return func(context.Context) (list []string, err error) {
				if row.later == nil {
					list = []string{"pod/p: Killing: Stopping"}
				}
				return list, row.later
			}, row.atFirst
		}
		w, err := New(targets).Start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		e, err := w.Stop(t.Context())
		if err != nil || e.Cluster == nil {
			t.Fatalf("%s: %v, %v", row.why, e.Cluster, err)
		}
		if diff := cmp.Diff(row.want, *e.Cluster); diff != "" {
			t.Errorf("%s: want (-), got (+):\n%s", row.why, diff)
		}
	}
	w, err := New(new(fake).targets(plan.Plan{})).Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if e, _ := w.Stop(t.Context()); e.Cluster != nil {
		t.Errorf("without a cluster: %+v", e.Cluster)
	}
}

package campaign

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"topobench/internal/plan"
	"topobench/internal/ready"
)

// Both sides must get one body: nvext is left out only where it is what is refused.
func TestOnlyA400ForItDropsNVExt(t *testing.T) {
	refused := func(status int) error { return &ready.RefusedError{Status: status, Answer: "unknown field"} }
	for _, row := range []struct {
		why            string
		with, without  error // what the smoke says
		dropped, fails bool
	}{
		{"the server takes it", nil, nil, false, false},
		{"it is refused, and nothing else", refused(http.StatusBadRequest), nil, true, false},
		{"the request is refused anyway", refused(http.StatusBadRequest), refused(http.StatusBadRequest), false, true},
		{"no such model", refused(http.StatusNotFound), nil, false, true},
		{"not now", refused(http.StatusServiceUnavailable), nil, false, true},
		{"another fault", errors.New("connection refused"), nil, false, true},
	} {
		c, _ := guarded(t)
		c.Smoke = func(_ context.Context, _ plan.Smoke, l plan.Load, _ func(string)) error {
			if l.NVExt {
				return row.with
			}
			return row.without
		}
		topology := Topology{Name: "a"}
		l, err := c.smoke(t.Context(), plan.Plan{Load: plan.Load{NVExt: true}}, &topology)
		if (err != nil) != row.fails || (len(topology.Deviations) > 0) != row.dropped || err == nil && l.NVExt == row.dropped {
			t.Errorf("%s: error %v, nvext %t, deviations %v", row.why, err, l.NVExt, topology.Deviations)
		}
	}
}

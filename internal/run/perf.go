package run

import (
	"context"
	"errors"

	"topobench/internal/plan"
)

// Perf sweeps a server that another person runs, as perf.sh does: the same artifacts,
// and no launch and no teardown.
func (c *Campaign) Perf(ctx context.Context, w Wish) (Topology, error) {
	t := Topology{Name: "perf", Label: w.Plan.Deployment.Label(), Asked: w.Plan.Load.Concurrency}
	p, err := w.Plan.At(plan.Placement{Temp: c.Run.TempDir(), Cookie: c.Run.ID()})
	if err != nil {
		return t, err
	}
	if err := c.artifacts(&t, p.Deployment); err != nil {
		return t, err
	}
	s, err := external{urls: p.Load.URLs}.Up(ctx)
	if err != nil {
		return t, err
	}
	lost, err := c.measure(s.Context(), &sweep{Campaign: c, t: &t, plan: p, monitor: c.observe(p, nil)})
	if lost != nil {
		t.Err = lost.Cause
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	err = errors.Join(err, c.settle(&t, t.open))
	return t, err
}

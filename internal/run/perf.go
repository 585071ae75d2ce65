package run

import (
	"context"
	"errors"

	"topobench/internal/artifacts"
	"topobench/internal/plan"
)

// Perf sweeps a server that somebody else runs, as perf.sh does: the same
// artifacts, nothing brought up, nothing taken down.
func (c *Campaign) Perf(ctx context.Context, d artifacts.Deployment, p plan.Plan) (Topology, error) {
	t := Topology{Name: "perf", Label: d.Label(), Asked: p.Load.Concurrency}
	if err := c.artifacts(&t, d); err != nil {
		return t, err
	}
	p.Load.FreshPrompts = c.Fresh
	lost, err := c.measure(ctx, &sweep{Campaign: c, t: &t, plan: p, monitor: c.observe(p, nil)})
	if lost != nil {
		t.Err = lost.Cause
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	err = errors.Join(err, c.settle(&t, t.open))
	return t, err
}

package run

import (
	"context"
	"errors"

	"topobench/internal/plan"
	"topobench/internal/result"
)

// Perf sweeps a server that somebody else runs, as perf.sh does: the same
// artifacts, nothing brought up, nothing taken down.
func (c *Campaign) Perf(ctx context.Context, d result.Deployment, p plan.Plan) (Topology, error) {
	t := Topology{Name: "perf", Label: d.Label(), Asked: p.Load.Concurrency}
	p.Load.FreshPrompts = c.Fresh
	d.Load = plan.RequestsOf(p.Load)
	if err := c.artifacts(&t, d); err != nil {
		return t, err
	}
	lost, err := c.measure(ctx, &sweep{Campaign: c, t: &t, plan: p})
	if lost != nil {
		t.Err = lost.Cause
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	err = errors.Join(err, c.settle(&t, t.open))
	return t, err
}

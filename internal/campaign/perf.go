package campaign

import (
	"context"
	"time"

	"topobench/internal/plan"
	"topobench/internal/result"
)

// Perf sweeps a server that somebody else runs, as perf.sh does: the same
// artifacts, nothing brought up, nothing taken down.
func (c *Campaign) Perf(ctx context.Context, d result.Deployment, p plan.Plan) (Topology, error) {
	began := time.Now()
	t := Topology{Name: "perf", Label: d.Label(), Asked: p.Load.Concurrency}
	if err := c.artifacts(&t, d); err != nil {
		return t, err
	}
	p.Load.FreshPrompts = c.Fresh
	err := c.measure(ctx, p, &t)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	t.Times.Total = time.Since(began)
	return t, err
}

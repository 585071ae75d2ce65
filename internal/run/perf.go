package run

import (
	"context"
	"errors"

	"topobench/internal/plan"
	"topobench/internal/result"
)

// Perf sweeps a server that another person runs, as perf.sh does: the same artifacts,
// and no launch and no teardown.
func (c *Campaign) Perf(ctx context.Context, d result.Deployment, p plan.Plan) (Topology, error) {
	t := Topology{Name: "perf", Label: d.Label(), Asked: p.Load.Concurrency}
	if err := c.artifacts(&t, d); err != nil {
		return t, err
	}
	p.Load.FreshPrompts = c.Fresh
	s, err := external{urls: p.Load.URLs}.Up(ctx)
	if err != nil {
		return t, err
	}
	lost, err := c.measure(s.Context(), &sweep{Campaign: c, t: &t, plan: p, members: s.Processes})
	if lost != nil {
		t.Err = lost.Cause
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	err = errors.Join(err, c.settle(&t, t.open))
	return t, err
}

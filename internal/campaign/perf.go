package campaign

import (
	"context"
	"encoding/json"
	"path/filepath"
	"time"

	"topobench/internal/plan"
	"topobench/internal/result"
	"topobench/internal/rundir"
)

// Perf sweeps a server that somebody else runs, as perf.sh does: the same
// artifacts, nothing brought up, nothing taken down.
func (c *Campaign) Perf(ctx context.Context, d result.Deployment, p plan.Plan) (Topology, error) {
	began := time.Now()
	t := Topology{Name: "perf", Label: d.Label(), Asked: p.Load.Concurrency}
	var err error
	if t.Artifacts, err = c.Run.NextArtifacts(); err != nil {
		return t, err
	}
	config, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return t, err
	}
	if err := rundir.WriteFile(filepath.Join(t.Artifacts.Path, "deployment_config.json"), append(config, '\n'), 0o644); err != nil {
		return t, err
	}
	p.Load.FreshPrompts = c.Fresh
	err = c.measure(ctx, p, &t)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	t.Times.Total = time.Since(began)
	return t, err
}

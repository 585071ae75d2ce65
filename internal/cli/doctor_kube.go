package cli

import (
	"context"
	"slices"

	"topobench/internal/host/agent"
	"topobench/internal/kube"
	"topobench/internal/preflight"
	"topobench/internal/profile"
	"topobench/internal/run"
)

// inCluster prints the checks of a run on Kubernetes: those of the results' directory here, and those of the cluster.
func (c *doctorCmd) inCluster(ctx context.Context, env *Env) error {
	c.Set = append(c.kubeFlags.settings(), c.Set...)
	profiles, err := loadTopologies(ctx, c.Profiles, c.loadFlags, env, c.roundFlags.check(), kubeFaults(env.Args))
	if err != nil {
		return err
	}
	id := run.NewID()
	topologies, err := c.kubeFlags.topologies(profiles, id, c.options())
	if err != nil {
		return &usageError{err}
	}
	report := preflight.All(ctx, env.complete(preflight.Request{Launches: c.launches(c.Profiles), Root: c.Root,
		MinFree: uint64(c.MinFree)}))
	report.Checks = slices.DeleteFunc(report.Checks, func(c preflight.Check) bool {
		return c.Name == preflight.GPUs // of this machine, which has no part in the measurement
	})
	if err := preflight.Comparable(profiles); err != nil {
		report.Checks = append(report.Checks, preflight.Check{Name: preflight.Comparability, State: preflight.Failure,
			Found: err.Error(), Code: codeUsage})
	}
	place := profile.Kubernetes{Context: c.kubeFlags.Context, Namespace: c.kubeFlags.Namespace}
	if len(topologies) > 0 {
		place = *topologies[0].Profile.Kubernetes
	}
	for _, f := range env.cluster(place, id, agent.DefaultGrace).Doctor(ctx, topologies) {
		report.Checks = append(report.Checks, checkOf(f))
	}
	return c.print(env, report)
}

// checkOf is a finding with the exit code of a run that it stops.
func checkOf(f kube.Finding) preflight.Check {
	check := preflight.Check{Name: f.About, State: preflight.OK, Found: f.Found, Remedy: f.Next}
	switch {
	case f.Taken:
		check.State, check.Code = preflight.Failure, preflight.BusyCode
	case f.Fault:
		check.State, check.Code = preflight.Failure, codeUsage
	case f.Doubt:
		check.State = preflight.Warning
	}
	return check
}

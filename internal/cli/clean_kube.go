package cli

import (
	"context"
	"errors"
	"fmt"

	"topobench/internal/kube"
	"topobench/internal/profile"
)

// inCluster deletes what dead runs left in a namespace of Kubernetes. Objects of others lack the label of a run.
func (c *cleanCmd) inCluster(ctx context.Context, env *Env) error {
	if c.Host != "" || len(c.Roots) > 0 {
		return &usageError{errors.New("--kube finds runs by their label: omit --host and --artifacts-root-dir")}
	}
	cluster := env.cluster(profile.Kubernetes{Context: c.KubeContext, Namespace: c.KubeNamespace}, "", 0)
	all, err := cluster.Remains(ctx)
	if err != nil {
		return &usageError{err}
	}
	var faults []error
	for _, r := range all {
		faults = append(faults, c.deleteRun(ctx, env, r, cluster.Clean))
	}
	if err := errors.Join(faults...); err != nil || c.DryRun && len(all) > 0 {
		return err
	}
	fmt.Fprintln(env.Stdout, "nothing is left")
	return nil
}

// deleteRun deletes a run that is dead, or any with --force, and prints what it did.
func (c *cleanCmd) deleteRun(ctx context.Context, env *Env, r kube.Remains, next string) error {
	if r.Running && !c.Force {
		return &runningError{fmt.Sprintf("run %s: the Job of its load has not ended", r.Run),
			"wait for it; that of a killed topobench ends after its --orphan-grace, and all else with it. " +
				"clean --kube --force deletes it now"}
	}
	verb := "deleted"
	if c.DryRun {
		verb = "would delete"
	}
	fmt.Fprintf(env.Stdout, "run %s: %s\n", r.Run, verb)
	printAll(env.Stdout, r.Objects, "  ")
	if c.DryRun {
		return nil
	}
	left := r.Delete(ctx)
	if len(left) == 0 {
		return nil
	}
	return dirtyRun(r.Run, next, left)
}

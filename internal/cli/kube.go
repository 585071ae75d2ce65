package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"topobench/internal/artifacts"
	"topobench/internal/kube"
	"topobench/internal/plan"
	"topobench/internal/preflight"
	"topobench/internal/profile"
	"topobench/internal/report"
)

// kubeFlags run topologies on a cluster. All but the first set the keys of a profile's kubernetes.
type kubeFlags struct {
	Kube      bool   `help:"On Kubernetes, through kubectl: topobench help kubernetes."`
	Context   string `name:"kube-context" help:"Context of kubectl." placeholder:"NAME"`
	Namespace string `name:"kube-namespace" help:"Namespace, which exists." placeholder:"NAME"`
	Image     string `name:"kube-image" help:"Image of frontends and workers." placeholder:"IMAGE"`
	LoadImage string `name:"kube-load-image" help:"Image with aiperf, for the load." placeholder:"IMAGE"`
}

// settings are the flags as --set has them.
func (f kubeFlags) settings() (all []string) {
	for _, s := range []struct{ key, value string }{{"context", f.Context}, {"namespace", f.Namespace},
		{"image", f.Image}, {"load_image", f.LoadImage}} {
		if s.value != "" {
			all = append(all, "kubernetes."+s.key+"="+s.value)
		}
	}
	return all
}

// check refuses flags of a cluster without --kube.
func (f kubeFlags) check() error {
	if !f.Kube && len(f.settings()) > 0 {
		return errors.New("--kube-context, --kube-namespace, --kube-image and --kube-load-image need --kube")
	}
	return nil
}

// processesOnly refuses profiles whose topology is in a manifest: only a cluster takes it.
func processesOnly(profiles []profile.Profile) error {
	var faults []error
	for _, p := range profiles {
		if p.FromManifest() {
			faults = append(faults, fmt.Errorf("%s: a manifest is for Kubernetes: topobench plan --kube",
				p.Place("kubernetes.manifest")))
		}
	}
	if len(faults) == 0 {
		return nil
	}
	return &usageError{errors.Join(faults...)}
}

// kube prints the manifests of profiles with the lines of kubectl that a person would type.
func (c *planCmd) kube(ctx context.Context, env *Env) error {
	if c.JSON {
		return &usageError{errors.New("--kube and --json exclude each other")}
	}
	c.Set = append(c.kubeFlags.settings(), c.Set...)
	profiles, err := loadTopologies(ctx, c.Profiles, c.loadFlags, env, c.roundFlags.check())
	if err != nil {
		return err
	}
	topologies, err := c.kubeFlags.topologies(profiles, kube.ByHand, c.options())
	if err == nil {
		err = preflight.Comparable(profiles)
	}
	if err != nil {
		return &usageError{err}
	}
	var plans []plan.Plan
	var deployments []artifacts.Deployment
	for _, t := range topologies {
		plans, deployments = append(plans, t.Plan), append(deployments, t.Plan.Deployment)
	}
	fmt.Fprint(env.Stderr, report.SettingsTable(artifacts.CompareSettings(deployments), artifacts.Settings{}))
	if c.Guide {
		printDeviations(env, plans)
		return nil
	}
	var printed bytes.Buffer
	if err := kube.Script(&printed, c.Root, topologies); err != nil {
		return &usageError{err}
	}
	_, err = printed.WriteTo(env.Stdout)
	return err
}

package cli

import (
	"context"
	"fmt"

	"topobench/internal/aiperf"
	"topobench/internal/preflight"
	"topobench/internal/programs"
	"topobench/internal/run"
)

type upCmd struct {
	Profile      string   `arg:"" help:"Built-in name or path."`
	Root         string   `name:"artifacts-root-dir" default:"artifacts_root" type:"path" help:"Directory of the logs."`
	Model        string   `help:"Model id or directory."`
	TimeoutReady duration `help:"How long each service may take to become ready." placeholder:"DURATION"`
	setFlag
	hostsFlag
	binFlags   `group:"Programs"`
	limitFlags `group:"Disk"`
	gpuFlags   `group:"GPUs"`
	graceFlag  `group:"Hosts"`
	kubeFlags  `group:"Kubernetes"`
}

// Run brings one topology up, prints its address, and holds it.
func (c *upCmd) Run(ctx context.Context, env *Env, s *signals) error {
	if err := linuxOnly("up"); err != nil {
		return err
	}
	flags := loadFlags{Model: c.Model, TimeoutReady: c.TimeoutReady, setFlag: c.setFlag, hostsFlag: c.hostsFlag}
	load, faults := loadProfiles, error(nil)
	if c.Kube {
		load, flags.Set = loadTopologies, append(c.kubeFlags.settings(), flags.Set...)
		faults = kubeFaults(env.Args)
	}
	profiles, err := load(ctx, []string{c.Profile}, flags, env, c.graceFlag.check(), c.kubeFlags.check(), faults)
	if err != nil {
		return err
	}
	session, err := env.begin(ctx, s, preflight.Request{Profiles: profiles, Programs: programs.Paths(c.binFlags),
		Root: c.Root, LogCap: uint64(c.LogCap), MinFree: uint64(c.MinFree),
		Load: aiperf.Options{Seed: aiperf.GuideSeed}, MapGPUs: c.Map}, run.Options{WaitGPUs: c.Wait.value()},
		c.OrphanGrace.value(), c.kubeFlags)
	if err != nil {
		return err
	}
	guarded := session.WatchDisk(ctx)
	if err = session.fetchModels(guarded); err == nil {
		err = session.Up(guarded, session.topologies[0], func(urls string) {
			session.Screen.Note(fmt.Sprintf("%s is up: %s\nlogs: %s", profiles[0].Name, urls, session.Dir.Path()))
		})
	}
	return session.close(err)
}

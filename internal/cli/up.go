package cli

import (
	"context"
	"fmt"
	"topobench/internal/aiperf"
	"topobench/internal/preflight"
	"topobench/internal/programs"
)

type upCmd struct {
	Profile      string   `arg:"" help:"Built-in name or path."`
	Root         string   `name:"artifacts-root-dir" default:"artifacts_root" type:"path" help:"Where logs are written."`
	Model        string   `help:"Model id or directory."`
	TimeoutReady duration `help:"How long each service may take to become ready." placeholder:"DURATION"`
	binFlags     `group:"Programs"`
	limitFlags   `group:"Disk"`
	gpuFlags     `group:"GPUs"`
}

// Run brings one topology up, says where it listens, and holds it.
func (c *upCmd) Run(ctx context.Context, env *Env, s *signals) error {
	if err := linuxOnly("up"); err != nil {
		return err
	}
	profiles, err := loadProfiles([]string{c.Profile}, loadFlags{Model: c.Model, TimeoutReady: c.TimeoutReady}, env)
	if err != nil {
		return err
	}
	checked, err := env.preflight(ctx, preflight.Request{Profiles: profiles, Programs: programs.Paths(c.binFlags),
		Root: c.Root, LogCap: uint64(c.LogCap), MinFree: uint64(c.MinFree), Load: aiperf.Options{Seed: aiperf.GuideSeed}, AsRoot: env.Root})
	if err != nil {
		return err
	}
	session, err := open(ctx, c.Root, env, s)
	if err != nil {
		return err
	}
	session.announce(checked.Topologies)
	session.watchGPUs(checked, c.gpuFlags)
	wish := wishes(checked.Topologies)
	guarded := session.watchDisk(ctx, c.limitFlags)
	if err = session.fetchModels(guarded, wish); err == nil {
		err = session.campaign.Up(guarded, wish[0], func(url string) {
			session.screen.Note(fmt.Sprintf("%s is up: %s\nlogs: %s", profiles[0].Name, url, session.campaign.Run.Path()))
		})
	}
	return session.close(err)
}

package cli

import (
	"context"
	"errors"
	"fmt"
)

type upCmd struct {
	Profile      string   `arg:"" help:"Built-in name or path."`
	Root         string   `name:"artifacts-root-dir" default:"artifacts_root" type:"path" help:"Where logs are written."`
	TimeoutReady duration `help:"How long each service may take to become ready." placeholder:"DURATION"`
	binFlags
}

// Run brings one topology up, says where it listens, and holds it.
func (c *upCmd) Run(ctx context.Context, env *Env, s *signals) error {
	if err := linuxOnly("up"); err != nil {
		return err
	}
	profiles, err := loadProfiles([]string{c.Profile}, loadFlags{TimeoutReady: c.TimeoutReady}, env)
	if err != nil {
		return err
	}
	wish, err := wishes(ctx, profiles, c.binFlags, env)
	if err != nil {
		return err
	}
	session, err := open(c.Root, env, s)
	if err != nil {
		return err
	}
	session.announce(wish)
	if err = session.fetchModels(ctx, wish); err == nil {
		err = session.campaign.Up(ctx, wish[0], func(url string) {
			session.screen.Note(fmt.Sprintf("%s is up: %s\nlogs: %s", profiles[0].Name, url, session.campaign.Run.Path()))
		})
	}
	return errors.Join(err, session.close())
}

package cli

import (
	"context"
	"errors"

	"topobench/internal/campaign"
	"topobench/internal/plan"
	"topobench/internal/profile"
)

type runCmd struct {
	Profiles []string `arg:"" name:"profile" help:"Built-in names or paths."`
	Root     string   `name:"artifacts-root-dir" default:"artifacts_root" type:"path" help:"Where results are written."`
	Title    string   `default:"Single Node" help:"Title of the chart."`
	Baseline string   `placeholder:"LABEL" help:"Series that the others are compared with (default: the aggregated one)."`
	FailFast bool     `help:"Stop everything at the first cell that is not valid."`
	Keep     bool     `help:"Hold the last topology until Ctrl-C."`
	binFlags
	loadFlags
}

// Run measures the profiles, then reports.
func (c *runCmd) Run(ctx context.Context, env *Env, s *signals) error {
	profiles, err := c.load(env)
	if err != nil {
		return err
	}
	session, err := open(c.Root, env, s)
	if err != nil {
		return err
	}
	conductor := session.campaign
	conductor.FailFast, conductor.Fresh = c.FailFast, c.FreshPrompts
	conductor.Site.Seed = c.Seed
	if c.Keep {
		conductor.Hold = session.hold
	}
	topologies, err := conductor.Conduct(ctx, profiles)
	err = errors.Join(err, session.close())
	return errors.Join(err, c.report(env, session, topologies))
}

// load reads and checks everything that can be wrong before a process starts.
func (c *runCmd) load(env *Env) ([]campaign.Wish, error) {
	if err := linuxOnly("run"); err != nil {
		return nil, err
	}
	profiles, err := loadProfiles(c.Profiles, c.loadFlags, env)
	if err != nil {
		return nil, err
	}
	if err := campaign.Comparable(profiles); err != nil {
		return nil, &usageError{err}
	}
	return wishes(profiles, c.binFlags, env)
}

// wishes pairs each profile with the programs it runs; all that are missing at once.
func wishes(profiles []profile.Profile, f binFlags, env *Env) ([]campaign.Wish, error) {
	var all []campaign.Wish
	var faults []error
	for _, p := range profiles {
		programs, _, err := findPrograms(p, f, env)
		_, clash := plan.Make(p, plan.Site{Dir: "/"}) // what shows only once ports are derived
		faults = append(faults, err, clash)
		all = append(all, campaign.Wish{Profile: p, Programs: programs})
	}
	if err := errors.Join(faults...); err != nil {
		return nil, &usageError{err}
	}
	return all, nil
}

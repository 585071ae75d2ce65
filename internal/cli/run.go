package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"topobench/internal/aiperf"
	"topobench/internal/plan"
	"topobench/internal/profile"
	"topobench/internal/run"
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
	limitFlags
	gpuFlags
}

// Run measures the profiles, then reports.
func (c *runCmd) Run(ctx context.Context, env *Env, s *signals) error {
	wishes, err := c.load(ctx, env)
	if err != nil {
		return err
	}
	smi, err := nvidiaSMI(c.binFlags, env)
	if err != nil {
		return err
	}
	session, err := open(ctx, c.Root, env, s)
	if err != nil {
		return err
	}
	session.announce(wishes)
	session.lookAtGPUs(smi, c.gpuFlags, wishes)
	conductor := session.campaign
	conductor.FailFast = c.FailFast
	if c.Keep {
		conductor.Hold = session.hold
	}
	guarded := session.guard(ctx, c.limitFlags)
	var topologies []run.Topology
	if err = session.fetchModels(guarded, wishes); err == nil {
		topologies, err = conductor.Conduct(guarded, wishes)
	}
	conductor.At(run.Reporting)
	err = errors.Join(session.close(err), c.report(env, session, topologies, wishes))
	return errors.Join(err, c.late(ctx, err))
}

// late is an interrupt that came when the last topology was gone, while the report
// was written. The end of a hold is none.
func (c *runCmd) late(ctx context.Context, err error) error {
	if _, told := errors.AsType[*run.Interrupt](err); told || c.Keep {
		return nil
	}
	return context.Cause(ctx)
}

// checkBaseline: that a label is misspelt should not be learnt when all is measured.
func (c *runCmd) checkBaseline(profiles []profile.Profile) error {
	var labels []string
	for _, p := range profiles {
		labels = append(labels, p.Label())
	}
	if c.Baseline == "" || slices.Contains(labels, c.Baseline) {
		return nil
	}
	return fmt.Errorf("--baseline %s is no series of this run: choose one of %s", c.Baseline, strings.Join(labels, ", "))
}

// load reads and checks everything that can be wrong before a process starts.
func (c *runCmd) load(ctx context.Context, env *Env) ([]run.Wish, error) {
	if err := linuxOnly("run"); err != nil {
		return nil, err
	}
	profiles, err := loadProfiles(c.Profiles, c.loadFlags, env)
	if err != nil {
		return nil, err
	}
	all, unfit := wishes(ctx, profiles, c.binFlags, c.options(), env)
	if err := together(run.Comparable(profiles), c.checkBaseline(profiles), c.room(c.Root, profiles, env), unfit); err != nil {
		return nil, &usageError{err}
	}
	return all, nil
}

// wishes plans each profile for the programs it runs and their versions, and reports all
// that is missing or wrong at once.
func wishes(ctx context.Context, profiles []profile.Profile, f binFlags, o aiperf.Options, env *Env) ([]run.Wish, error) {
	var all []run.Wish
	var faults []error
	for _, p := range profiles {
		programs, found, err := findPrograms(p, f, env)
		installed, unfit := ask(ctx, p, found, env)
		launch, clash := plan.Make(p, installation(programs, installed, env), o)
		printAll(env.Stderr, contradicted(installed, launch.Versions), "topobench: "+p.Name+": ")
		warnOfPorts(env, launch)
		if away := elsewhere(launch); away != nil {
			faults = append(faults, away) // what this machine lacks does not matter
			continue
		}
		faults = append(faults, err, unfit, clash, unset(launch, env), checkModel(p, env))
		all = append(all, run.Wish{Profile: p, Programs: programs, Versions: installed, Plan: launch})
	}
	if err := together(faults...); err != nil {
		return nil, &usageError{err}
	}
	return all, nil
}

// elsewhere refuses what is planned for other machines than this one.
func elsewhere(p plan.Plan) error {
	if len(p.Hosts) == 0 {
		return nil
	}
	var names []string
	for _, h := range p.Hosts {
		names = append(names, h.Name+" ("+h.Address+")")
	}
	return fmt.Errorf("cannot run %s on %s: hosts other than this machine are planned, not run, by this version; \"topobench plan\" prints the script for each host",
		p.Name, strings.Join(names, ", "))
}

// unset refuses references to variables that the caller does not have, before
// hours go into the topologies that come first.
func unset(p plan.Plan, env *Env) error {
	var names []string
	for _, s := range p.Services {
		_, missing := plan.Environ(env.Environ, s.Env)
		names = addOnce(names, missing...)
	}
	if len(names) == 0 {
		return nil
	}
	return fmt.Errorf("%s: its env names variables that are not set: export %s", p.Name, strings.Join(names, ", "))
}

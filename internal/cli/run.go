package cli

import (
	"context"
	"errors"

	"topobench/internal/preflight"
	"topobench/internal/programs"
	"topobench/internal/run"
	"topobench/internal/text"
)

// stampWidth is the number of columns of the time in front of a line without a terminal, such as "[+123.4s] ".
const stampWidth = 10

type runCmd struct {
	Profiles []string `arg:"" optional:"" name:"profile" help:"Built-in names or paths."`
	Root     string   `name:"artifacts-root-dir" default:"artifacts_root" type:"path" help:"Results directory."`
	Title    string   `help:"Title of the chart (default: by the hosts of the workers, such as Single Node)."`
	Baseline string   `placeholder:"LABEL" help:"Series to compare with (default: the aggregated one)."`
	X        string   `default:"user" enum:"user,p90,e2e" help:"Axis: user, p90 or e2e (topobench help metrics)."`
	FailFast bool     `help:"Stop everything at the first cell that is not valid."`
	Verbose  bool     `help:"Print deviations, prompts and times in full after the run."`
	Keep     bool     `help:"Hold the last topology until Ctrl-C."`
	ratioFlags
	roundFlags
	adaptiveFlags
	sloFlag
	resumeFlags `group:"Resume"`
	binFlags    `group:"Programs"`
	loadFlags   `group:"Load"`
	limitFlags  `group:"Disk"`
	gpuFlags    `group:"GPUs"`
	graceFlag   `group:"Hosts"`
	kubeFlags   `group:"Kubernetes"`
}

// Run measures the profiles, then reports.
func (c *runCmd) Run(ctx context.Context, env *Env, s *signals) error {
	if err := linuxOnly("run"); err != nil {
		return err
	}
	flags := c.resumeFlags.check(c.Profiles, env.Args)
	if !c.Resume {
		return c.measure(ctx, env, s, nil, flags)
	}
	if flags != nil {
		return &usageError{flags}
	}
	release, err := claimResume(c.Root)
	if err != nil {
		return err
	}
	defer release()
	begun, past, err := c.begun(ctx, env, s)
	if err != nil {
		return err
	}
	return begun.measure(ctx, env, s, past, nil)
}

// measure begins a campaign, or continues past. flags are faults to report with all others.
func (c *runCmd) measure(ctx context.Context, env *Env, s *signals, past *run.Past, flags error) error {
	load := loadProfiles
	if c.Kube {
		load, c.Set = loadTopologies, append(c.kubeFlags.settings(), c.Set...)
		flags = errors.Join(flags, kubeFaults(env.Args))
	}
	profiles, err := load(ctx, c.Profiles, c.loadFlags, env, c.kubeFlags.check(), c.roundFlags.check(),
		c.ratioFlags.check(), c.adaptiveFlags.check(c.Profiles, c.given()), c.sloFlag.check(), c.graceFlag.check(),
		flags)
	if err == nil {
		c.sloFlag.apply(profiles)
		err = c.withoutSLO(profiles)
	}
	if err != nil {
		return err
	}
	adaptive := c.schedule(profiles)
	session, err := env.begin(ctx, s, preflight.Request{Profiles: profiles, Programs: programs.Paths(c.binFlags),
		Launches: c.launches(c.Profiles), Baseline: c.Baseline, Root: c.Root, LogCap: uint64(c.LogCap),
		MinFree: uint64(c.MinFree), Load: c.options(), MapGPUs: c.Map},
		run.Options{FailFast: c.FailFast, WaitGPUs: c.Wait.value(), Past: past, Again: c.Again,
			AllowDrift: c.AllowDrift}, c.OrphanGrace.value(), c.kubeFlags)
	if err != nil {
		return err
	}
	if session.Campaign, err = env.campaign(past, profiles, session.topologies); err != nil {
		return session.close(err)
	}
	measured := arms(c.Profiles, session.topologies)
	plans := preflight.Report{Topologies: measured}.Plans()
	var schedule run.Schedule = run.LadderOf(measured, c.Repeats)
	if adaptive != nil {
		schedule = *adaptive
	}
	switch {
	case past != nil: // the first run has printed the cost
	case adaptive != nil:
		session.note(adaptive.Announcement())
	default:
		lines := costLines(c.Root, plans, c.Repeats, text.Width-stampWidth)
		session.note(append(lines, c.note(len(plans))...))
	}
	if c.Keep {
		session.Hold = session.hold
	}
	guarded := session.WatchDisk(ctx)
	var topologies []run.Topology
	if err = session.fetchModels(guarded); err == nil {
		session.topologies = measured
		topologies, err = session.Run(guarded, session.topologies, schedule)
	}
	session.At(run.Reporting)
	err = errors.Join(session.withNext(session.close(err), topologies), c.report(env, session, topologies))
	return errors.Join(err, c.lateInterrupt(ctx, err))
}

// lateInterrupt is an interrupt that came after the last teardown, during the report. The Ctrl-C that ends a hold is
// none.
func (c *runCmd) lateInterrupt(ctx context.Context, err error) error {
	if _, reported := errors.AsType[*run.Interrupt](err); reported || c.Keep {
		return nil
	}
	return context.Cause(ctx)
}

package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"topobench/internal/artifacts"
	"topobench/internal/plan"
	"topobench/internal/preflight"
	"topobench/internal/profile"
	"topobench/internal/programs"
	"topobench/internal/report"
	"topobench/internal/run"
	"topobench/internal/script"
	"topobench/internal/text"
)

type planCmd struct {
	Profiles []string `arg:"" name:"profile" help:"Built-in names or paths."`
	JSON     bool     `name:"json" help:"Print JSON; @CALL@ is a random word of each call of the script."`
	Guide    bool     `help:"Print the differences from the guide, with reasons."`
	Root     string   `name:"artifacts-root-dir" default:"artifacts_root" help:"Directory of the results." type:"path"`
	Map      bool     `name:"gpus-from-allocation" help:"Replace each profile's GPUs by those of the allocation."`
	roundFlags
	binFlags  `group:"Programs"`
	loadFlags `group:"Load"`
	kubeFlags `group:"Kubernetes"`
}

// Run prints plans. It writes no file, and starts nothing but nvidia-smi for --gpus-from-allocation.
func (c *planCmd) Run(ctx context.Context, env *Env) error {
	if c.Kube {
		return c.kube(ctx, env)
	}
	profiles, err := loadProfiles(ctx, c.Profiles, c.loadFlags, env, c.roundFlags.check(), c.kubeFlags.check())
	if err != nil {
		return err
	}
	env.printDropped()
	plans, err := c.plans(ctx, profiles, env)
	if err != nil {
		return &usageError{err}
	}
	var all []artifacts.Deployment
	for _, p := range plans {
		all = append(all, p.Deployment)
	}
	fmt.Fprint(env.Stderr, report.SettingsTable(artifacts.CompareSettings(all), artifacts.Settings{}))
	if !c.JSON && !c.Guide { // run would refuse them too
		if err := preflight.Comparable(profiles); err != nil {
			return &usageError{err}
		}
	}
	fmt.Fprintln(env.Stderr, "topobench: cost of a run:")
	printAll(env.Stderr, costLines(c.Root, plans, c.Repeats, text.Width-len("topobench:   ")), "topobench:   ")
	printAll(env.Stderr, c.note(len(plans)), "topobench: ")
	switch {
	case c.JSON:
		if plans, err = c.placed(plans); err != nil {
			return err
		}
		out := json.NewEncoder(env.Stdout)
		out.SetIndent("", "  ")
		return out.Encode(plans)
	case c.Guide:
		printDeviations(env, plans)
		return nil
	}
	return script.Write(env.Stdout, run.ByHand(c.Root), plans...)
}

// placed returns the plans with the paths of the script. @CALL@ is in the place of the random
// word that each call of the script chooses.
func (c *planCmd) placed(plans []plan.Plan) ([]plan.Plan, error) {
	var all []plan.Plan
	n := -1
	for _, p := range plans {
		n = nextFree(c.Root, n+1)
		to := run.ByHand(c.Root).Placement(p.Name, "@CALL@")
		to.Artifacts = filepath.Join(c.Root, fmt.Sprintf("artifacts_%d", n))
		p, err := p.At(to, nil)
		if err != nil {
			return nil, &usageError{err}
		}
		all = append(all, p)
	}
	return all, nil
}

// plans plans each profile. The error has the faults of all profiles.
func (c *planCmd) plans(ctx context.Context, profiles []profile.Profile, env *Env) ([]plan.Plan, error) {
	var plans []plan.Plan
	var faults []error
	for _, p := range profiles {
		launch, err := c.make(ctx, p, env)
		plans, faults = append(plans, launch), append(faults, err)
	}
	if isAA(c.Profiles) {
		plans = preflight.Report{Topologies: run.Arms(preflight.Topology{Plan: plans[0]})}.Plans()
	}
	return plans, errors.Join(faults...)
}

// make plans one profile. Missing programs get their bare names, so that a laptop can print the plan of a node.
func (c *planCmd) make(ctx context.Context, p profile.Profile, env *Env) (plan.Plan, error) {
	checks := preflight.Request{Programs: programs.Paths(c.binFlags), Environ: env.Environ, Getenv: env.Getenv,
		AsRoot: env.Root, MapGPUs: c.Map}
	paths, found, versions, err := checks.Recall(p)
	if err != nil {
		fmt.Fprintf(env.Stderr, "topobench: planned with bare names: %v\n", err)
		paths = bareNames(paths)
	}
	printAll(env.Stderr, found.Lines(), "topobench: "+p.Name+": ")
	p, lines, err := checks.Mapped(ctx, p, versions.VLLM)
	if err != nil {
		return plan.Plan{}, err
	}
	printAll(env.Stderr, lines, "topobench: ")
	on := checks.Installation(paths, versions)
	var wrong error
	on.Configs, wrong = engineConfigs(p, env)
	launch, err := plan.Make(p, on, c.options())
	err = errors.Join(wrong, err)
	if err != nil {
		return launch, err
	}
	for _, c := range preflight.Contradictions(versions, launch) {
		fmt.Fprintf(env.Stderr, "topobench: %s\n", c)
	}
	lines = preflight.VersionLines([]preflight.Topology{{Profile: p, Versions: versions, Plan: launch}})
	printAll(env.Stderr, lines, "topobench: "+p.Name+": ")
	warnings := slices.Concat(preflight.PortWarning(env.PortRange, launch), preflight.Slow(launch, env.Environ))
	for _, w := range warnings {
		fmt.Fprintf(env.Stderr, "topobench: warning: %s\n", w)
	}
	return launch, nil
}

// engineConfigs reads the engines' own configuration files. An absent one is a warning, as it may be on the node.
func engineConfigs(p profile.Profile, env *Env) (profile.EngineConfigs, error) {
	configs, err := profile.ReadEngineConfigs(p)
	wrong := slices.DeleteFunc(flatten(err), func(err error) bool {
		absent := errors.Is(err, fs.ErrNotExist)
		if absent {
			fmt.Fprintf(env.Stderr, "topobench: warning: %v; run would refuse that, and settings are compared without "+
				"the file\n", err)
		}
		return absent
	})
	return configs, errors.Join(wrong...)
}

// costLines estimate a run of plans over some rounds, with the rates of the runs before it in its root.
func costLines(root string, plans []plan.Plan, rounds, width int) []string {
	var costs []run.Cost
	for _, p := range plans {
		costs = append(costs, run.CostOf(p, run.RatesOf(root, p)).Times(rounds))
	}
	return run.CostLines(costs, width)
}

// nextFree returns the first N from n on without a directory artifacts_N.
func nextFree(root string, n int) int {
	for ; ; n++ {
		if _, err := os.Stat(filepath.Join(root, fmt.Sprintf("artifacts_%d", n))); err != nil {
			return n
		}
	}
}

// bareNames gives missing programs their bare names.
func bareNames(p plan.Programs) plan.Programs {
	return plan.Programs{
		Python: cmp.Or(p.Python, "python"), VLLM: cmp.Or(p.VLLM, "vllm"), AIPerf: cmp.Or(p.AIPerf, "aiperf"),
		Nginx: cmp.Or(p.Nginx, "nginx"), Etcd: cmp.Or(p.Etcd, "etcd"), NATS: cmp.Or(p.NATS, "nats-server"),
	}
}

func printDeviations(env *Env, plans []plan.Plan) {
	for _, p := range plans {
		fmt.Fprintf(env.Stdout, "%s: differences from the guide\n", p.Name)
		for _, d := range p.Deviations {
			since := ""
			if d.Since != "" {
				since = " (since " + d.Since + ")"
			}
			fmt.Fprintf(env.Stdout, "  %s\n    guide: %s\n    here:  %s\n    why:   %s%s\n",
				d.ID, d.Guide, d.Done, d.Why, since)
		}
	}
}

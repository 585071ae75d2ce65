package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"topobench/internal/plan"
	"topobench/internal/profile"
	"topobench/internal/report"
	"topobench/internal/result"
	"topobench/internal/run"
	"topobench/internal/tools"
)

type planCmd struct {
	Profiles []string `arg:"" name:"profile" help:"Built-in names or paths."`
	JSON     bool     `name:"json" help:"The plans as JSON instead of a script; a call of the script puts a word of its own for @CALL@."`
	Guide    bool     `help:"What differs from the guide, and why, instead of a script."`
	Root     string   `name:"artifacts-root-dir" default:"artifacts_root" help:"Where run would write." type:"path"`
	binFlags
	loadFlags
}

// Run prints plans. It starts nothing and writes no file.
func (c *planCmd) Run(env *Env) error {
	profiles, err := loadProfiles(c.Profiles, c.loadFlags, env)
	if err != nil {
		return err
	}
	plans, err := c.plans(profiles, env)
	if err != nil {
		return &usageError{err}
	}
	fmt.Fprint(env.Stderr, report.SettingsTable(result.CompareSettings(deployments(plans)), result.Settings{}))
	switch {
	case c.JSON:
		out := json.NewEncoder(env.Stdout)
		out.SetIndent("", "  ")
		return out.Encode(plans)
	case c.Guide:
		return printDeviations(env, plans)
	}
	if err := run.Comparable(profiles); err != nil { // a script does what run would do
		return &usageError{err}
	}
	return plan.Script(env.Stdout, plans...)
}

// plans plans each profile, and tells all that cannot be planned at once.
func (c *planCmd) plans(profiles []profile.Profile, env *Env) ([]plan.Plan, error) {
	var plans []plan.Plan
	var faults []error
	for i, p := range profiles {
		launch, err := c.make(p, i, env)
		plans, faults = append(plans, launch), append(faults, err)
	}
	return plans, errors.Join(faults...)
}

// make plans one profile at a place that a person may use by hand. Programs that
// are not there keep their names, so that a laptop can print a node's plan.
func (c *planCmd) make(p profile.Profile, i int, env *Env) (plan.Plan, error) {
	programs, found, err := findPrograms(p, c.binFlags, env)
	if err != nil {
		fmt.Fprintf(env.Stderr, "topobench: planned with bare names: %v\n", err)
		programs = orBare(programs)
	}
	for _, t := range need(p) {
		if f, ok := found[t]; ok {
			fmt.Fprintf(env.Stderr, "topobench: %s: %s is %s (%s)\n", p.Name, t, f.Path, f.Source)
		}
	}
	versions := recall(p, found, env)
	launch, err := plan.Make(p, run.ByHand(plan.Site{Artifacts: filepath.Join(c.Root, fmt.Sprintf("artifacts_%d", nextFree(c.Root, i))),
		Programs: programs, Versions: versions, Root: env.Root, Seed: c.Seed, FreshPrompts: c.FreshPrompts}, c.Root, p.Name))
	if err != nil {
		return launch, err
	}
	launch.Inherit = plan.Inherit(env.Environ)
	lines := versionLines([]run.Wish{{Profile: p, Versions: launch.Versions}})
	printAll(env.Stderr, append(contradicted(versions, launch.Versions), lines...), "topobench: "+p.Name+": ")
	warnOfPorts(env, launch)
	return launch, nil
}

func deployments(plans []plan.Plan) []result.Deployment {
	var all []result.Deployment
	for _, p := range plans {
		all = append(all, p.Deployment)
	}
	return all
}

// nextFree is the index that the i-th topology of a run would get.
func nextFree(root string, i int) int {
	for n := 0; ; n++ {
		if _, err := os.Stat(filepath.Join(root, fmt.Sprintf("artifacts_%d", n))); err == nil {
			continue
		}
		if i == 0 {
			return n
		}
		i--
	}
}

func orBare(p plan.Programs) plan.Programs {
	for _, name := range []struct {
		to   *string
		bare string
	}{{&p.Python, "python"}, {&p.VLLM, string(tools.VLLM)}, {&p.AIPerf, string(tools.AIPerf)}, {&p.Nginx, string(tools.Nginx)}, {&p.Etcd, string(tools.Etcd)}, {&p.NATS, "nats-server"}} {
		if *name.to == "" {
			*name.to = name.bare
		}
	}
	return p
}

func printDeviations(env *Env, plans []plan.Plan) error {
	for _, p := range plans {
		fmt.Fprintf(env.Stdout, "%s: what differs from the guide\n", p.Name)
		for _, d := range p.Deviations {
			fmt.Fprintf(env.Stdout, "  %s\n    guide: %s\n    here:  %s\n    why:   %s%s\n", d.ID, d.Guide, d.Done, d.Why, since(d))
		}
	}
	return nil
}

func since(d plan.Deviation) string {
	if d.Since == "" {
		return ""
	}
	return " (since " + d.Since + ")"
}

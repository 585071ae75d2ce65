package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/plan"
	"topobench/internal/preflight"
	"topobench/internal/profile"
	"topobench/internal/programs"
	"topobench/internal/run"
)

// perfCmd has perf.sh's flags, long and short, with perf.sh's defaults.
type perfCmd struct {
	Model       string `default:"neuralmagic/DeepSeek-R1-Distill-Llama-70B-FP8-dynamic" help:"Model id."`
	Tokenizer   string `placeholder:"ID" help:"Tokenizer id or directory (default: the model)."`
	URL         string `name:"url" default:"http://localhost:8000" help:"Server: base, .../v1 or whole completions URL."`
	APIKeyEnv   string `name:"api-key-env" placeholder:"NAME" help:"Variable with the server's API key."`
	ISL         int    `name:"input-sequence-length" aliases:"isl" default:"3000" help:"Input tokens (--isl)."`
	OSL         int    `name:"output-sequence-length" aliases:"osl" default:"150" help:"Output tokens (--osl)."`
	Concurrency levels `default:"1,2,4,8,16,32,64,128,256" help:"Comma-separated concurrency levels."`
	Mode        string `enum:"aggregated,disaggregated" default:"aggregated" help:"${enum}."`
	Kind        string `name:"deployment-kind" default:"dynamo" help:"Label on the chart: kind_mode."`
	Root        string `name:"artifacts-root-dir" default:"artifacts_root" type:"path" help:"Directory of the results."`
	TP          int    `name:"tensor-parallelism" aliases:"tp" help:"GPUs of each aggregated server (--tp)."`
	DP          int    `name:"data-parallelism" aliases:"dp" help:"Number of aggregated servers (--dp)."`
	PrefillTP   int    `name:"prefill-tensor-parallelism" aliases:"prefill-tp" help:"(--prefill-tp)"`
	PrefillDP   int    `name:"prefill-data-parallelism" aliases:"prefill-dp" help:"(--prefill-dp)"`
	DecodeTP    int    `name:"decode-tensor-parallelism" aliases:"decode-tp" help:"(--decode-tp)"`
	DecodeDP    int    `name:"decode-data-parallelism" aliases:"decode-dp" help:"(--decode-dp)"`

	Seed         int    `default:"100" help:"aiperf's random seed; perf.sh's is ${default}."`
	FreshPrompts bool   `help:"A seed of its own for each concurrency."`
	Exact        bool   `help:"perf.sh's aiperf arguments and no others."`
	FailFast     bool   `help:"Stop at the first cell that is not valid."`
	Verbose      bool   `help:"Print deviations, prompts and times in full after the run."`
	AIPerf       string `name:"aiperf" help:"aiperf command." placeholder:"PATH"`
	limitFlags   `group:"Disk"`
}

// Run measures a server that is already running, with perf.sh's artifacts.
func (c *perfCmd) Run(ctx context.Context, env *Env, s *signals) error {
	if err := errors.Join(linuxOnly("perf"), c.resolve(env), c.check(), c.checkServer(ctx, env)); err != nil {
		return &usageError{err}
	}
	session, err := env.start(ctx, s, preflight.Request{Profiles: []profile.Profile{c.profile()},
		Programs: programs.Paths{AIPerf: c.AIPerf}, Root: c.Root, LogCap: uint64(c.LogCap), MinFree: uint64(c.MinFree)},
		run.Options{FailFast: c.FailFast, Key: env.Getenv(c.APIKeyEnv)}, 0)
	if err != nil {
		return err
	}
	if err := c.plan(&session.topologies[0], env); err != nil {
		return session.close(err)
	}
	topologies, err := session.Run(session.WatchDisk(ctx), session.topologies, run.LadderOf(session.topologies, 1))
	session.At(run.Reporting)
	summary := runCmd{Verbose: c.Verbose, loadFlags: loadFlags{FreshPrompts: c.FreshPrompts}}
	err = errors.Join(session.close(err), summary.report(env, session, topologies))
	return errors.Join(err, summary.lateInterrupt(ctx, err))
}

// resolve makes a tokenizer's directory absolute, as aiperf runs in another one, and
// gives one that was not named the model's.
func (c *perfCmd) resolve(env *Env) (err error) {
	c.Tokenizer, err = env.reader().ModelPath(cmp.Or(c.Tokenizer, c.Model))
	return err
}

// plan plans the load on the server.
func (c *perfCmd) plan(t *preflight.Topology, env *Env) (err error) {
	on := preflight.Request{AsRoot: env.Root, Environ: env.Environ, Getenv: env.Getenv}.
		Installation(t.Programs, t.Versions)
	t.Plan = plan.LoadOnly(t.Profile, c.deployment(), c.URL, on,
		aiperf.Options{Seed: c.Seed, FreshPrompts: c.FreshPrompts})
	t.Plan, err = c.withKey(t, env)
	return err
}

// check is what perf.sh gets wrong: it accepts tp=0 with dp=2, and then all throughput is divided by nothing.
func (c *perfCmd) check() error {
	var faults []error
	want := map[string]int{"--tensor-parallelism": c.TP, "--data-parallelism": c.DP}
	if c.Mode == "disaggregated" {
		want = map[string]int{"--prefill-tensor-parallelism": c.PrefillTP, "--prefill-data-parallelism": c.PrefillDP,
			"--decode-tensor-parallelism": c.DecodeTP, "--decode-data-parallelism": c.DecodeDP}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if want[name] < 1 {
			faults = append(faults,
				fmt.Errorf("--mode %s needs %s: throughput is divided by the GPUs it gives", c.Mode, name))
		}
	}
	return errors.Join(append(faults, inBounds("isl", c.ISL), inBounds("osl", c.OSL), checkConcurrency(c.Concurrency),
		checkSeed(c.Seed))...)
}

func (c *perfCmd) deployment() artifacts.Deployment {
	d := artifacts.Deployment{Kind: c.Kind, Model: c.Model, ISL: c.ISL, OSL: c.OSL, Mode: c.Mode}
	if c.Mode == "disaggregated" {
		d.PrefillTP, d.PrefillDP, d.DecodeTP, d.DecodeDP = c.PrefillTP, c.PrefillDP, c.DecodeTP, c.DecodeDP
	} else {
		d.TP, d.DP = c.TP, c.DP
	}
	return d
}

// profile holds the load, and the tokenizer: the server has no profile of ours.
func (c *perfCmd) profile() profile.Profile {
	return profile.Profile{Name: "perf", Engine: programs.External, Tokenizer: c.Tokenizer,
		Load: profile.Sweep{ISL: c.ISL, OSL: c.OSL, Concurrency: c.Concurrency, Exact: c.Exact}}
}

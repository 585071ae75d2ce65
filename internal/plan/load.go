package plan

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/profile"
	"topobench/internal/text"
)

// load decides where the load goes, and with what. The smoke sends the same body.
func (b *builder) load() {
	entries := b.backends
	if b.p.Balancer != nil {
		entries = []string{at(b.address(b.p.Balancer.Host), b.p.Balancer.Port)}
	}
	var urls, direct []string
	for _, entry := range entries {
		direct = append(direct, "http://"+entry)
		urls = append(urls, "http://"+strings.Replace(entry, loopback+":", "localhost:", 1)) // the guide's
	}
	b.plan.Load = b.loadOn(urls)
	smoke := newSmoke(b.p.Timeouts.Ready, direct...)
	smoke.Counters, smoke.Transfers = b.plan.Smoke.Counters, b.plan.Smoke.Transfers
	smoke.Uncounted = b.plan.Smoke.Uncounted
	smoke.Round = max(len(direct), len(b.p.Prefill), len(b.p.Decode), len(b.p.Aggregated))
	if b.p.Balancer != nil && b.p.Engine != "mocker" { // a simulated engine compiles no kernels
		smoke.Direct = text.Each(b.backends, func(entry string) string { return "http://" + entry })
	}
	b.plan.Smoke = smoke
}

// absentFor covers the restart of a proxy in front of a server that runs.
const absentFor = 3 * time.Second

// LoadOnly is the plan of a load on a server that others run: nothing is started. The
// deployment describes that server, and url is its base, with or without /v1, or the whole
// URL of its completions; the profile has the tokenizer, the load and its limits.
func LoadOnly(p profile.Profile, d artifacts.Deployment, url string, on Installation, o aiperf.Options) Plan {
	p.Model = d.Model
	b := &builder{p: p, here: on, options: o, rules: rulesFor(on.Versions)}
	b.plan = Plan{Name: p.Name, Kind: d.Kind, Mode: d.Mode, Model: d.Model, Versions: on.Versions,
		Inherit: on.Inherit, Dropped: on.Dropped,
		Choices: Choices{LocalTokenizer: filepath.IsAbs(tokenizer(p))}, Deployment: d}
	base, endpoint := aiperf.Split(url)
	b.plan.Smoke = newSmoke(cmp.Or(p.Timeouts.Ready, profile.Defaults().Timeouts.Ready), base)
	b.plan.Smoke.Absent = absentFor
	b.plan.Load = b.loadOn([]string{base})
	b.plan.Load.Endpoint = endpoint
	b.plan.Deployment.Load, b.plan.Deployment.Programs = RequestsOf(b.plan.Load), on.Versions.byName()
	return b.plan
}

// WithKey is a plan whose requests send the key in the caller's variable. python runs aiperf then.
func (p Plan) WithKey(variable, python string) (Plan, error) {
	if p.Versions.AIPerf.below("0.9") {
		return p, fmt.Errorf("cannot send a key: aiperf %s writes the headers of its requests into its results; "+
			"install aiperf 0.9 or later", p.Versions.AIPerf)
	}
	p.Load.Python = python
	p.Load.Env = append(slices.Clone(p.Load.Env), aiperf.KeyVariable+"=${ENV:"+variable+"}")
	return p, nil
}

func (b *builder) loadOn(urls []string) aiperf.Load {
	l := b.p.Load
	load := aiperf.Load{
		AIPerf: b.here.Programs.AIPerf, Model: b.plan.Model, Tokenizer: tokenizer(b.p), URLs: urls,
		TrustRemote: trusts(b.p),
		ISL:         l.ISL, OSL: l.OSL, Concurrency: l.Concurrency, Options: b.options, Exact: l.Exact, NVExt: true,
		Args: l.Args, SLO: l.SLO,
		Quiet: b.rules.quietLoad, Records: b.rules.records, Batched: b.rules.batchedLoad,
		Timeout: b.p.Timeouts.Cell, Progress: b.p.Timeouts.Progress, Artifacts: Unplaced().Artifacts,
	}
	load.Env = append(b.loadEnv(), load.LimitVariables()...)
	return load
}

// loadEnv is aiperf's environment, without its limits.
// The variables of the profile are the workers', but aiperf needs those that lead to the same tokenizer.
func (b *builder) loadEnv() []string {
	var env []string
	if b.plan.Choices.LocalTokenizer {
		// With either of them set, to 0 even, aiperf 0.13 refuses a local tokenizer (HFValidationError).
		env = append(env, "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
	}
	env = slices.Concat(env, bookkeeping(), b.networkEnv())
	for _, kv := range pairs(b.p.Env) {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "HF_") && !slices.Contains(env, name) {
			env = append(env, kv)
		}
	}
	return ProgramEnv(b.here.Programs.AIPerf, b.here.Cache, append(env, "TERM=dumb", "COLUMNS=120"))
}

// trusts reports whether the arguments of an engine let a model's own Python run: its tokenizer may need it too.
func trusts(p profile.Profile) bool {
	args := slices.Clone(p.EngineArgs)
	for _, w := range slices.Concat(p.Prefill, p.Decode, p.Aggregated) {
		args = append(args, w.EngineArgs...)
	}
	return option(args, "trust-remote-code") == "on"
}

func tokenizer(p profile.Profile) string { return cmp.Or(p.Tokenizer, p.Model) }

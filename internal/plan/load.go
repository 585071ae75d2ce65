package plan

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/profile"
)

// load decides where the load goes, and with what. The smoke sends the same body.
func (b *builder) load() {
	entries := b.backends
	if b.p.Balancer != nil {
		entries = []string{at(b.bind(b.p.Balancer.Host), b.p.Balancer.Port)}
	}
	var urls, direct []string
	for _, entry := range entries {
		direct = append(direct, "http://"+entry)
		urls = append(urls, "http://"+strings.Replace(entry, loopback+":", "localhost:", 1)) // the guide's
	}
	b.plan.Load = b.loadOn(urls)
	smoke := newSmoke(direct...)
	smoke.Counters, smoke.Transfers = b.plan.Smoke.Counters, b.plan.Smoke.Transfers
	smoke.Round = max(len(direct), len(b.p.Prefill), len(b.p.Decode), len(b.p.Aggregated))
	smoke.Patience = min(smoke.Patience, b.p.Timeouts.Ready) // a router that lags behind is not ready either
	b.plan.Smoke = smoke
}

// LoadOnly is the plan of a load on a server that others run: nothing is started. The
// deployment describes that server; the profile has the tokenizer, the load and its limits.
func LoadOnly(p profile.Profile, d artifacts.Deployment, url string, on Installation, o aiperf.Options) Plan {
	p.Model = d.Model
	b := &builder{p: p, on: on, options: o, rules: rulesFor(on.Versions)}
	b.plan = Plan{Name: p.Name, Kind: d.Kind, Mode: d.Mode, Model: d.Model, Versions: on.Versions, Inherit: on.Inherit,
		Choices: Choices{LocalTokenizer: filepath.IsAbs(tokenizer(p))}, Deployment: d, Smoke: newSmoke(url)}
	b.plan.Load = b.loadOn([]string{url})
	b.plan.Deployment.Load = RequestsOf(b.plan.Load)
	return b.plan
}

func (b *builder) loadOn(urls []string) aiperf.Load {
	l := b.p.Load
	return aiperf.Load{
		AIPerf: b.on.Programs.AIPerf, Model: b.plan.Model, Tokenizer: tokenizer(b.p), URLs: urls,
		TrustRemote: trusts(b.p),
		ISL:         l.ISL, OSL: l.OSL, Concurrency: l.Concurrency, Options: b.options, Exact: l.Exact, NVExt: true,
		Quiet: b.rules.quietLoad, Records: b.rules.records, Batched: b.rules.batchedLoad,
		Timeout: b.p.Timeouts.Cell, Progress: b.p.Timeouts.Progress, Artifacts: Unplaced().Artifacts, Env: b.loadEnv(),
	}
}

// loadEnv is aiperf's environment. On two cores its services need longer than the 30 s that it gives them to register.
// The variables of the profile are the workers', but aiperf needs those that lead to the same tokenizer.
func (b *builder) loadEnv() []string {
	var env []string
	if b.plan.Choices.LocalTokenizer {
		// With either of them set, to 0 even, aiperf 0.13 refuses a local tokenizer (HFValidationError).
		env = append(env, "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
	}
	env = append(env, bookkeeping()...)
	for _, kv := range pairs(b.p.Env) {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "HF_") && !slices.Contains(env, name) {
			env = append(env, kv)
		}
	}
	return append(env, "AIPERF_SERVICE_REGISTRATION_TIMEOUT=300", "AIPERF_SERVICE_START_TIMEOUT=300",
		"TERM=dumb", "COLUMNS=120")
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

package plan

import (
	"path/filepath"
	"slices"
	"strings"

	"topobench/internal/aiperf"
	"topobench/internal/profile"
)

// load decides where the load goes and with what; the smoke sends the same body.
func (d *draft) load() {
	l := d.p.Load
	var urls, direct []string
	for _, entry := range d.entries() {
		direct = append(direct, "http://"+entry)
		urls = append(urls, "http://"+strings.Replace(entry, loopback+":", "localhost:", 1)) // as the guide has it
	}
	d.plan.Load = aiperf.Load{AIPerf: d.s.Programs.AIPerf, Model: d.plan.Model, Tokenizer: tokenizer(d.p), URLs: urls,
		ISL: l.ISL, OSL: l.OSL, Concurrency: l.Concurrency, Seed: d.s.Seed, FreshPrompts: d.s.FreshPrompts, Exact: l.Exact, Quiet: d.rules.quietLoad, NVExt: true,
		Batched: d.rules.batchedLoad, Timeout: d.p.Timeouts.Cell, Progress: d.p.Timeouts.Progress, Artifacts: d.s.Artifacts, Env: LoadEnv(d.p, d.s)}
	counters, transfers := d.plan.Smoke.Counters, d.plan.Smoke.Transfers
	d.plan.Smoke = NewSmoke(direct...)
	d.plan.Smoke.Counters, d.plan.Smoke.Transfers = counters, transfers
	d.plan.Smoke.Round = max(len(direct), len(d.p.Prefill), len(d.p.Decode), len(d.p.Aggregated))
	d.plan.Smoke.Patience = min(d.plan.Smoke.Patience, d.p.Timeouts.Ready) // a lagging router is not ready either
}

// LoadEnv is aiperf's environment. On two cores its services need longer than
// the 30 s it gives them to register. The profile's env is the workers', but for what
// tells where models and tokens are: aiperf must find the workers' tokenizer.
func LoadEnv(p profile.Profile, s Site) []string {
	var env []string
	if filepath.IsAbs(tokenizer(p)) {
		// With either of them set, to 0 even, aiperf 0.13 refuses a local tokenizer (HFValidationError).
		env = append(env, "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
	}
	env = append(env, bookkeeping(s)...)
	for _, kv := range pairs(p.Env) {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "HF_") && !slices.Contains(env, name) {
			env = append(env, kv)
		}
	}
	return append(env, "AIPERF_SERVICE_REGISTRATION_TIMEOUT=300", "AIPERF_SERVICE_START_TIMEOUT=300", "TERM=dumb", "COLUMNS=120")
}

func tokenizer(p profile.Profile) string {
	if p.Tokenizer != "" {
		return p.Tokenizer
	}
	return p.Model
}

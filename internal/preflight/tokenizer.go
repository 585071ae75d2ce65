package preflight

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"topobench/internal/aiperf"
	"topobench/internal/plan"
	"topobench/internal/programs"
)

// tokenizer loads the tokenizer of a topology, as aiperf will. One that has to be downloaded is left to LoadTokenizer,
// once the hub lists it, unless only the load is ours: aiperf would download it in its first cell. toFetch: the model
// is fetched before the start, and its tokenizer with it.
func (r Request) tokenizer(ctx context.Context, t Topology, toFetch bool) []Check {
	at := r.tokenizerOf(t)
	if at.OnDisk() || filepath.IsAbs(at.Name) || t.Profile.Engine == programs.External {
		return loaded(r.LoadTokenizer(ctx, t), t.Profile.Name+": the tokenizer "+at.Name+" loads")
	}
	p := r.tokenizerProber(t)
	python := p.Interpreter(programs.AIPerf, t.Programs.AIPerf)
	if python != "" && t.Programs.AIPerf != "" {
		if err := p.LoadSettings(ctx, python, at); err != nil {
			return loaded(err, "")
		}
	}
	if !toFetch || at.Name != t.Profile.Model {
		m := programs.Model{ID: at.Name, Hub: at.Hub, Format: "dummy"} // no weights
		if err := r.available(ctx, p, python, m); err != nil {
			return []Check{fail(Model, t.Profile.Source+": the tokenizer: "+err.Error(), "")}
		}
	}
	return []Check{ok(Model, t.Profile.Name+": the tokenizer "+at.Name+" is loaded after its download")}
}

// loaded is the check of what aiperf's interpreter loads: its variables and a tokenizer.
func loaded(err error, found string) []Check {
	if _, settings := errors.AsType[*programs.SettingsError](err); settings {
		return failed(Environment, err, "")
	}
	return failed(Model, err, found)
}

func (r Request) tokenizerOf(t Topology) programs.Tokenizer {
	at := programs.TokenizerOf(t.Profile, t.Plan.Load.TrustRemote, r.Getenv)
	for _, kv := range r.Environ {
		if strings.HasPrefix(kv, aiperf.VariablePrefix) {
			at.Settings += kv + "\n"
		}
	}
	return at
}

// LoadTokenizer loads the tokenizer of a topology in the interpreter of aiperf, with its environment. It skips an
// aiperf whose interpreter is unknown.
func (r Request) LoadTokenizer(ctx context.Context, t Topology) error {
	p := r.tokenizerProber(t)
	python := p.Interpreter(programs.AIPerf, t.Programs.AIPerf)
	if python == "" || t.Programs.AIPerf == "" {
		return nil
	}
	return p.LoadTokenizer(ctx, python, r.tokenizerOf(t))
}

// tokenizerProber has the environment of the load but for the places of a launch, which do not exist yet.
func (r Request) tokenizerProber(t Topology) programs.Prober {
	prober := r.Prober(t.Profile, programs.AIPerf, t.Programs.AIPerf)
	var own []string
	for _, kv := range t.Plan.Load.Env {
		if !strings.Contains(kv, "\x00") {
			own = append(own, kv)
		}
	}
	if t.Profile.Engine == programs.External { // its load is planned later
		load := t.Profile.Load
		own = aiperf.Load{ISL: load.ISL, OSL: load.OSL, Concurrency: load.Concurrency}.LimitVariables()
	}
	environ, _ := plan.LoadEnviron(r.Environ, own)
	prober.Environ = aiperf.Environ(environ, r.Environ)
	if prober.Cache != "" {
		prober.Cache = filepath.Join(filepath.Dir(prober.Cache), "tokenizers.json")
	}
	return prober
}

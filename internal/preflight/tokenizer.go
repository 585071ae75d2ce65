package preflight

import (
	"context"
	"path/filepath"
	"strings"

	"topobench/internal/plan"
	"topobench/internal/programs"
)

// tokenizer loads the tokenizer of a topology, as aiperf will. One that has to be downloaded is left to LoadTokenizer,
// once the hub lists it, unless only the load is ours: aiperf would download it in its first cell. toFetch: the model
// is fetched before the start, and its tokenizer with it.
func (r Request) tokenizer(ctx context.Context, t Topology, toFetch bool) []Check {
	at := r.tokenizerOf(t)
	if at.OnDisk() || filepath.IsAbs(at.Name) || t.Profile.Engine == programs.External {
		return failed(Model, r.LoadTokenizer(ctx, t), t.Profile.Name+": the tokenizer "+at.Name+" loads")
	}
	if !toFetch || at.Name != t.Profile.Model {
		p := r.tokenizerProber(t)
		python := p.Interpreter(programs.AIPerf, t.Programs.AIPerf)
		m := programs.Model{ID: at.Name, Hub: at.Hub, Format: "dummy"} // no weights
		if err := r.available(ctx, p, python, m); err != nil {
			return []Check{fail(Model, t.Profile.Source+": the tokenizer: "+err.Error(), "")}
		}
	}
	return []Check{ok(Model, t.Profile.Name+": the tokenizer "+at.Name+" is loaded after its download")}
}

func (r Request) tokenizerOf(t Topology) programs.Tokenizer {
	return programs.TokenizerOf(t.Profile, t.Plan.Load.TrustRemote, r.Getenv)
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
	prober.Environ, _ = plan.LoadEnviron(r.Environ, own)
	if prober.Cache != "" {
		prober.Cache = filepath.Join(filepath.Dir(prober.Cache), "tokenizers.json")
	}
	return prober
}

package preflight

import (
	"context"
	"fmt"

	"topobench/internal/programs"
)

// model checks what every engine and aiperf load. The tokenizer of a model that is not there is not tried.
func (r Request) model(ctx context.Context, t Topology) []Check {
	checks, toFetch := r.engineModel(ctx, t)
	if have := checks[0]; have.State == Failure || have.State == Warning && t.unfit != nil {
		return checks
	}
	checks = append(checks, r.tokenizer(ctx, t, toFetch)...)
	p := t.Profile
	if dir := programs.Namesake(p); dir != "" {
		checks = append(checks, warn(Model, fmt.Sprintf("%s: model %s is an id of the hub, and the directory %s has "+
			"that name too", p.Name, p.Model, dir), "write its path, with ./ or / in front, to serve the directory"))
	}
	return checks
}

// engineModel checks what every engine loads.
func (r Request) engineModel(ctx context.Context, t Topology) (checks []Check, toFetch bool) {
	if err := programs.CheckModel(t.Profile, r.Getenv); err != nil {
		return failed(Model, err, ""), false
	}
	have, toFetch := r.present(ctx, t)
	return []Check{have}, toFetch
}

// present checks that a model is here, or will be fetched before the start.
func (r Request) present(ctx context.Context, t Topology) (c Check, toFetch bool) {
	found := t.Profile.Name + ": model " + t.Profile.Model
	m, isID := programs.ModelOf(t.Profile, r.Getenv)
	if !isID || m.Cached() {
		return ok(Model, found), false
	}
	found += " is not in the Hugging Face cache " + m.Hub
	if t.unfit != nil {
		return warn(Model, found, "correct the programs first: the engine's Python probes the hub"), false
	}
	prober, python := r.Fetcher(t)
	if python == "" {
		return warn(Model, found+", and each worker downloads it: cannot see which Python runs the engine",
			"run hf download "+m.ID+" first"), false
	}
	if err := r.available(ctx, prober, python, m); err != nil {
		return fail(Model, t.Profile.Source+": "+err.Error(), ""), false
	}
	return ok(Model, found+", and is fetched before the start"), true
}

// Fetcher is the interpreter that fetches the model of a topology, with a prober in the environment of the engine;
// "" = it is unknown, and each worker downloads the model.
func (r Request) Fetcher(t Topology) (p programs.Prober, python string) {
	tool, program := programs.Engine(t.Profile), t.Programs.Python
	if tool == programs.VLLM {
		program = t.Programs.VLLM
	}
	p = r.Prober(t.Profile, tool, program)
	return p, p.Interpreter(tool, program)
}

// atHub is a model, and the interpreter that fetches it.
type atHub struct {
	python string
	programs.Model
}

// available fails if a model cannot be fetched. Two topologies with one model need one answer of the hub.
func (r Request) available(ctx context.Context, p programs.Prober, python string, m programs.Model) error {
	if python == "" {
		return nil
	}
	err, known := r.hub[atHub{python, m}]
	if !known {
		err = p.Available(ctx, python, m)
		r.hub[atHub{python, m}] = err
	}
	return err
}

package preflight

import (
	"context"
	"fmt"

	"topobench/internal/programs"
)

// model checks what every engine and aiperf load. The tokenizer of a model that is not there is not tried.
func (r Request) model(ctx context.Context, t Topology) []Check {
	p := t.Profile
	if err := programs.CheckModel(p, r.Getenv); err != nil {
		return failed(Model, err, "")
	}
	found := p.Name + ": model " + p.Model
	if m, isID := programs.ModelOf(p, r.Getenv); isID && !m.Cached() {
		prober, python := r.Fetcher(t)
		if err := r.available(ctx, prober, python, m); err != nil {
			return []Check{fail(Model, p.Source+": "+err.Error(), "")}
		}
		found += " is fetched before the start: it is not in the cache " + m.Hub
	}
	checks := append([]Check{ok(Model, found)}, r.tokenizer(ctx, t)...)
	if dir := programs.Namesake(p); dir != "" {
		checks = append(checks, warn(Model, fmt.Sprintf("%s: model %s is an id of the hub, and the directory %s has "+
			"that name too", p.Name, p.Model, dir), "write its path, with ./ or / in front, to serve the directory"))
	}
	return checks
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

// available fails if a model cannot be fetched. Two topologies with one model need one answer of the hub.
func (r Request) available(ctx context.Context, p programs.Prober, python string, m programs.Model) error {
	if python == "" {
		return nil
	}
	err, known := r.hub[m]
	if !known {
		err = p.Available(ctx, python, m)
		r.hub[m] = err
	}
	return err
}

package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"topobench/internal/preflight"
	"topobench/internal/programs"
	"topobench/internal/recovery"
)

// preflight makes every check of a command that starts something, and prints the warnings. The error joins all faults.
func (e *Env) preflight(ctx context.Context, r preflight.Request) (preflight.Report, error) {
	r.Environ, r.Getenv, r.PortRange, r.AsRoot = e.Environ, e.Getenv, e.PortRange, e.Root
	r.Temp, r.TempName = cmp.Or(e.Getenv(tempVariable), recovery.DefaultTemp), tempVariable
	report := preflight.All(ctx, r)
	for _, w := range report.Warnings() {
		fmt.Fprintf(e.Stderr, "topobench: warning: %s\n", w)
	}
	return report, report.Err()
}

// fetchModels downloads each model that is missing from its cache, once: otherwise every worker would download it at
// the same time.
func (s *session) fetchModels(ctx context.Context) error {
	var faults []error
	tried := map[programs.Model]bool{}
	for _, w := range s.topologies {
		model, ok := programs.ModelOf(w.Profile, s.env.Getenv)
		if !ok || tried[model] || model.Cached() {
			continue
		}
		tried[model] = true
		s.Screen.Note(fmt.Sprintf("fetching model %s, once for all workers", model.ID))
		faults = append(faults, s.fetch(ctx, w))
	}
	return errors.Join(faults...)
}

func (s *session) fetch(ctx context.Context, w preflight.Topology) error {
	tool, program := programs.Engine(w.Profile), w.Programs.Python
	if tool == programs.VLLM {
		program = w.Programs.VLLM
	}
	prober := preflight.Request{Environ: s.env.Environ, Getenv: s.env.Getenv}.Prober(w.Profile, tool)
	prober.Within = w.Profile.Timeouts.Ready
	log := filepath.Join(s.Dir.Path(), "fetch.log")
	return prober.Fetch(ctx, prober.Interpreter(program), w.Profile.Model, log)
}

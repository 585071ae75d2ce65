package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"topobench/internal/preflight"
	"topobench/internal/programs"
	"topobench/internal/run"
)

// fetchModels downloads each model that is missing from its cache, once: otherwise every worker would download it at
// the same time.
func (s *session) fetchModels(ctx context.Context, wishes []run.Wish) error {
	var faults []error
	tried := map[programs.Model]bool{}
	for _, w := range wishes {
		model, ok := programs.ModelOf(w.Profile, s.env.Getenv)
		if !ok || tried[model] || model.Cached() {
			continue
		}
		tried[model] = true
		s.screen.Note(fmt.Sprintf("fetching model %s, once for all workers", model.ID))
		faults = append(faults, s.fetch(ctx, w))
	}
	return errors.Join(faults...)
}

func (s *session) fetch(ctx context.Context, w run.Wish) error {
	tool, program := programs.Engine(w.Profile), w.Programs.Python
	if tool == programs.VLLM {
		program = w.Programs.VLLM
	}
	prober := preflight.Prober(w.Profile, tool, s.env.Environ, s.env.Getenv)
	prober.Within = w.Profile.Timeouts.Ready
	log := filepath.Join(s.campaign.Run.Path(), "fetch.log")
	return prober.Fetch(ctx, prober.Interpreter(program), w.Profile.Model, log)
}

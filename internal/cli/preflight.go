package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"topobench/internal/journal"
	"topobench/internal/preflight"
	"topobench/internal/programs"
	"topobench/internal/recovery"
	"topobench/internal/run"
)

// preflight makes every check before a command starts processes, and prints the warnings. The error joins all faults.
func (e *Env) preflight(ctx context.Context, r preflight.Request) (preflight.Report, error) {
	r.Environ, r.Getenv, r.PortRange = e.Environ, e.Getenv, e.PortRange
	r.Temp, r.TempName = cmp.Or(e.Getenv(tempVariable), recovery.DefaultTemp), tempVariable
	report := preflight.All(ctx, r)
	for _, w := range report.Warnings() {
		fmt.Fprintf(e.Stderr, "topobench: warning: %s\n", w)
	}
	return report, report.Err()
}

// wishes are the checked topologies, as run takes them.
func wishes(checked []preflight.Topology) []run.Wish {
	var all []run.Wish
	for _, t := range checked {
		all = append(all, run.Wish(t))
	}
	return all
}

// announce prints the versions that were found and writes them into the journal.
func (s *session) announce(checked []preflight.Topology) {
	for _, line := range preflight.VersionLines(checked) {
		s.screen.Note(line)
	}
	for _, t := range checked {
		s.campaign.Journal.Note(journal.Versions{Topology: t.Profile.Name, Versions: t.Versions})
	}
}

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

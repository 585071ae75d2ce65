package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"topobench/internal/probe"
	"topobench/internal/profile"
	"topobench/internal/run"
	"topobench/internal/tools"
)

// checkModel refuses a model that no worker could load: a directory that is not
// there, or an id that would have to be fetched although that is forbidden.
func checkModel(p profile.Profile, env *Env) error {
	if filepath.IsAbs(p.Model) {
		if info, err := os.Stat(p.Model); err != nil || !info.IsDir() {
			return fmt.Errorf("%s: model %s is not a directory that can be read (make tools makes the one of the demos)", p.Source, p.Model)
		}
		return nil
	}
	getenv := modelEnv(p, env)
	if offline := getenv("HF_HUB_OFFLINE"); offline != "" && offline != "0" && !probe.Cached(getenv, p.Model) {
		return fmt.Errorf("%s: model %s is not in the Hugging Face cache, and HF_HUB_OFFLINE forbids to fetch it: hf download %s where there is a network", p.Source, p.Model, p.Model)
	}
	return nil
}

// modelEnv is the environment in which workers look for a model: the profile's
// before the caller's.
func modelEnv(p profile.Profile, env *Env) func(string) string {
	return func(name string) string {
		own, set := p.Env[name]
		if !set {
			return env.Getenv(name)
		}
		if other, is := profile.Reference(own); is {
			return env.Getenv(other)
		}
		return own
	}
}

// fetchModels downloads each model that is not there yet, once: else every worker
// would fetch it at the same time.
func (s *session) fetchModels(ctx context.Context, wishes []run.Wish) error {
	var faults []error
	tried := map[string]bool{}
	for _, w := range wishes {
		p := w.Profile
		if filepath.IsAbs(p.Model) || tried[p.Model] || probe.Cached(modelEnv(p, s.env), p.Model) {
			continue
		}
		tried[p.Model] = true
		s.screen.Note(fmt.Sprintf("fetching model %s, once for all workers", p.Model))
		faults = append(faults, s.fetch(ctx, w))
	}
	return errors.Join(faults...)
}

func (s *session) fetch(ctx context.Context, w run.Wish) error {
	tool, program := tools.Python, w.Programs.Python
	if w.Profile.Engine == "vllm" {
		tool, program = tools.VLLM, w.Programs.VLLM
	}
	ask := prober(w.Profile, tool, s.env)
	ask.Within = w.Profile.Timeouts.Ready
	return ask.Fetch(ctx, ask.Interpreter(program), w.Profile.Model, filepath.Join(s.campaign.Run.Path(), "fetch.log"))
}

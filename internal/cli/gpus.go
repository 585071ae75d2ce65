package cli

import (
	"errors"
	"slices"

	"topobench/internal/journal"
	"topobench/internal/plan"
	"topobench/internal/run"
	"topobench/internal/tools"
)

// gpuFlags say what happens when others use the GPUs.
type gpuFlags struct {
	WaitGPUs duration `name:"wait-gpus" help:"Wait so long for GPUs that others use, such as 2h; else exit 6. Nobody is ended." placeholder:"DURATION" group:"GPUs"`
}

// nvidiaSMI is the path of nvidia-smi, or "": without NVIDIA's driver there is none.
// One that was named must be there.
func nvidiaSMI(f binFlags, env *Env) (string, error) {
	found, err := tools.Search{Flags: tools.Bins(f), Getenv: env.Getenv}.Find(tools.NvidiaSMI)
	if _, none := errors.AsType[*tools.NotFoundError](err); err != nil && !none {
		return "", &usageError{err}
	}
	return found[tools.NvidiaSMI].Path, nil
}

// lookAtGPUs makes the campaign do so, and says where it cannot.
func (s *session) lookAtGPUs(path string, f gpuFlags, wishes []run.Wish) {
	s.campaign.NvidiaSMI, s.campaign.WaitGPUs = path, f.WaitGPUs.value()
	real := func(w run.Wish) bool { return plan.RealGPUs(w.Profile.Engine, w.Versions.VLLM) }
	if path != "" || !slices.ContainsFunc(wishes, real) {
		return
	}
	const text = "no nvidia-smi: GPUs are not looked at"
	s.screen.Note(text)
	s.campaign.Journal.Note(journal.GPUsUnknown{Why: text})
}

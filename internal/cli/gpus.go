package cli

import (
	"topobench/internal/journal"
	"topobench/internal/preflight"
)

// gpuFlags say what happens when the GPUs are busy.
type gpuFlags struct {
	Wait duration `name:"wait-gpus" help:"Wait up to this long for busy GPUs (default: exit 6)." placeholder:"DURATION"`
}

// watchGPUs makes the campaign check the GPUs, or records why it cannot.
func (s *session) watchGPUs(report preflight.Report, f gpuFlags) {
	s.campaign.NvidiaSMI, s.campaign.WaitGPUs = report.NvidiaSMI, f.Wait.value()
	for _, w := range report.Warnings() {
		if w.Name != preflight.GPUs {
			continue
		}
		s.campaign.Journal.Note(journal.GPUsUnknown{Why: w.Found})
	}
}

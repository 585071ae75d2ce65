package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"topobench/internal/artifacts"
	"topobench/internal/deploy"
	"topobench/internal/host"
	"topobench/internal/journal"
	"topobench/internal/preflight"
	"topobench/internal/run"
)

// limitFlags bound the disk space that a run uses.
type limitFlags struct {
	LogCap  size `default:"256MiB" help:"Cap on each log; longer logs keep only head and tail (0 = no cap)."`
	MinFree size `default:"1GiB" help:"Disk space that must be free for logs, beside the results (0 = not checked)."`
}

// reserveShare of --min-free stays free for the results.
const reserveShare = 16

// watchDisk applies the limits to the session's files, until close. The context ends when nothing more can be
// written.
func (s *session) watchDisk(ctx context.Context, f limitFlags) context.Context {
	s.campaign.Starter.Logs = host.NewLogs(int64(f.LogCap))
	guarded, stop := s.campaign.Guard(ctx, uint64(f.MinFree)/reserveShare)
	s.unguard = stop
	return guarded
}

// explainDiskFault adds the state of the run to the fault of the disk that ended it. A removed run directory is the
// cause of every other fault.
func (s *session) explainDiskFault(why error) error {
	if why == nil {
		return nil
	}
	_, storage := errors.AsType[*run.StorageError](why)
	if gone := s.campaign.Run.Check(); gone != nil && !storage {
		why, storage = errors.Join(gone, why), true
	}
	_, dirty := errors.AsType[*deploy.DirtyError](why)
	if dirty || !storage && !artifacts.DiskFault(why) && !fileForbidden(why) {
		return why
	}
	return fmt.Errorf("%w%s\n  the run was ended: what was started is taken down, and finished cells are kept",
		why, diskAdvice(why))
}

// fileForbidden reports whether the user lacks the permission for a file of the run. A program that the user may not
// execute has the same errno, but is no fault of the disk.
func fileForbidden(err error) bool {
	for _, e := range flatten(err) {
		path, ok := errors.AsType[*fs.PathError](e)
		if errors.Is(e, fs.ErrPermission) && !(ok && path.Op == "exec") {
			return true
		}
	}
	return false
}

// diskAdvice returns the remedy for a fault of the disk, unless err contains it.
func diskAdvice(err error) string {
	advice := artifacts.Advice(err)
	if !artifacts.DiskFault(err) || strings.Contains(err.Error(), advice) {
		return ""
	}
	return advice
}

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

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

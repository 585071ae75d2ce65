package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"topobench/internal/artifacts"
	"topobench/internal/deploy"
	"topobench/internal/run"
)

// limitFlags bound the disk space that a run uses.
type limitFlags struct {
	LogCap  size `default:"256MiB" help:"Cap on each log; longer logs keep only head and tail (0 = no cap)."`
	MinFree size `default:"1GiB" help:"Disk space that must be free for logs, beside the results (0 = not checked)."`
}

// reserveShare is the divisor of --min-free that gives the disk space kept for the results.
const reserveShare = 16

// explainDiskFault adds to a fault of the disk, which ended a run early, what became of the run. Once the run's
// directory is gone, it is the reason for every other fault.
func (s *session) explainDiskFault(why error) error {
	if why == nil {
		return nil
	}
	_, storage := errors.AsType[*run.StorageError](why)
	if gone := s.Dir.Check(); gone != nil && !storage {
		why, storage = errors.Join(gone, why), true
	}
	_, dirty := errors.AsType[*deploy.DirtyError](why)
	if dirty || !storage && !artifacts.DiskFault(why) && !fileForbidden(why) {
		return why
	}
	return fmt.Errorf("%w%s\n  the run was ended: what was started is taken down, and finished cells are kept",
		why, diskAdvice(why))
}

// fileForbidden reports whether a file of the run may not be written. A program that may not be executed is
// forbidden too, but has nothing to do with the disk.
func fileForbidden(err error) bool {
	for _, e := range flatten(err) {
		path, ok := errors.AsType[*fs.PathError](e)
		if errors.Is(e, fs.ErrPermission) && !(ok && path.Op == "exec") {
			return true
		}
	}
	return false
}

// diskAdvice is what to do about a fault of the disk, unless err has it.
func diskAdvice(err error) string {
	advice := artifacts.Advice(err)
	if !artifacts.DiskFault(err) || strings.Contains(err.Error(), advice) {
		return ""
	}
	return advice
}

// gpuFlags choose the GPUs, and say what happens when they are busy.
type gpuFlags struct {
	Map  bool     `name:"gpus-from-allocation" help:"Replace each profile's GPUs by those of the allocation, in order."`
	Wait duration `name:"wait-gpus" help:"Wait up to this long for busy GPUs (default: exit 6)." placeholder:"DURATION"`
}

package cli

import (
	"errors"

	"topobench/internal/deploy"
	"topobench/internal/host/gpu"
	"topobench/internal/preflight"
	"topobench/internal/profile"
	"topobench/internal/run"
)

// Exit codes, as the README lists them.
const (
	codeOK       = 0
	codeFailed   = 1
	codeUsage    = 2
	codePartial  = 3 // some cells failed or are not valid
	codeNotUp    = 4 // a topology would not start
	codeDirty    = 5 // something could not be proved gone
	codeBusy     = 6 // another process uses a GPU or a port
	signalOffset = 128
)

// reportedError is a result that was printed already: only its code matters.
type reportedError struct{ code int }

func (e *reportedError) Error() string { return "see above" }

// exitCode is the strongest code of all joined errors. Leftovers count more than the fault that ended the run.
func exitCode(err error) int {
	var (
		dirty     *deploy.DirtyError
		interrupt *run.Interrupt
		running   *runningError
		notUp     *run.NotUpError
		reported  *reportedError
		usage     *usageError
		faults    profile.Faults
		missing   *gpu.MissingError
		refused   *preflight.Error
	)
	switch {
	case err == nil:
		return codeOK
	case errors.As(err, &dirty):
		return codeDirty
	case errors.As(err, &interrupt):
		return signalOffset + int(interrupt.Signal)
	case deploy.Busy(err), errors.As(err, &running):
		return codeBusy
	case errors.As(err, &notUp):
		return codeNotUp
	case errors.As(err, &reported):
		return reported.code
	case errors.As(err, &refused):
		return refused.Check.Code
	case errors.As(err, &usage), errors.As(err, &faults), errors.As(err, &missing):
		return codeUsage
	default:
		return codeFailed
	}
}

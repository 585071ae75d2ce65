package cli

import (
	"errors"

	"topobench/internal/deploy"
	"topobench/internal/host/gpu"
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
	codeBusy     = 6 // a GPU or a port is in use by somebody else
	signalOffset = 128
)

// quietError is a result that was already told: only its code matters.
type quietError struct{ code int }

func (e *quietError) Error() string { return "see above" }

// exitCode picks the strongest code of all errors joined: what is left behind
// matters more than why.
func exitCode(err error) int {
	var (
		dirty     *deploy.DirtyError
		interrupt *run.Interrupt
		running   *runningError
		notUp     *run.NotUpError
		quiet     *quietError
		usage     *usageError
		faults    profile.Faults
		missing   *gpu.MissingError
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
	case errors.As(err, &quiet):
		return quiet.code
	case errors.As(err, &usage), errors.As(err, &faults), errors.As(err, &missing):
		return codeUsage
	default:
		return codeFailed
	}
}

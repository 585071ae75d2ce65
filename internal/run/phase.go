package run

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// Phase is a step of a run. A signal may arrive at any of them, and must lead to a complete
// teardown.
type Phase string

// The phases in the order in which a topology goes through them.
const (
	Claiming   Phase = "claim"    // ports and GPUs are about to be claimed
	Planning   Phase = "plan"     // artifacts_N and the plan are about to be written
	Launching  Phase = "launch"   // the processes of a wave are about to start
	Starting   Phase = "start"    // a process runs; once for each
	Awaiting   Phase = "await"    // a gate was probed and is not open
	Smoking    Phase = "smoke"    // all gates are open
	Measuring  Phase = "cell"     // aiperf is about to start
	Publishing Phase = "publish"  // a cell's files are about to appear in artifacts_N
	Recording  Phase = "record"   // a cell is in artifacts_N, and its journal line is about to be written
	Stopping   Phase = "teardown" // the first service is about to be stopped
	Proving    Phase = "proof"    // the last service is gone
	Reporting  Phase = "report"   // table, CSV and chart are about to be written
)

// Phases lists all phases.
func Phases() []Phase {
	return []Phase{Claiming, Planning, Launching, Starting, Awaiting, Smoking, Measuring, Publishing, Recording,
		Stopping, Proving, Reporting}
}

// Interrupt is the cause of a run's context that a signal ended.
type Interrupt struct{ Signal syscall.Signal }

func (e *Interrupt) Error() string {
	return fmt.Sprintf("interrupted (%s)", unix.SignalName(e.Signal))
}

// interrupted reports whether the user or a fault of the disk ended ctx, and not the death
// of a service.
func interrupted(ctx context.Context) bool {
	_, signal := errors.AsType[*Interrupt](context.Cause(ctx))
	_, storage := errors.AsType[*StorageError](context.Cause(ctx))
	return signal || storage
}

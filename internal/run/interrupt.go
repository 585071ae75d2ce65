package run

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// Interrupt is the cause of a run's context that a signal ended.
type Interrupt struct{ Signal syscall.Signal }

func (e *Interrupt) Error() string {
	return fmt.Sprintf("interrupted (%s)", unix.SignalName(e.Signal))
}

// interrupted reports whether the user ended ctx, or the disk did, and not the death
// of a process.
func interrupted(ctx context.Context) bool {
	var i *Interrupt
	var s *StorageError
	return errors.As(context.Cause(ctx), &i) || errors.As(context.Cause(ctx), &s)
}

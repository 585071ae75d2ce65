package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/proc"
)

// interruptible is a child that can get a signal for itself; *host.Child is one.
type interruptible interface {
	Interrupt(sig syscall.Signal) error
}

// led is a child with a shepherd; *host.Child is one.
type led interface{ Shepherd() proc.Proc }

// signalWithin bounds the wait for a machine that does not answer: a Stop follows, which has limits of its own.
const signalWithin = 2 * time.Second

// Interrupt sends sig to the child's own pid there, and to nothing that it started.
func (h *child) Interrupt(sig syscall.Signal) error {
	if closed(h.done) {
		return fmt.Errorf("cannot interrupt a child that has ended: %w", os.ErrProcessDone)
	}
	ctx, cancel := context.WithTimeout(context.Background(), signalWithin)
	defer cancel()
	_, err := call[none](ctx, h.client, callSignal, signalCall{h.id, sig})
	return err
}

// Shepherd is its shepherd there, to which the orphans of its tree fall.
func (h *child) Shepherd() proc.Proc { return h.shepherd }

func (v *serving) interrupt(q signalCall) error {
	v.mu.Lock()
	child := v.children[q.ID]
	v.mu.Unlock()
	if child == nil {
		return errors.New("the agent has no such child")
	}
	h, is := child.Handle.(interruptible)
	if !is {
		return fmt.Errorf("cannot interrupt a child of this host: %w", errors.ErrUnsupported)
	}
	return h.Interrupt(q.Signal)
}

// shepherdOf is zero where the host has no shepherds.
func shepherdOf(h host.Handle) proc.Proc {
	if h, is := h.(led); is {
		return h.Shepherd()
	}
	return proc.Proc{}
}

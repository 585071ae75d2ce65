package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/go-cmd/cmd"

	"topobench/internal/host/proc"
	"topobench/internal/host/shepherd"
	"topobench/internal/text"
)

// lateness is the time beyond its own limits after which a shepherd counts as stuck.
const lateness = 5 * time.Second

// Child is a started child. Its methods may be called from several goroutines.
type Child struct {
	spec     Spec
	cmd      *cmd.Cmd // of the shepherd
	lifeline *os.File
	shepherd proc.Proc     // zero if it never ran
	self     proc.Proc     // pid and ticks; set before started closes
	patience time.Duration // the limit of a stop without grace

	started chan struct{} // it runs, or failed is set
	failed  error
	done    chan struct{} // it ended
	gone    chan struct{} // its tree ended, or left is set

	mu      sync.Mutex
	exit    Exit
	stopped bool // Stop was called
	left    error
}

func newChild(spec Spec, lifeline *os.File, command *cmd.Cmd) *Child {
	return &Child{
		spec: spec, cmd: command, lifeline: lifeline, patience: proc.KillLimit + lateness,
		started: make(chan struct{}), done: make(chan struct{}), gone: make(chan struct{}),
	}
}

// Name is the name from the Spec.
func (c *Child) Name() string { return c.spec.Name }

// Process is the child itself, by pid and start ticks.
func (c *Child) Process() proc.Proc { return c.self }

// PID is the pid of the child itself, not of its shepherd.
func (c *Child) PID() int { return c.self.PID }

// Shepherd is the child's shepherd, to which the orphans of the child's tree fall.
func (c *Child) Shepherd() proc.Proc { return c.shepherd }

// Ticks is the child's start time in clock ticks since boot: its identity beside
// the pid.
func (c *Child) Ticks() uint64 { return c.self.Ticks }

// Done is closed as soon as the child itself ended, before the rest of its tree is killed.
func (c *Child) Done() <-chan struct{} { return c.done }

// Gone is closed when Stop has nothing more to wait for: the whole tree ended, or it
// cannot be killed. An unkillable child has a zero Exit, and its Done stays open.
func (c *Child) Gone() <-chan struct{} { return c.gone }

// Exit is how the child ended; zero before Done. Killed is final after Stop.
func (c *Child) Exit() Exit {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.exit
}

// Interrupt sends sig to the child's own pid, and to nothing that it started.
func (c *Child) Interrupt(sig syscall.Signal) error {
	select {
	case <-c.done:
		return fmt.Errorf("cannot interrupt %s: %w", c.spec.Name, os.ErrProcessDone)
	default:
		return c.order(fmt.Sprintf("%s %d", shepherd.OrderInterrupt, int(sig)))
	}
}

// Force ends the grace of a Stop under way, and of a later one. It does nothing to a
// shepherd that is gone.
func (c *Child) Force() { _ = c.order(shepherd.OrderForce) }

// Stop ends the child and its whole tree: the signal, the grace, SIGKILL. It returns when
// the tree and the shepherd are gone; the error names the processes that could not be
// killed. When ctx ends the grace is over, but Stop still waits. It takes at most the
// grace and some 100 s. Stop of a child that was stopped, or ended, is no error.
func (c *Child) Stop(ctx context.Context) error {
	c.mu.Lock()
	c.stopped = true
	c.mu.Unlock()
	// An error means that the shepherd is gone; c.gone is closed then.
	_ = c.order(shepherd.OrderStop)
	limit := time.After(c.spec.Grace + c.patience)
	force := ctx.Done()
	for {
		select {
		case <-c.gone:
			return c.left
		case <-force:
			c.Force()
			force, limit = nil, time.After(c.patience)
		case <-limit:
			c.killShepherd() // stuck, or stopped by a signal: its tree falls to this process
			limit = nil
		}
	}
}

func (c *Child) order(line string) error {
	if _, err := c.lifeline.WriteString(line + "\n"); err != nil {
		return fmt.Errorf("cannot order the shepherd of %s to %s: %w", c.spec.Name, line, err)
	}
	return nil
}

// killShepherd kills a shepherd that does not answer, which closes the reports.
func (c *Child) killShepherd() {
	_ = proc.Signal(c.shepherd, syscall.SIGKILL) // it may be gone
}

// readReports applies the shepherd's reports until the shepherd is gone. It is the child's
// only goroutine; it ends by closing gone.
func (c *Child) readReports(reports io.ReadCloser) {
	defer close(c.gone)
	complete := false
	for lines := json.NewDecoder(reports); ; {
		var r shepherd.Report
		if err := lines.Decode(&r); err != nil {
			break // the shepherd ended, maybe within a report
		}
		c.apply(r)
		complete = complete || r.Event == shepherd.Gone
	}
	<-c.cmd.Done()
	if !complete && c.failed == nil && c.shepherd.PID != 0 {
		c.shepherdLost() // a child may run, also without a report of it
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = errors.Join(c.left, c.lifeline.Close(), reports.Close())
}

func (c *Child) apply(r shepherd.Report) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch r.Event {
	case shepherd.Started:
		c.self = proc.Proc{PID: r.PID, Ticks: r.Ticks}
		close(c.started)
	case shepherd.Failed:
		c.failed = startCause(c.spec.Argv[0], r)
		close(c.started)
	case shepherd.Ended:
		c.exit = Exit{Code: r.Code, Signal: syscall.Signal(r.Signal), Stopped: r.Ordered, At: time.Now()}
		close(c.done)
	case shepherd.Gone:
		c.exit.Killed, c.left = r.Killed, proc.Left(r.Left, nil)
	}
}

// awaitFork waits until go-cmd has recorded the shepherd's pid or its failure, some
// microseconds after the fork: it uses the files until then. A shepherd that is gone by
// then had no time to start anything.
func (c *Child) awaitFork() {
	for c.cmd.Status().PID == 0 {
		select {
		case <-c.cmd.Done():
			return
		case <-time.After(100 * time.Microsecond):
		}
	}
	if p, err := proc.Read(c.cmd.Status().PID); err == nil {
		c.shepherd = p
	}
}

// startFault waits until it is clear whether the child runs; the error is why it does not.
func (c *Child) startFault() error {
	select {
	case <-c.started:
	case <-c.gone:
	}
	switch {
	case c.self.PID != 0:
		return nil
	case c.failed != nil:
		<-c.gone
		return c.failed
	case c.cmd.Status().Error != nil:
		return fmt.Errorf("cannot run its shepherd: %w", c.cmd.Status().Error)
	default:
		<-c.gone
		return errors.Join(c.noReport(), c.left)
	}
}

// noReport is the error of a shepherd that ended without a report. The log may have its
// cause: Go's runtime writes there that it got no thread.
func (c *Child) noReport() error {
	end, err := text.End(c.spec.Log, LogEnd)
	hint := Hint(text.Lines(end))
	if err != nil || hint == "" {
		return errors.New("its shepherd ended without a report")
	}
	return fmt.Errorf("its shepherd ended without a report; %s", hint)
}

// startCause keeps the system's error number, by which a caller distinguishes a missing
// file from a forbidden one.
func startCause(path string, r shepherd.Report) error {
	if r.Errno == 0 {
		return errors.New(r.Error)
	}
	return &os.PathError{Op: "exec", Path: path, Err: r.Errno}
}

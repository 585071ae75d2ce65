package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"topobench/internal/host/proc"
)

const (
	// checkEvery is the time between two tries of a check that still finds something.
	checkEvery = 50 * time.Millisecond
	// sampleEvery is the time between two samples. The owner of shared memory is known only
	// while it lives.
	sampleEvery = time.Second
	// lookWithin is how long a host may take to answer.
	lookWithin = 30 * time.Second
	// sampleWithin is how long a teardown waits for the last sample.
	sampleWithin = 2 * time.Second
)

// TeardownCheck looks for one kind of leftover at the end of a teardown, by evidence of
// its own.
type TeardownCheck struct {
	Name   string
	Host   string        // on which it looks; "" = this machine
	Within time.Duration // how long a leftover may take to go
	// Check lists what is left. An error means that the check could not be made, or
	// (*PortsBusyError, *GPUsBusyError) that nothing is left and a foreign process has
	// taken the thing.
	Check func(ctx context.Context) ([]Leftover, error)
	// Sample, if set, is called every second while services run, when all gates are open
	// and when the teardown begins.
	Sample func()
	// Remove, if set, kills or removes what the services have left. It is called once,
	// after they were stopped.
	Remove func() error
}

// Leftover is one thing that a topology has left.
type Leftover struct {
	Process proc.Proc // zero = it is no process
	Service string    // of the process; "" = unknown
	Detail  string    // how the process was recognized, or what is left
}

func (l Leftover) String() string {
	switch {
	case l.Process.PID == 0:
		return l.Detail
	case l.Detail == "":
		return l.Process.String()
	}
	return fmt.Sprintf("%v, by %s", l.Process, l.Detail)
}

// DirtyError lists what could not be proved gone. No next topology may start.
type DirtyError struct {
	Topology string
	Left     []proc.Proc // on this machine
	Reasons  []string
	Table    []string // of Left, as it was then: later a pid may belong to a foreign process
	Hosts    []string // the other hosts on which something could not be proved gone
	Next     []string // the next steps; none = the one on this machine
}

// Dirty is the error about what is left, with its table as it is now. name returns the
// service of a process, and may be nil.
func Dirty(topology string, left []proc.Proc, name func(proc.Proc) string, reasons ...string) *DirtyError {
	return &DirtyError{Topology: topology, Left: left, Reasons: reasons, Table: proc.Table(left, name)}
}

func (e *DirtyError) Error() string {
	text := fmt.Sprintf("DIRTY: %s is not gone:", e.Topology)
	for _, line := range slices.Concat(e.Reasons, e.Table) {
		text += "\n  " + line
	}
	next := e.Next
	if len(next) == 0 {
		next = []string{cleanHere}
	}
	return text + "\n  " + strings.Join(next, "\n  ")
}

// cleanHere is the next step on this machine.
const cleanHere = "end what is listed here (in state D only a reboot ends it), then run topobench clean"

// check makes one check until nothing is left, at most for c.Within. On a host that is lost for good it tries once.
func (s *Stack) check(ctx context.Context, c TeardownCheck) result {
	ctx, cancel := context.WithTimeout(ctx, c.Within)
	defer cancel()
	result := result{CheckDone{Check: on(c.Host, c.Name)}, c}
	again := time.NewTicker(checkEvery)
	defer again.Stop()
	gone := s.on(c.Host).lost
	for began, first := time.Now(), true; ; first = false {
		left, err := c.Check(ctx)
		if first || err == nil || ctx.Err() == nil { // else the try was cut off, and shows nothing
			result.Left, result.Err = left, err
		}
		result.Took = time.Since(began)
		if len(result.Left) == 0 && (result.Err == nil || Busy(result.Err)) {
			break
		}
		if err != nil && gone != nil && gone() {
			break
		}
		select {
		case <-ctx.Done():
		case <-again.C:
			continue
		}
		break
	}
	s.events.post(result.CheckDone)
	return result
}

// sampling samples every second until the stack's context ends, and then once more.
func (s *Stack) sampling() {
	defer close(s.sampled)
	again := time.NewTicker(sampleEvery)
	defer again.Stop()
	for s.ctx.Err() == nil {
		select {
		case <-s.ctx.Done():
		case <-again.C:
		}
		s.sample()
	}
}

func (s *Stack) sample() {
	s.samples.Lock()
	defer s.samples.Unlock()
	for _, c := range s.o.Checks {
		if c.Sample != nil {
			c.Sample()
		}
	}
}

// lastSample waits for the sample at the end of the stack's context; a sample that hangs
// does not keep the services running.
func (s *Stack) lastSample() {
	select {
	case <-s.sampled:
	case <-time.After(sampleWithin):
	}
}

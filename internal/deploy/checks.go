package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"topobench/internal/host"
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
	Left     []proc.Proc
	Reasons  []string
	Table    []string // of Left, as it was then: later a pid may belong to a foreign process
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
	return text + "\n  end what is listed here (in state D only a reboot ends it), then run topobench clean"
}

// prove removes what the services have left and makes all checks at the same time, that
// of descendants last.
func (s *Stack) prove(ctx context.Context, faults []string) error {
	s.events.post(ProofStarting{})
	for _, c := range s.o.Checks {
		if c.Remove == nil {
			continue
		}
		if err := c.Remove(); err != nil {
			faults = append(faults, fmt.Sprintf("%s: %v", c.Name, err))
		}
	}
	checks := append([]TeardownCheck{portsCheck(s.o.Host, s.plan.Ports())}, s.o.Checks...)
	results := make([]CheckDone, len(checks))
	var all sync.WaitGroup
	for i, c := range checks {
		all.Go(func() { results[i] = s.check(ctx, c) })
	}
	all.Wait()
	return s.dirty(faults, append(results, s.check(ctx, s.descendants())))
}

// check makes one check until nothing is left, at most for c.Within.
func (s *Stack) check(ctx context.Context, c TeardownCheck) CheckDone {
	ctx, cancel := context.WithTimeout(ctx, c.Within)
	defer cancel()
	result := CheckDone{Check: c.Name}
	again := time.NewTicker(checkEvery)
	defer again.Stop()
	for began := time.Now(); ; {
		result.Left, result.Err = c.Check(ctx)
		result.Took = time.Since(began)
		if len(result.Left) == 0 && (result.Err == nil || Busy(result.Err)) {
			break
		}
		select {
		case <-ctx.Done():
		case <-again.C:
			continue
		}
		break
	}
	s.events.post(result)
	return result
}

// descendants is the check of this process's own descendants. It is made once, at the
// end: every service has been waited for.
func (s *Stack) descendants() TeardownCheck {
	return TeardownCheck{Name: descendantsName, Check: func(ctx context.Context) ([]Leftover, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookWithin)
		defer cancel()
		var left []Leftover
		look, err := s.o.Host.Look(ctx, host.Question{Processes: true, Foreign: s.o.Foreign})
		for _, p := range look.Leftovers {
			left = append(left, Leftover{Process: p})
		}
		return left, err
	}}
}

// dirty is nil if all checks have found nothing and there are no other faults. It is
// *PortsBusyError or *GPUsBusyError for a port or a GPU that a foreign process has taken.
func (s *Stack) dirty(faults []string, results []CheckDone) error {
	var busy error
	var left []proc.Proc
	service := map[int]string{}
	for _, r := range results {
		if Busy(r.Err) {
			busy = errors.Join(busy, r.Err)
		} else if r.Err != nil {
			faults = append(faults, fmt.Sprintf("%s: %v", r.Check, r.Err))
		}
		for _, l := range r.Left {
			switch {
			case l.Process.PID == 0:
				faults = append(faults, l.Detail)
			case !slices.ContainsFunc(left, l.Process.Same):
				left = append(left, l.Process)
			}
			if l.Service != "" {
				service[l.Process.PID] = l.Service
			}
		}
	}
	if len(left) == 0 && len(faults) == 0 {
		return busy
	}
	var reasons []string
	for _, fault := range faults {
		reasons = append(reasons, strings.Split(fault, "\n")...)
	}
	name := func(p proc.Proc) string { return service[p.PID] }
	return errors.Join(Dirty(s.plan.Name, left, name, reasons...), busy)
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

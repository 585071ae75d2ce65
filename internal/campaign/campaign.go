// Package campaign conducts: one topology after another, one load after another.
//
// A topology starts only when the one before is proved gone. Every cell that
// ended by itself is published with a verdict, valid or not; one that was
// interrupted is not.
package campaign

import (
	"context"
	"errors"
	"fmt"
	"time"

	"topobench/internal/plan"
	"topobench/internal/process"
	"topobench/internal/profile"
	"topobench/internal/result"
	"topobench/internal/rundir"
	"topobench/internal/stack"
	"topobench/internal/status"
)

// Wish is a profile, the programs that were found for it, and their versions.
type Wish struct {
	Profile  profile.Profile
	Programs plan.Programs
	Versions plan.Versions
}

// Campaign is one run.
type Campaign struct {
	Run      *rundir.Dir
	Journal  *rundir.Journal
	Screen   *status.View
	Starter  process.Starter
	Environ  []string
	Site     plan.Site       // cookie and seed; places and programs are filled in for each topology
	Hurry    context.Context // ends at the second Ctrl-C
	Await    func(ctx context.Context, s plan.Service, note func(string)) (time.Time, error)
	Smoke    func(ctx context.Context, s plan.Smoke, l plan.Load, note func(string)) error
	Standing func(ctx context.Context, services []plan.Service) (missing []string)
	Counters func(ctx context.Context, counters []plan.Counter) (map[string]float64, error)
	FailFast bool
	Fresh    bool                      // a seed of its own for each cell
	Hold     func(ctx context.Context) // called with the last topology up; nil = do not hold
	At       func(Phase)               // told when a phase begins; nil = nobody wants to know
}

// Topology is what became of one profile.
type Topology struct {
	Name, Label string
	Artifacts   rundir.Artifacts
	Deviations  []plan.Deviation
	Asked       []int // concurrencies
	Cells       []Cell
	Times       Times
	Err         error // why it did not start, or could not be taken down
}

// Times of a topology. Own is what is left of Total when the engine's start
// and aiperf are taken off.
type Times struct {
	Plan, Launch, Engine, Lag, Smoke, AIPerf, Analysis, Teardown, Proof, Total time.Duration
}

// Own is topobench's own share.
func (t Times) Own() time.Duration { return t.Total - t.Engine - t.AIPerf }

// FailFastError ends a campaign at its first cell that is not valid.
type FailFastError struct{ Cell Cell }

func (e *FailFastError) Error() string {
	return fmt.Sprintf("stopped at the first cell that is not valid (--fail-fast): concurrency %d", e.Cell.Concurrency)
}

// Conduct measures the topologies in order. The error is what ended the
// campaign early: an interrupt, --fail-fast, or *stack.DirtyError.
func (c *Campaign) Conduct(ctx context.Context, wishes []Wish) ([]Topology, error) {
	c.at(Claiming)
	release, err := c.preflight(wishes)
	if err != nil {
		return nil, err
	}
	defer release()
	var done []Topology
	for i, w := range wishes {
		p := w.Profile
		c.Screen.Phase(fmt.Sprintf("topology %d/%d: %s (%s, %d GPUs)", i+1, len(wishes), p.Name, p.Label(), p.GPUs()))
		last := i == len(wishes)-1
		t, err := c.topology(ctx, w, last)
		done = append(done, t)
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// preflight claims the ports of all topologies, until release, and looks at them:
// that the second one cannot start should not be learnt hours after the first one
// did. It notes how the engines are set, which a comparison must tell.
func (c *Campaign) preflight(wishes []Wish) (release func(), err error) {
	var faults []error
	var ports []plan.Port
	var sides []result.Deployment
	for _, w := range wishes {
		p, err := c.launch(w)
		if err == nil {
			sides = append(sides, p.Deployment)
			ports = append(ports, p.Ports()...)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", w.Profile.Name, err))
		}
	}
	c.note("settings", result.CompareSettings(sides))
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return claim(ports)
}

// claim keeps other runs from the ports, and proves that nobody else has them. A
// port that another run has claimed may well be taken, by a process of that run.
func claim(ports []plan.Port) (release func(), err error) {
	if release, err = stack.Claim(ports); err != nil {
		return nil, err
	}
	if err := stack.FreePorts(ports); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// topology brings one up, sweeps, takes it down. An error ends the campaign; a
// topology that would not start only marks itself.
func (c *Campaign) topology(ctx context.Context, w Wish, last bool) (t Topology, err error) {
	began := time.Now()
	t = Topology{Name: w.Profile.Name, Label: w.Profile.Label(), Asked: w.Profile.Load.Concurrency}
	defer func() { t.Times.Total = time.Since(began) }()
	c.at(Planning)
	launch, err := c.plan(w, &t)
	if err != nil {
		return t, err
	}
	t.Times.Plan = time.Since(began)
	c.note("topology-begin", map[string]any{"topology": t.Name, "artifacts": t.Artifacts.Name(), "plan": launch})
	s, err := c.up(ctx, launch)
	if err != nil {
		c.note("topology-failed", map[string]any{"topology": t.Name, "error": err.Error()})
		if ends := c.fatal(ctx, err); ends != nil {
			return t, ends
		}
		t.Err = err
		return t, nil
	}
	t.Times.Launch, t.Times.Engine, t.Times.Lag = s.Launch, s.Engine, s.Lag
	err = c.measure(s.Context(), launch, &t)
	if cause := context.Cause(s.Context()); cause != nil && ctx.Err() == nil {
		t.Err = cause
	}
	held := last && c.Hold != nil && s.Context().Err() == nil
	if held {
		c.Hold(s.Context())
	}
	down := c.down(s, &t)
	if ctx.Err() != nil && !held { // the end of a hold is no interrupt
		err = context.Cause(ctx)
	}
	return t, errors.Join(err, down)
}

// measure smokes and sweeps. What it returns ends the campaign.
func (c *Campaign) measure(ctx context.Context, p plan.Plan, t *Topology) error {
	c.at(Smoking)
	began := time.Now()
	l, err := c.smoke(ctx, p, t)
	t.Times.Smoke = time.Since(began)
	if interrupted(ctx) {
		return nil
	}
	if err != nil {
		t.Err = fmt.Errorf("%s came up, but does not serve: %w", t.Name, err)
		return nil
	}
	p.Load = l
	return c.sweep(ctx, t, p)
}

// fatal keeps of a failed start what must end the campaign.
func (c *Campaign) fatal(ctx context.Context, err error) error {
	var dirty *stack.DirtyError
	var busy *stack.BusyError
	switch {
	case errors.As(err, &dirty), errors.As(err, &busy):
		return err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return nil
}

func (c *Campaign) down(s *stack.Stack, t *Topology) error {
	c.at(Stopping)
	c.Screen.Sweep(status.Sweep{})
	c.note("teardown-begin", map[string]any{"topology": t.Name})
	times, err := s.Down(c.Hurry)
	t.Times.Teardown, t.Times.Proof = times.Teardown, times.Proof
	if _, busy := errors.AsType[*stack.BusyError](err); busy {
		c.note("teardown-busy", map[string]any{"topology": t.Name, "error": err.Error()})
		return err
	}
	if err != nil {
		c.note("teardown-dirty", map[string]any{"topology": t.Name, "error": err.Error()})
		return err
	}
	c.note("teardown-proved", map[string]any{"topology": t.Name})
	c.Screen.Note(fmt.Sprintf("%s is gone: no process left, every port free (%.1f s)", t.Name, (times.Teardown + times.Proof).Seconds()))
	return nil
}

// note writes the journal. A journal that cannot be written is said, once a
// line, and does not end the run: the results are what matters.
func (c *Campaign) note(event string, fields any) {
	if err := c.Journal.Append(event, fields); err != nil {
		c.Screen.Note(err.Error())
	}
}

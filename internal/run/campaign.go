// Package run conducts: one topology after another, one load after another.
//
// A topology starts only when the one before is proved gone. One that is lost in
// its sweep is made anew, once, and its sweep goes on with the cell that was lost.
// Every cell is published with a verdict, valid or not, by its last attempt; one that
// was interrupted is not.
package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/host"
	"topobench/internal/host/proc"
	"topobench/internal/journal"
	"topobench/internal/plan"
	"topobench/internal/profile"
	"topobench/internal/recovery"
	"topobench/internal/ui"
	"topobench/internal/verdict"
)

// Wish is a profile, the programs that were found for it, their versions, and the plan made
// for them, which each launch places.
type Wish struct {
	Profile  profile.Profile
	Programs plan.Programs
	Versions plan.Versions
	Plan     plan.Plan
}

// Campaign is one run.
type Campaign struct {
	Run     *recovery.Run
	Journal *journal.Journal
	Ledger  *recovery.Ledger // of what is started, for the witnesses; nil = none
	Screen  *ui.View
	Starter host.Starter
	// Foreign processes descend from this process, and were there before it started any.
	Foreign  []proc.Proc
	Environ  []string
	Force    context.Context // ends at the second Ctrl-C
	Await    func(ctx context.Context, s plan.Service, note func(string)) (time.Time, error)
	Smoke    func(ctx context.Context, s plan.Smoke, l aiperf.Load, note func(string)) error
	Health   func(ctx context.Context, services []plan.Service) (failed []verdict.Unhealthy)
	Counters func(ctx context.Context, counters []plan.Counter) (map[string]float64, error)
	FailFast bool
	Hold     func(ctx context.Context) // called with the last topology up; nil = do not hold
	At       func(Phase)               // told when a phase begins; nil = nobody wants to know
	// NvidiaSMI is its path; "" = GPUs are not looked at. WaitGPUs is how long busy ones
	// are waited for.
	NvidiaSMI string
	WaitGPUs  time.Duration
	Kernel    string // path of the kernel's messages: /dev/kmsg; "" = they are not read

	waited  time.Duration              // for others, so far
	noted   map[verdict.CheckName]bool // notes that were shown
	storage storage
}

// Topology is what became of one profile.
type Topology struct {
	Name, Label string
	Artifacts   artifacts.Artifacts
	Deviations  []plan.Deviation
	Asked       []int // concurrencies
	Cells       []Cell
	Times       Times
	Launches    int            // 2: it was lost in its sweep and made anew
	Lost        *LaunchFailure // why it was made anew
	Err         error          // why it did not start, or was lost for good

	open *try // a cell that was lost with the topology, until it is measured or given up
}

// Times of a topology. Own is what is left of Total when the engine's start
// and aiperf are taken off. In none of them is what was waited for others: for
// GPUs that they use, and for the user's Ctrl-C where the topology is held.
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
// campaign early: an interrupt, --fail-fast, or *deploy.DirtyError.
func (c *Campaign) Conduct(ctx context.Context, wishes []Wish) ([]Topology, error) {
	c.at(Claiming)
	release, err := c.preflight(ctx, wishes)
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

// preflight claims the GPUs and ports of all topologies, until release, and looks
// at them: that the second one cannot start should not be learnt hours after the
// first one did. It notes how the engines are set, which a comparison must tell.
func (c *Campaign) preflight(ctx context.Context, wishes []Wish) (release func(), err error) {
	var faults []error
	var plans []plan.Plan
	var sides []artifacts.Deployment
	for _, w := range wishes {
		p, err := c.launch(w, 1)
		if err == nil {
			sides = append(sides, p.Deployment)
			plans = append(plans, p)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", w.Profile.Name, err))
		}
	}
	c.Journal.Note(journal.Settings{Settings: artifacts.CompareSettings(sides)})
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return c.claim(ctx, plans...)
}

// Package run is the job: topologies come up one after another, are measured cell by cell,
// and go away again.
//
// A topology starts only when the one before is proved gone. A launch that fails during its
// sweep is repeated once, and the sweep resumes with the cell that failed. Every cell is
// published with a verdict, valid or not, by its last attempt. A cell that the user
// interrupts is not published.
package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/deploy"
	"topobench/internal/host"
	"topobench/internal/journal"
	"topobench/internal/kube"
	"topobench/internal/monitor"
	"topobench/internal/plan"
	"topobench/internal/preflight"
	"topobench/internal/slo"
)

// Topology is the result of one topology in one round.
type Topology struct {
	Name, Label string
	Repeat      int    // the round, from 1
	Rounds      int    // of the run; 0 if the schedule leaves it open
	Dir         string // of the latest launch: logs and rendered files; "" if it has no services
	Artifacts   artifacts.Artifacts
	Deviations  []plan.Deviation
	Asked       []int // concurrencies of the load
	Beyond      []int // those left out, above two that are outside the SLO
	Cells       []Cell
	Times       Times
	Launches    int            // 2: it was restarted
	Lost        *LaunchFailure // why it was restarted
	Err         error          // why it did not start or does not serve, or why its second launch failed
	Continued   bool           // an earlier run has measured cells of it

	pending  *attempt        // of a cell that failed with its launch, until the cell is measured or given up
	previous aiperf.Previous // the latest measured cell
}

// String is the name, and the round if there are several: "a (round 2)".
func (t Topology) String() string {
	if t.Rounds == 1 || t.Repeat == 0 {
		return t.Name
	}
	return fmt.Sprintf("%s (round %d)", t.Name, t.Repeat)
}

// Run measures cells in the order of the schedule. Consecutive cells of one topology and
// round share a launch. A topology that does not start in the first round is not launched
// again. The error is what ended the run early: an interrupt, --fail-fast, a busy port or
// GPU, or *deploy.DirtyError.
func (r *Runner) Run(ctx context.Context, topologies []preflight.Topology, s Schedule) ([]Topology, error) {
	r.schedule = s
	if err := errors.Join(r.connected(topologies), r.begin(topologies)); err != nil {
		return nil, err
	}
	r.at(Claiming)
	release, err := r.claim(ctx, topologies)
	if err != nil {
		return nil, err
	}
	defer release()
	if err := r.checkDrift(topologies); err != nil {
		return nil, err
	}
	for id, more := r.upcoming(); more; id, more = r.upcoming() {
		w := find(topologies, id.Topology)
		r.announce(w, id.Repeat, len(topologies))
		t, err := r.topology(ctx, w, id.Repeat)
		r.keep(t)
		if err != nil {
			return r.launched, err
		}
		r.abandon(t)
	}
	return r.launched, nil
}

// topology measures one topology in one round, with a second launch if the first one
// fails. An error ends the run; a topology that does not start only records it in Err.
func (r *Runner) topology(ctx context.Context, w preflight.Topology, round int) (t Topology, err error) {
	took := r.stopwatch()
	t = Topology{Name: w.Profile.Name, Label: w.Plan.Deployment.Label(), Repeat: round, Rounds: r.rounds(),
		Asked: r.asked(w.Profile.Load.Concurrency)}
	t = r.continued(t)
	defer func() { t.Times.Total = took() }()
	failure, err := r.launch(ctx, w, &t)
	if failure != nil && err == nil && r.restartable(w.Plan) {
		t.Lost = failure
		failure, err = r.launch(ctx, w, &t)
	}
	if failure != nil {
		t.Err = failure.Cause
	}
	unpublished := r.publish(&t, t.pending)
	r.skip(&t)
	return t, errors.Join(err, unpublished)
}

// launch brings a topology up, measures the cells that remain, and takes it down. A failure
// means that this launch cannot measure any further cell.
func (r *Runner) launch(ctx context.Context, w preflight.Topology, t *Topology) (failure *LaunchFailure, err error) {
	began := time.Now()
	t.Launches++
	r.at(Planning)
	if err := r.reconnect(ctx, w.Plan); err != nil {
		return nil, err
	}
	p, err := r.place(w, t)
	if err != nil {
		return nil, err
	}
	t.Times.Plan += time.Since(began)
	r.record(ctx, journal.LaunchBegin{Topology: t.Name, Round: t.Repeat, Launch: t.Launches,
		Artifacts: t.Artifacts.Name(), Plan: p})
	took := r.stopwatch()
	r.facts = r.newCollection(w, p)
	defer r.fetchLogs(p)
	serving, p, err := r.up(ctx, p)
	if err != nil {
		r.facts.write(t, deploy.Times{}, false)
		t.Times.failed(took())
		r.Journal.Note(journal.LaunchFailed{Topology: t.Name, Round: t.Repeat, Error: err.Error()})
		if end := endsRun(ctx, err); end != nil {
			return nil, end
		}
		t.Err = err
		return nil, nil
	}
	t.Times.launched(serving.Times())
	if err = r.placedOn(p, t); err == nil {
		failure, err = r.measure(serving, p, t)
	}
	_, more := r.upcoming()
	hold := r.Hold != nil && !more && failure == nil && serving.Context().Err() == nil
	if hold {
		r.waitFor(func() { r.Hold(serving.Context()) })
	}
	down := serving.Down(r.Force)
	t.Times.tornDown(serving.Times())
	if ctx.Err() != nil && !hold { // the Ctrl-C that ends a hold is no interrupt
		err = context.Cause(ctx)
	}
	return failure, errors.Join(err, down)
}

// measure proves that a launch serves the load, and measures one cell after another. A cell
// that is not valid is kept and the sweep goes on, unless --fail-fast.
func (r *Runner) measure(serving Serving, p plan.Plan, t *Topology) (*LaunchFailure, error) {
	r.at(Smoking)
	ctx, began := serving.Context(), time.Now()
	load, err := r.smokeTest(ctx, r.proberOf(serving), p, t)
	t.Times.Smoke += time.Since(began)
	r.facts.write(t, serving.Times(), err == nil)
	switch {
	case interrupted(ctx):
		return nil, nil
	case err != nil && ctx.Err() != nil: // a service died: that is the cause of the failed completion
		t.Err = context.Cause(ctx)
		return nil, nil
	case err != nil: // another process on a port may have answered
		t.Err = cmp.Or(r.taken(t, r.monitor(p, serving, nil)), fmt.Errorf("does not serve: %w", err))
		return nil, nil
	}
	p.Load = load
	gpuLogs, stop := r.sampleGPUs(ctx, p)
	defer stop()
	m := r.monitor(p, serving, gpuLogs)
	if t.Err = r.taken(t, m); t.Err != nil {
		return nil, nil
	}
	if t.Lost != nil {
		took := time.Since(t.Lost.At).Seconds()
		r.Screen.Note(fmt.Sprintf("%v restarted in %.1f s; resuming the sweep", t, took))
	}
	gpus, _ := p.Deployment.GPUs() // no GPUs: cells without tokens/s/GPU
	c := cells{Runner: r, t: t, plan: p, load: load, monitor: m, away: loadMachine(serving), gpus: gpus,
		devices: devicesOf(p)}
	if c.away == nil {
		c.tunnel = r.tunnel(ctx, p)
	}
	c.slo, _ = slo.Parse(load.SLO) // the profile, or the flag, was checked
	for id, more := r.next(t); more; id, more = r.next(t) {
		t.ask(id)
		a, failure, err := c.measure(ctx, id)
		switch {
		case err != nil:
			return nil, err
		case failure != nil:
			r.recordFailure(t, failure, a, r.restartable(p))
			if a != nil { // else a cell that failed with an earlier launch is still pending
				t.pending = a
			}
			return failure, nil
		case a == nil: // interrupted
			return nil, nil
		}
		if err := r.publish(t, a); err != nil {
			return nil, err
		}
		r.skipBeyond(t, c.slo)
	}
	return nil, nil
}

// taken reports foreign processes that listen on the ports of a launch and answer a part of its requests; nil = none.
func (r *Runner) taken(t *Topology, m *monitor.Monitor) error {
	processes, err := m.Processes()
	if err != nil {
		r.Journal.Note(journal.ServicesUnknown{Topology: t.Name, Error: err.Error()})
	}
	foreign := host.ForeignListeners(processes)
	if len(foreign) == 0 {
		return nil
	}
	return fmt.Errorf("%s\n  stop that process, or choose other ports "+
		"(frontend.port, balancer.port, port, port_base)", strings.Join(foreign, "; "))
}

// endsRun returns the error that ends the run, or nil if the fault of a start concerns that
// topology only: leftovers, ports, GPUs or names in use by others, a fault of the disk, an interrupt.
func endsRun(ctx context.Context, err error) error {
	_, dirty := errors.AsType[*deploy.DirtyError](err)
	switch {
	case dirty, deploy.Busy(err), kube.Taken(err), artifacts.DiskFault(err):
		return err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return nil
}

func find(topologies []preflight.Topology, name string) preflight.Topology {
	for _, w := range topologies {
		if w.Profile.Name == name {
			return w
		}
	}
	panic("the schedule has a topology that is not in the request: " + name)
}

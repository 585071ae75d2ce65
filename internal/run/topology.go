package run

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"topobench/internal/artifacts"
	"topobench/internal/deploy"
	"topobench/internal/journal"
)

// launches is how often a topology is brought up: once more when it was lost.
const launches = 2

// topology measures one profile. An error ends the campaign; a topology that would
// not start, or was lost for good, only marks itself.
func (c *Campaign) topology(ctx context.Context, w Wish, last bool) (t Topology, err error) {
	took := c.stopwatch()
	t = Topology{Name: w.Profile.Name, Label: w.Profile.Label(), Asked: w.Profile.Load.Concurrency}
	defer func() { t.Times.Total = took() }()
	lost, err := c.live(ctx, w, &t, last)
	for lost != nil && err == nil && t.Launches < launches {
		t.Lost = lost
		lost, err = c.live(ctx, w, &t, last)
	}
	if lost != nil {
		t.Err = lost.Cause
	}
	return t, errors.Join(err, c.settle(&t, t.open))
}

// live brings a topology up, sweeps what is still to be measured, and takes it
// down. Without an error, it was lost in its sweep or it is done with.
func (c *Campaign) live(ctx context.Context, w Wish, t *Topology, last bool) (lost *Loss, err error) {
	began := time.Now()
	t.Launches++
	c.at(Planning)
	launch, err := c.plan(w, t)
	if err != nil {
		return nil, err
	}
	t.Times.Plan += time.Since(began)
	c.Journal.Note(journal.LaunchBegin{Topology: t.Name, Launch: t.Launches, Artifacts: t.Artifacts.Name(), Plan: launch})
	took := c.stopwatch()
	s, err := c.up(ctx, launch)
	if err != nil {
		t.Times.failed(took())
		c.Journal.Note(journal.LaunchFailed{Topology: t.Name, Error: err.Error()})
		if ends := c.fatal(ctx, err); ends != nil {
			return nil, ends
		}
		t.Err = err
		return nil, nil
	}
	t.Times.launched(s.Times())
	lost, err = c.measure(s.Context(), &sweep{Campaign: c, t: t, plan: launch, members: s.Processes})
	held := last && c.Hold != nil && lost == nil && s.Context().Err() == nil
	if held {
		c.waitFor(func() { c.Hold(s.Context()) })
	}
	down := c.down(s, t)
	if ctx.Err() != nil && !held { // the end of a hold is no interrupt
		err = context.Cause(ctx)
	}
	return lost, errors.Join(err, down)
}

// measure smokes and sweeps. An error ends the campaign.
func (c *Campaign) measure(ctx context.Context, s *sweep) (*Loss, error) {
	c.at(Smoking)
	began := time.Now()
	l, err := c.smoke(ctx, s.plan, s.t)
	s.t.Times.Smoke += time.Since(began)
	switch {
	case interrupted(ctx):
		return nil, nil
	case err != nil && ctx.Err() != nil: // the death of a process, not what a completion said of it
		s.t.Err = context.Cause(ctx)
		return nil, nil
	case err != nil:
		s.t.Err = fmt.Errorf("does not serve: %w", err)
		return nil, nil
	}
	if strangers := deploy.ForeignListeners(s.present(ctx)); len(strangers) > 0 {
		s.t.Err = fmt.Errorf("%s is not what answers: %s\n  end that process, or choose other ports (frontend.port, balancer.port, port, port_base)", s.t.Name, strings.Join(strangers, "; "))
		return nil, nil
	}
	s.plan.Load = l
	if lost := s.t.Lost; lost != nil {
		c.Screen.Note(fmt.Sprintf("%s is made anew: it cost %.1f s; the sweep goes on", s.t.Name, time.Since(lost.At).Seconds()))
	}
	return s.run(ctx)
}

// fatal keeps of a failed start what must end the campaign.
func (c *Campaign) fatal(ctx context.Context, err error) error {
	var dirty *deploy.DirtyError
	switch {
	case errors.As(err, &dirty), deploy.Busy(err), artifacts.DiskFault(err):
		return err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return nil
}

func (c *Campaign) down(s Serving, t *Topology) error {
	err := s.Down(c.Force)
	times := s.Times()
	t.Times.Teardown += times.Teardown
	t.Times.Proof += times.Proof
	return err
}

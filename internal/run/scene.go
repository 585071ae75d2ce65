package run

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"topobench/internal/deploy"
	"topobench/internal/journal"
	"topobench/internal/verdict"
)

// scene is a topology at one moment.
type scene struct {
	census
	members []deploy.Member // who runs; none where nobody is asked
}

// look takes a census and notes who runs.
func (s *sweep) look(ctx context.Context, asks int) scene {
	return scene{s.census(ctx, s.plan, asks), s.present(ctx)}
}

// present notes who runs.
func (s *sweep) present(ctx context.Context) (who []deploy.Member) {
	if s.members == nil || ctx.Err() != nil {
		return nil
	}
	var err error
	if who, err = s.members(); err != nil {
		s.Journal.Note(journal.ServicesUnknown{Topology: s.t.Name, Error: err.Error()})
	}
	s.who = who
	return who
}

// ended names processes of services that lived before the cell and not after it.
func (e evidence) ended() []string {
	_, ended := deploy.Compare(e.before.members, e.after.members)
	return ended
}

// stopGap is how long nobody may have looked at a cell: topobench was stopped
// (Ctrl-Z), and what went wrong meanwhile was not seen.
const stopGap = 2 * time.Second

// checks are what the evidence says by itself.
func (e evidence) checks() []verdict.Check {
	var checks []verdict.Check
	invalid := func(name, detail string) {
		checks = append(checks, verdict.Check{Name: name, State: verdict.Invalid, Detail: detail})
	}
	if gap := e.outcome.Unseen; gap > stopGap {
		invalid("stopped", fmt.Sprintf("topobench itself stood still for %.1f s of the cell: nobody watched it", gap.Seconds()))
	}
	restarted, _ := deploy.Compare(e.before.members, e.after.members)
	for _, service := range slices.Sorted(maps.Keys(e.after.served)) {
		if was, is := e.before.served[service], e.after.served[service]; is < was {
			restarted = append(restarted, fmt.Sprintf("the requests that %s has counted went back from %g to %g", service, was, is))
		}
	}
	if len(restarted) > 0 {
		invalid("restarted", "restarted in the cell: "+strings.Join(restarted, "; "))
	}
	for _, a := range e.after.flapped {
		checks = append(checks, verdict.Check{Name: "flap", State: verdict.Valid,
			Detail: fmt.Sprintf("%s did not answer at once after the cell: %s", a.Service, a.Why)})
	}
	return slices.Concat(checks, e.gpus, e.around.checks())
}

// once tells notes on the screen, each kind once a run: they stand on every cell.
func (c *Campaign) once(checks []verdict.Check) {
	for _, check := range checks {
		if !noteworthy(check) || c.noted[check.Name] {
			continue
		}
		if c.noted == nil {
			c.noted = map[string]bool{}
		}
		c.noted[check.Name] = true
		c.Screen.Note("note: " + check.Detail + " (the sidecar of each cell has it)")
	}
}

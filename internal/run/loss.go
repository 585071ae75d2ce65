package run

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/journal"
	"topobench/internal/ready"
	"topobench/internal/verdict"
)

// Loss is why a launch of a topology can measure no further cell. Class is the name
// of the check that says so in the cell that was lost.
type Loss struct {
	Class string
	Cause error
	At    time.Time
}

// The classes of losses.
const (
	workerDied = "worker-died" // a service ended
	stalled    = "stalled"     // requests complete no more
	workers    = "workers"     // a service lives and serves no more
	spreads    = "spread"      // nginx keeps one of its servers out
)

// check is the loss as the first reason of its cell, in one line.
func (l *Loss) check() verdict.Check {
	line, _, _ := strings.Cut(l.Cause.Error(), "\n")
	return verdict.Check{Name: l.Class, State: verdict.Invalid, Detail: line}
}

// AbsentError says which services were not there.
type AbsentError struct {
	When   string // before, in or after
	Absent []ready.Absence
}

func (e *AbsentError) Error() string {
	var names []string
	for _, a := range e.Absent {
		names = append(names, a.String())
	}
	return e.When + " the cell: " + strings.Join(names, "; ")
}

// aftermath is all that decides whether a topology is lost with a cell.
type aftermath struct {
	outcome aiperf.Outcome
	absent  *AbsentError // after the cell, and for good
	ended   []string     // processes of services that lived before and not after
	ejected []string     // servers that nginx keeps out
	served  bool         // every request was answered, by all that aiperf's files and end tell
}

// lossOf is nil if the next cell can be measured. ctx is the stack's, and gone its
// child that the watch of the cell may have ended.
//
// A process that a service lost says nothing of a cell whose requests were all
// answered: compilers and their helpers come and go (torch ends its idle pool). Where
// some were not it is the engine, behind a server that still says it is well.
func lossOf(ctx, gone context.Context, a aftermath) *Loss {
	lost := func(class string, cause error) *Loss { return &Loss{Class: class, Cause: cause, At: time.Now()} }
	var absent *AbsentError
	switch {
	case ctx.Err() != nil:
		return lost(workerDied, context.Cause(ctx))
	case errors.As(context.Cause(gone), &absent):
		return lost(workers, absent)
	case a.outcome.Stalled:
		return lost(stalled, errors.New(a.outcome.Problem))
	case a.absent != nil:
		return lost(workers, a.absent)
	case !a.served && len(a.ended) > 0:
		return lost(workerDied, errors.New(strings.Join(a.ended, "; ")))
	case len(a.ejected) > 0:
		return lost(spreads, fmt.Errorf("nginx sends nothing more to %s", strings.Join(a.ejected, ", ")))
	}
	return nil
}

// lose tells that a topology was lost. attempt is nil if no cell was under way.
func (c *Campaign) lose(t *Topology, l *Loss, attempt *try) {
	lost := journal.LaunchLost{Topology: t.Name, Launch: t.Launches, Class: l.Class, Error: l.Cause.Error()}
	where := t.Name
	if attempt != nil {
		lost.Concurrency, lost.Attempt = attempt.Concurrency, attempt.dir
		where = fmt.Sprintf("%s: concurrency %d", t.Name, attempt.Concurrency)
	}
	c.Journal.Note(lost)
	next := "the topology is taken down and made anew, once"
	if t.Launches >= launches || t.Launches == 0 { // 0: somebody else's server
		next = "the rest of its sweep is not measured"
	}
	c.Screen.Note(fmt.Sprintf("%s is lost (%s): %s\n%v", where, l.Class, next, l.Cause))
}

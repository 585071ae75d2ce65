package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"topobench/internal/journal"
	"topobench/internal/verdict"
)

// LaunchFailure is why a launch of a topology can measure no further cell. Class is the
// check that failed.
type LaunchFailure struct {
	Class verdict.CheckName
	Cause error
	At    time.Time
}

// failed is nil if the next cell can be measured. ctx is the topology's: its cause has
// the log of a service that died.
func failed(ctx context.Context, v verdict.Verdict) *LaunchFailure {
	check, is := v.LaunchFailure()
	if !is {
		return nil
	}
	f := &LaunchFailure{Class: check.Name, Cause: errors.New(check.Detail), At: time.Now()}
	if ctx.Err() != nil {
		f.Cause = context.Cause(ctx)
	}
	return f
}

// recordFailure reports that a launch failed. attempt is nil if no cell was under way.
func (c *Campaign) recordFailure(t *Topology, f *LaunchFailure, attempt *try) {
	lost := journal.LaunchLost{Topology: t.Name, Launch: t.Launches, Class: string(f.Class), Error: f.Cause.Error()}
	where := t.Name
	if attempt != nil {
		lost.Concurrency, lost.Attempt = attempt.Concurrency, attempt.dir
		where = fmt.Sprintf("%s: concurrency %d", t.Name, attempt.Concurrency)
	}
	c.Journal.Note(lost)
	next := "restarting the topology, once"
	if t.Launches >= launches || t.Launches == 0 { // 0: a server that topobench did not start
		next = "the rest of its sweep is not measured"
	}
	c.Screen.Note(fmt.Sprintf("%s failed (%s): %s\n%v", where, f.Class, next, f.Cause))
}

// Package load is one aiperf run.
//
// Run starts aiperf through the shepherd, follows it by its own files, ends it
// at its deadline or when the context ends, and returns only when its whole
// process tree is gone. Whether what it measured counts is not decided here.
package load

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"topobench/internal/plan"
	"topobench/internal/process"
)

// interruptGrace is how long aiperf may take to end after SIGINT, the only
// signal it handles. aiperf 0.13 ends within a second, or, when the signal came
// while its services registered, never; what it would still export is not used.
const interruptGrace = 5 * time.Second

// Job is one cell.
type Job struct {
	Name        string // of the process in messages: aiperf-c4
	Load        plan.Load
	Concurrency int
	Dir         string // fresh; aiperf writes here
	Log         string
	Environ     []string // of the caller
	Progress    func(Progress)
	Hurry       context.Context // ends when an interrupted aiperf gets no more grace
}

// Outcome is how aiperf ended. Problem is empty when it ended by itself with 0.
type Outcome struct {
	Exit    process.Exit
	Took    time.Duration
	Problem string
	Error   string // the last line of its log that names an error
}

// Run runs the job. An error means that aiperf could not be started or that it
// could not be proved gone; everything else is an Outcome. When ctx ends, its
// cause is the problem.
func Run(ctx context.Context, s process.Starter, j Job) (Outcome, error) {
	env, missing := plan.Environ(j.Environ, j.Load.Env)
	if len(missing) > 0 {
		return Outcome{}, fmt.Errorf("cannot start aiperf: its env names variables that are not set: %v", missing)
	}
	began := time.Now()
	child, err := s.Start(process.Spec{Name: j.Name, Argv: j.Load.Argv(j.Concurrency, j.Dir), Env: env, Dir: j.Dir, Log: j.Log, Grace: interruptGrace})
	if err != nil {
		return Outcome{}, fmt.Errorf("cannot start aiperf: %w", err)
	}
	problem := follow(ctx, child, j)
	if problem != "" {
		interrupt(child, j.Hurry)
	}
	err = child.Stop(j.Hurry) // its tree is swept after every cell, however it ended
	o := Outcome{Exit: child.Exit(), Took: time.Since(began), Problem: problem}
	if o.Problem == "" && o.Exit.Code != 0 {
		o.Problem = "aiperf " + o.Exit.String()
	}
	if o.Problem != "" {
		o.Error = lastError(process.Tail(j.Log, errorLines))
	}
	return o, err
}

// errorLines are searched for an error; aiperf prints a boxed summary behind it.
const errorLines = 200

// lastError finds a line of aiperf's log such as "10:19:45.781 ERROR    text".
func lastError(lines []string) string {
	for _, line := range slices.Backward(lines) {
		if _, text, found := strings.Cut(line, " ERROR "); found {
			return "aiperf: " + strings.TrimSpace(text)
		}
	}
	return ""
}

// follow returns when aiperf ended, or why it must be ended.
func follow(ctx context.Context, child *process.Child, j Job) (problem string) {
	deadline := j.Load.Deadline(j.Concurrency)
	timeout := time.NewTimer(deadline)
	defer timeout.Stop()
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	reader := newReader(j)
	for {
		select {
		case <-child.Done():
			j.Progress(reader.read())
			return ""
		case <-ctx.Done():
			return context.Cause(ctx).Error()
		case <-timeout.C:
			return fmt.Sprintf("aiperf had not ended after %s", deadline)
		case <-tick.C:
			j.Progress(reader.read())
		}
	}
}

// interrupt asks aiperf to end and gives it its grace; Stop does the rest.
func interrupt(child *process.Child, hurry context.Context) {
	if err := child.Interrupt(syscall.SIGINT); err != nil {
		return // it is gone, or Stop will see to it
	}
	select {
	case <-child.Done():
	case <-hurry.Done():
	case <-time.After(interruptGrace):
	}
}

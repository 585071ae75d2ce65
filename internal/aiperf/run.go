// Package aiperf contains all that topobench knows about aiperf: how one is called, run
// and stopped, and how its exports and records are read.
//
// Run starts aiperf through the shepherd, follows it by its own files, stops it at its
// deadline, when no request completes any more or when the context ends, and returns only
// when its whole process tree is gone.
//
// Read returns only numbers that are in the file: one that is missing, null, negative or
// not a number is an error with a name, never a zero. It reads the exports of aiperf
// 0.1.1 to 0.13 (JSON schema "" to 1.4). Package verdict judges them.
package aiperf

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	"topobench/internal/host"
)

// interruptGrace is how long aiperf may take to end after SIGINT, the only
// signal it handles. aiperf 0.13 ends within a second, or, when the signal came
// while its services registered, never; what it would still export is not used.
const interruptGrace = 5 * time.Second

// Job is one cell.
type Job struct {
	Name        string // of the process in messages: aiperf-c4
	Load        Load
	Concurrency int
	Dir         string // fresh; aiperf writes here
	Log         string
	Env         []string      // the whole environment of aiperf
	Started     func(pid int) // may be nil
	Progress    func(Progress)
	Hurry       context.Context // ends when an interrupted aiperf gets no more grace
}

// Outcome is how aiperf ended. Problem is empty when it ended by itself with 0.
type Outcome struct {
	Exit    host.Exit
	Took    time.Duration
	Problem string
	Error   string        // the last line of its log that names an error
	Stalled bool          // requests completed no more
	Unseen  time.Duration // the longest time in which nobody looked, beyond what is usual
}

// Run runs the job. An error means that aiperf could not be started or that it
// could not be proved gone; everything else is an Outcome. When ctx ends, its
// cause is the problem.
func Run(ctx context.Context, s host.Starter, j Job) (Outcome, error) {
	began := time.Now()
	child, err := s.Start(host.Spec{Name: j.Name, Argv: j.Load.Argv(j.Concurrency, j.Dir), Env: j.Env, Dir: j.Dir, Log: j.Log, Grace: interruptGrace})
	if err != nil {
		return Outcome{}, fmt.Errorf("cannot start aiperf: %w", err)
	}
	if j.Started != nil {
		j.Started(child.PID())
	}
	o := follow(ctx, child, j)
	if o.Problem != "" {
		interrupt(child, j.Hurry)
	}
	err = child.Stop(j.Hurry) // its tree is swept after every cell, however it ended
	o.Exit, o.Took = child.Exit(), time.Since(began)
	if o.Problem == "" && o.Exit.Code != 0 {
		o.Problem = "aiperf " + o.Exit.String()
	}
	if o.Problem != "" {
		o.Error = lastError(host.Tail(j.Log, errorLines))
	}
	if strings.Contains(o.Error, "httpx.ConnectError") {
		o.Error += "; it asks huggingface.co for the tokenizer: name one that is here (--tokenizer of perf, tokenizer of a profile)"
	}
	return o, err
}

// errorLines are searched for an error; aiperf prints a boxed summary behind it.
const errorLines = 200

// lastError finds a line of aiperf's log such as "10:19:45.781 ERROR    text", or what
// the system refused it, as Python ends a traceback: "OSError: [Errno 28] No space ...".
func lastError(lines []string) string {
	for _, line := range slices.Backward(lines) {
		_, text, found := strings.Cut(line, " ERROR ")
		if strings.Contains(line, "Error: [Errno ") && !found {
			text, found = line, true
		}
		if found {
			return "aiperf: " + strings.TrimSpace(text)
		}
	}
	return ""
}

// follow returns when aiperf ended, or why it must be ended.
func follow(ctx context.Context, child *host.Child, j Job) (o Outcome) {
	deadline := j.Load.Deadline(j.Concurrency)
	timeout := time.NewTimer(deadline)
	defer timeout.Stop()
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	reader, stall, looked := newReader(j), newStall(j, time.Now()), time.Now()
	for o.Problem == "" {
		ended := false
		select {
		case <-child.Done():
			ended = true
		case <-ctx.Done():
			o.Problem = context.Cause(ctx).Error()
		case <-timeout.C:
			o.Problem = fmt.Sprintf("aiperf had not ended after %s", deadline)
		case <-tick.C:
		}
		now := time.Now()
		o.Unseen = max(o.Unseen, now.Sub(looked)-progressEvery)
		looked = now
		p := reader.read()
		j.Progress(p)
		if ended {
			break
		}
		if hung := stall.look(p, now); hung != "" && o.Problem == "" {
			o.Problem, o.Stalled = hung, true
		}
	}
	return o
}

// interrupt asks aiperf to end and gives it its grace; Stop does the rest.
func interrupt(child *host.Child, hurry context.Context) {
	if err := child.Interrupt(syscall.SIGINT); err != nil {
		return // it is gone, or Stop will see to it
	}
	select {
	case <-child.Done():
	case <-hurry.Done():
	case <-time.After(interruptGrace):
	}
}

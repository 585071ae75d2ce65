// Package aiperf is everything that depends on aiperf: its arguments, its limits, one run of
// it, its exports and its records.
//
// Run starts aiperf through a shepherd and follows its progress in the files it writes. Run
// ends aiperf at its deadline, when requests no longer complete, or when the context ends. It
// returns only when the whole process tree is gone. aiperf may run on another machine: its files
// are then copied to this one, and compared with sums that were made there.
//
// Read returns only numbers that are in the file. A number that is missing, null, negative or
// NaN is a named error, never a zero. It reads the exports of aiperf 0.1.1 to 0.13 (JSON
// schema "" to 1.4). Package verdict judges them.
package aiperf

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"topobench/internal/host"
	"topobench/internal/text"
)

// interruptGrace is the time that aiperf gets to end after SIGINT, the only signal it handles.
// aiperf 0.13 ends within a second or, if its services were still registering, never.
// topobench does not use its export after an interrupt.
const interruptGrace = 5 * time.Second

// Job is one cell.
type Job struct {
	Name        string // of the process in messages: aiperf-c4
	Load        Load
	Concurrency int
	Previous    Previous           // the cell before, from which the limits follow
	Dir         string             // a new directory on the machine of aiperf, which writes here
	Log         string             // likewise
	Copy        Copy               // of its files, if that is another machine
	Env         []string           // the whole environment of aiperf
	Started     func(shepherd int) // gets the pid of aiperf's shepherd; may be nil
	Progress    func(Progress)
	Throttled   func() time.Duration // how long this process has waited for CPU quota so far; may be nil
	Force       context.Context      // ends when an interrupted aiperf gets no further grace
}

// Outcome is the end of aiperf. Problem is empty if aiperf ended by itself with code 0.
type Outcome struct {
	Exit    host.Exit
	Took    time.Duration
	Problem string
	Error   string // the last line of its log that names an error
	Stalled bool   // requests no longer completed: the server is at fault
	Unseen  Unseen
}

// Run runs the job. It fails if it cannot start aiperf or cannot prove it gone; any other end
// is an Outcome. If ctx ends, its cause is the problem.
func Run(ctx context.Context, on Machine, j Job) (Outcome, error) {
	began := time.Now()
	child, err := j.start(ctx, on)
	if err != nil {
		return Outcome{}, fmt.Errorf("cannot start aiperf: %w", err)
	}
	if j.Started != nil {
		j.Started(child.Shepherd().PID)
	}
	o := follow(ctx, on, child, j)
	if o.Problem != "" {
		interrupt(child, j.Force)
	}
	err = child.Stop(j.Force) // kills the rest of its tree, however it ended
	o.Exit, o.Took = child.Exit(), time.Since(began)
	if o.Problem == "" && o.Exit.Code != 0 {
		o.Problem = "aiperf " + o.Exit.String()
	}
	if o.Problem != "" {
		log, err := get(ctx, on, j.Log, -errorBytes, errorBytes, getWithin)
		lines := text.Lines(log)
		o.Error = cmp.Or(boxed(lines), lastError(lines))
		if err != nil {
			o.Error = fmt.Sprintf("cannot read its log: %v", err)
		}
	}
	if strings.Contains(o.Error, "httpx.ConnectError") {
		o.Error += "; aiperf downloads the tokenizer from huggingface.co: " +
			"use a local directory instead (perf --tokenizer, or tokenizer in the profile)"
	}
	if err == nil && j.Copy != (Copy{}) {
		o = j.fetched(ctx, on, o)
	}
	return o, err
}

const (
	errorBytes = 64 << 10 // of the end of the log, in which to search for an error: a boxed summary follows it
	errorWidth = 300      // characters of an error
)

// raised is the line of a Python traceback that names the exception: "OSError: [Errno 28] No space ...".
var raised = regexp.MustCompile(`^(?:\w+\.)*(\w*(?:Error|Exception|Exit|Interrupt)\w*: .+)`) // constant

// lastError finds the last error in aiperf's log, such as "10:19:45.781 ERROR    text", or the exception of the last
// Python traceback.
func lastError(lines []string) string {
	for _, line := range slices.Backward(lines) {
		_, found, _ := strings.Cut(line, " ERROR ")
		if exception := raised.FindStringSubmatch(line); exception != nil {
			found = exception[1]
		}
		if found = strings.Trim(found, " :"); found != "" { // a colon ends the first of several lines
			return "aiperf: " + text.Ends(found, errorWidth)
		}
	}
	return ""
}

// follow waits until aiperf ends, or returns the problem for which Run has to end it.
func follow(ctx context.Context, on Machine, child child, j Job) (o Outcome) {
	deadline := j.Load.Deadline(j.Concurrency)
	timeout := time.NewTimer(deadline)
	defer timeout.Stop()
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	began := time.Now()
	gaps := newGaps(j.Throttled, began)
	defer gaps.stop()
	reader, stall := newReader(j), newStall(j.Load.Limits(j.Concurrency, j.Previous), began)
	for o.Problem == "" {
		ended, within := false, pollWithin
		select {
		case <-child.Done():
			ended, within = true, getWithin
		case <-ctx.Done():
			o.Problem = context.Cause(ctx).Error()
		case <-timeout.C:
			o.Problem = fmt.Sprintf("aiperf had not ended after %s", deadline)
		case <-tick.C:
		}
		now := time.Now()
		gaps.check(now)
		o.Unseen = gaps.longest
		p := reader.read(ctx, on, within)
		j.Progress(p)
		if ended {
			break
		}
		if hung, server := stall.check(p, now); hung != "" && o.Problem == "" {
			o.Problem, o.Stalled = hung, server
		}
	}
	return o
}

// interrupt sends SIGINT to aiperf and waits for its grace. Stop kills the rest.
func interrupt(child child, force context.Context) {
	if err := child.Interrupt(syscall.SIGINT); err != nil {
		return // it is gone, or Stop will kill it
	}
	select {
	case <-child.Done():
	case <-force.Done():
	case <-time.After(interruptGrace):
	}
}

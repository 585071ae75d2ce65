// Package ready asks a gate until it opens, the process dies, or time is up.
//
// A gate is open when three successive answers were good: a worker that flaps
// is not ready. No gate is asked through the balancer, since the guide's nginx ejects
// a backend for 10000 s after three failures; completions go there when all are open.
package ready

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"topobench/internal/plan"
)

const (
	pollEvery    = 50 * time.Millisecond
	confirmEvery = 5 * time.Millisecond // once an answer was good
	wanted       = 3                    // successive good answers
)

// NotReadyError says which service never became ready, and its last answer.
type NotReadyError struct {
	Service string
	After   time.Duration
	Last    error
	Hints   []string // ERROR lines of its log
}

func (e *NotReadyError) Error() string {
	text := fmt.Sprintf("%s is not ready after %s: %v", e.Service, e.After.Round(time.Second), e.Last)
	if len(e.Hints) > 0 {
		text += "\n  errors in its log:\n    " + strings.Join(e.Hints, "\n    ")
	}
	return text
}

// Await returns when the gate of s is open: the time of the first of the good
// answers. It fails with the cause of ctx (the death of any process, an
// interrupt) or with *NotReadyError. note is told what the gate still waits for
// whenever that changes.
func Await(ctx context.Context, s plan.Service, note func(string)) (time.Time, error) {
	began := time.Now()
	w := &watch{service: s, note: note, stall: newStall(s.Log, s.Gate.Stall, began), last: errors.New("its answers do not stay good")}
	var first time.Time
	for good := 0; ; {
		if err := ask(ctx, s.Gate); err != nil {
			good = 0
			w.missing(err)
		} else if good++; good == 1 {
			first = time.Now()
		}
		if good == wanted {
			return first, nil
		}
		if waited := time.Since(began); waited > s.Gate.Deadline {
			return first, &NotReadyError{Service: s.Name, After: waited, Last: w.last, Hints: errorLines(s.Log)}
		}
		select {
		case <-ctx.Done():
			return first, context.Cause(ctx)
		case <-time.After(pause(good)):
		}
	}
}

func pause(good int) time.Duration {
	if good > 0 {
		return confirmEvery
	}
	return pollEvery
}

// watch remembers the last answer and tells changes.
type watch struct {
	service plan.Service
	note    func(string)
	stall   stall
	last    error

	toldModel bool
}

func (w *watch) missing(err error) {
	text := err.Error()
	if w.last.Error() != text {
		w.note(text)
	}
	w.last = err
	if hint := w.stall.look(time.Now()); hint != "" {
		if lines := errorLines(w.service.Log); len(lines) > 0 {
			hint += "; its last error: " + lines[len(lines)-1]
		}
		w.note(hint)
	}
	if errors.Is(err, errNoModel) && !w.toldModel {
		for _, line := range errorLines(w.service.Log) {
			w.note(line)
			w.toldModel = true // its log tells why only once it has tried
		}
	}
}

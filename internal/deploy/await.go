package deploy

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
	required     = 3                    // successive good answers
)

// NotReadyError names the service that never became ready, with its last answer.
type NotReadyError struct {
	Service string
	After   time.Duration
	Last    error
	Hints   []string // ERROR lines of its log
	Log     string   // path
}

func (e *NotReadyError) Error() string {
	text := fmt.Sprintf("%s is not ready after %s: %v", e.Service, e.After.Round(time.Second), e.Last)
	if _, final := errors.AsType[*FinalError](e.Last); final {
		text = fmt.Sprintf("%s will not become ready: %v", e.Service, e.Last)
	}
	if len(e.Hints) > 0 {
		text += "\n  errors in its log:\n    " + strings.Join(e.Hints, "\n    ")
	}
	return text
}

// Await returns when the gate of s is open, with the time of the first of the good
// answers. A gate is open after three successive good answers: a worker that flaps is not
// ready. No gate is probed through the balancer, since the guide's nginx ejects a backend
// for 10000 s after three failures; completions go there when all gates are open.
//
// Three equal answers that no waiting changes end it. It fails with the cause of ctx (the
// death of a service, an interrupt) or with
// *NotReadyError. note receives the reason why the gate is closed whenever that changes.
func (p Prober) Await(ctx context.Context, s plan.Service, note func(string)) (time.Time, error) {
	began := time.Now()
	w := &watch{host: p.on(s.Host), service: s, note: note, stall: newStall(p.on(s.Host), s.Log, s.Gate.Stall, began),
		last: errors.New("its answers do not stay good")}
	w.stall.shown = logOf(s)
	var first time.Time
	var answers finals
	for good := 0; ; {
		pause := confirmEvery
		err := p.Gate(ctx, s.Gate)
		if ctx.Err() != nil { // the probe was cut off, and shows nothing
			return first, context.Cause(ctx)
		}
		if err != nil {
			good, pause = 0, pollEvery
			w.closed(ctx, err)
		} else if good++; good == 1 {
			first = time.Now()
		}
		if good == required {
			return first, nil
		}
		if waited := time.Since(began); waited > s.Gate.Deadline || answers.add(err) {
			return first, &NotReadyError{Service: title(s), After: waited, Last: w.last,
				Hints: errorLines(ctx, p.on(s.Host), s.Log), Log: logOf(s)}
		}
		select {
		case <-ctx.Done():
			return first, context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

// watch reports why a gate is closed, each reason once in a row.
type watch struct {
	host    Host
	service plan.Service
	note    func(string)
	stall   stall
	last    error // the last answer that was not good

	explained bool // errNoModel, by the service's log
}

func (w *watch) closed(ctx context.Context, err error) {
	text := err.Error()
	if w.last.Error() != text {
		w.note(text)
	}
	w.last = err
	if hint := w.stall.check(ctx, time.Now()); hint != "" {
		if lines := errorLines(ctx, w.host, w.service.Log); len(lines) > 0 {
			hint += "; its last error: " + lines[len(lines)-1]
		}
		w.note(hint)
	}
	if errors.Is(err, errNoModel) && !w.explained {
		for _, line := range errorLines(ctx, w.host, w.service.Log) {
			w.note(line)
			w.explained = true // the reason is in its log only after a first try
		}
	}
}

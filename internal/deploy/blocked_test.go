package deploy

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"topobench/internal/plan"
)

// A subscriber that never returns, as a write to a pipe whose reader is stopped, keeps
// neither the services from being stopped nor the proof from being made.
func TestDownDoesNotWaitForASubscriber(t *testing.T) {
	for _, row := range []struct {
		why  string
		last State // the event that the subscriber never returns from
		kill bool  // the service, before Down
	}{
		{"it blocks when the first service is stopped", Stopping, false},
		{"it blocks when that is gone", Gone, false},
		{"it blocks when the service has died", Died, true},
	} {
		t.Run(row.why, func(t *testing.T) {
			b := newBed(t)
			o := b.options()
			blocked := make(chan bool)
			o.Events = func(e Event) {
				b.note(e)
				if e, ok := e.(ServiceChanged); ok && e.State == row.last {
					close(blocked)
					select {}
				}
			}
			s, err := target(o, b.service("a", plan.Frontend, 0, "sleep")).Up(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			s.events.within = time.Millisecond
			if row.kill {
				if err := syscall.Kill(b.pid("a"), syscall.SIGKILL); err != nil {
					t.Error(err)
				}
				<-blocked
			}
			down := make(chan error, 1)
			go func() { down <- s.Down(t.Context()) }()
			select {
			case err := <-down:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(soon):
				t.Error("Down waits for it")
			}
			<-blocked
			if living := b.Living(); len(living) > 0 {
				t.Errorf("there is %v", living)
			}
		})
	}
}

// A start that the subscriber holds up ends with its context, and is taken down.
func TestUpEndsWithItsContextInASubscriber(t *testing.T) {
	b := newBed(t)
	o := b.options()
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("interrupted by Ctrl-C")
	release := make(chan bool)
	o.Events = func(e Event) {
		if e, ok := e.(ServiceChanged); ok && e.State == Starting {
			cancel(cause)
			<-release
		}
	}
	o.Checks = []TeardownCheck{{Name: "release", Check: func(context.Context) ([]Leftover, error) {
		if living := b.Living(); len(living) > 0 {
			t.Errorf("at the proof there is %v", living)
		}
		release <- true
		return nil, nil
	}}}
	_, err := target(o, b.service("a", plan.Frontend, 0, "sleep")).Up(ctx)
	if !errors.Is(err, cause) {
		t.Errorf("error %v, want %v", err, cause)
	}
}

// A sample that hangs keeps no service running.
func TestDownDoesNotWaitForASample(t *testing.T) {
	b := newBed(t)
	o := b.options()
	first := true
	o.Checks = []TeardownCheck{{Name: "shared memory", Check: nothing, Sample: func() {
		if !first {
			select {}
		}
		first = false
	}}}
	s, err := target(o, b.service("a", plan.Frontend, 0, "sleep")).Up(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	down := make(chan error, 1)
	go func() { down <- s.Down(t.Context()) }()
	select {
	case err := <-down:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(soon):
		t.Error("Down waits for it")
	}
}

package deploy

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"topobench/internal/host/proc"
	"topobench/internal/plan"
	"topobench/internal/testbed"
)

// A service that cannot be killed, as one in a wedged driver: its shepherd reports that
// and ends, and the service never does. Down does not wait for it.
func TestF5FDownOfAServiceThatCannotBeKilled(t *testing.T) {
	b := newBed(t)
	self, err := proc.Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	shepherd := filepath.Join(b.dir, "shepherd")
	script := fmt.Sprintf(`#!/bin/sh
read start <&3
echo '{"event":"started","pid":%d,"ticks":%d}' >&4
read order <&3
echo '{"event":"gone","left":[{"PID":%[1]d,"Ticks":%[2]d,"State":68,"Comm":"wedged"}]}' >&4
`, self.PID, self.Ticks)
	if err := os.WriteFile(shepherd, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	o := b.options()
	o.Host = local(shepherd)
	s, err := target(o, b.service("a", plan.Decode, 0, "sleep")).Up(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	down := make(chan error, 1)
	go func() { down <- s.Down(t.Context()) }()
	select {
	case err := <-down:
		if _, dirty := errors.AsType[*DirtyError](err); !dirty {
			t.Errorf("error %v, want DIRTY", err)
		}
	case <-time.After(soon):
		t.Fatal("Down waits for what cannot end")
	}
}

// A test of the configuration that does not end is no reason to wait for ever.
func TestCheckThatHangs(t *testing.T) {
	b := newBed(t)
	service := b.service("nginx", plan.Balancer, 0, "sleep")
	service.Check = testbed.Argv("stubborn")
	s := newStack(t.Context(), target(b.options(), service))
	defer s.events.close()
	if err := s.testConfigurations(s.places[0], 100*time.Millisecond); err == nil || !strings.Contains(err.Error(), "no answer within 100ms") {
		t.Errorf("error %v", err)
	}
	if living := b.Living(); len(living) > 0 {
		t.Errorf("there is %v", living)
	}
}

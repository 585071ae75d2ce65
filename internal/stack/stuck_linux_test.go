package stack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"topobench/internal/plan"
	"topobench/internal/proctree"
)

// A service that cannot be killed, as one in a wedged driver: its shepherd says so
// and ends, and the service never does. Down does not wait for it.
func TestF5FDownOfAServiceThatCannotBeKilled(t *testing.T) {
	b := newBed(t)
	self, err := proctree.Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	shepherd := filepath.Join(b.dir, "shepherd")
	script := fmt.Sprintf(`#!/bin/sh
echo '{"event":"started","pid":%d,"ticks":%d}' >&4
read order <&3
echo '{"event":"gone","left":[{"PID":%[1]d,"Ticks":%[2]d,"State":68,"Comm":"wedged"}]}' >&4
`, self.PID, self.Ticks)
	if err := os.WriteFile(shepherd, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	o := b.options()
	o.Starter.Exe = shepherd
	s, err := Up(t.Context(), plan.Plan{Name: "t", Services: []plan.Service{b.service("a", plan.Decode, 0, "sleep")}}, o)
	if err != nil {
		t.Fatal(err)
	}
	down := make(chan error, 1)
	go func() { _, err := s.Down(t.Context()); down <- err }()
	select {
	case err := <-down:
		if _, dirty := errors.AsType[*DirtyError](err); !dirty {
			t.Errorf("error %v, want DIRTY", err)
		}
	case <-time.After(soon):
		t.Fatal("Down waits for what cannot end")
	}
}

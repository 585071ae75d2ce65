package deploy

import (
	"os"
	"testing"

	"topobench/internal/host"
	"topobench/internal/plan"
	"topobench/internal/testbed"
)

// Children of the shell that executed topobench in its own place, as a tee of its
// output, are children of topobench now. They were there before, and are no leftover.
func TestDownKnowsWhatWasThereBefore(t *testing.T) {
	b := newBed(t)
	tee, err := os.StartProcess("/bin/sh", []string{"sh", "-c", "sleep 60; :"}, &os.ProcAttr{Env: b.Env()})
	if err != nil {
		t.Fatal(err)
	}
	o := b.options()
	testbed.Eventually(t, soon, func() bool {
		o.Foreign, err = host.Leftovers()
		return err == nil && len(o.Foreign) == 2 // the sleep of the shell, too
	})
	s, err := target(o, b.service("a", plan.Frontend, 0, "sleep")).Up(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Down(t.Context()); err != nil {
		t.Error(err)
	}
	for _, p := range o.Foreign {
		stranger, err := os.FindProcess(p.PID)
		if err == nil {
			err = stranger.Kill()
		}
		if err != nil {
			t.Errorf("%v was touched: %v", p, err)
		}
	}
	if _, err := tee.Wait(); err != nil {
		t.Error(err)
	}
}

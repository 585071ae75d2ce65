package recovery

import (
	"context"
	"strings"
	"syscall"
	"testing"

	"topobench/internal/host/proc"
	"topobench/internal/testbed"
)

// --force also ends a run that was suspended (Ctrl-Z).
func TestF5CForceEndsAStoppedRun(t *testing.T) {
	b := newBed(t)
	o := b.orchestrate("sleep")
	if err := o.process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	testbed.Eventually(t, soon, func() bool { p, err := proc.Read(o.process.Pid); return err == nil && p.State == 'T' })
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	c := b.cleaner()
	c.Force = true
	all, err := c.Clean(ctx)
	if err != nil || len(all) != 1 || all[0].Fate != Crashed || all[0].Err != nil {
		t.Errorf("found %+v, %v", all, err)
	}
	o.process.Kill() // it ended, unless the test failed
	if _, err := o.process.Wait(); err != nil {
		t.Error(err)
	}
}

// A run of another pid namespace has other pids here: its owner may be running, and so may
// a process with its cookie.
func TestRunOfAnotherPIDNamespace(t *testing.T) {
	b := newBed(t)
	p := b.start("", []string{b.cookie()}, "/bin/sleep", "60")
	o := b.deadOwner()
	o.PIDNamespace = "pid:[1]"
	run := b.dead(o)
	f := b.clean(b.cleaner())
	if f.Fate != Unknown || f.Err == nil || !strings.Contains(f.Err.Error(), "another container") || f.Killed > 0 {
		t.Errorf("found %+v", f)
	}
	if ended(run.Path()) || !exists(run.TempDir()) {
		t.Error("the run was finished")
	}
	b.running(p)
}

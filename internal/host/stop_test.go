package host_test

import (
	"context"
	"strings"
	"syscall"
	"testing"
	"time"

	"topobench/internal/host"
)

func TestStopEndsAWillingChildAtOnce(t *testing.T) {
	b := newBed(t)
	c := b.start(b.spec("svc", "sleep"), "ready")
	if took := b.stop(c); took > soon/2 {
		t.Errorf("took %v of a grace of %v", took, soon)
	}
	exit := c.Exit()
	if exit.Signal != syscall.SIGTERM || !exit.Stopped || exit.Killed != 0 {
		t.Errorf("got %+v, want stopped by signal 15 and nothing killed", exit)
	}
	if got, want := exit.String(), "stopped by signal 15"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := c.Stop(context.Background()); err != nil {
		t.Errorf("stopping twice: %v", err)
	}
}

func TestStopKillsAfterTheGrace(t *testing.T) {
	b := newBed(t)
	spec := b.spec("svc", "stubborn")
	spec.Grace = 200 * time.Millisecond
	c := b.start(spec, "ready")
	if took := b.stop(c); took < spec.Grace {
		t.Errorf("killed after %v, before the grace of %v", took, spec.Grace)
	}
	if exit := c.Exit(); exit.Signal != syscall.SIGKILL || !exit.Stopped {
		t.Errorf("got %+v, want stopped by signal 9", exit)
	}
}

// The leader obeys and is gone; its child in the same group does not. The grace
// goes on until the group is empty, and then the child is killed.
func TestF61LeaderGoneChildIgnoresTERM(t *testing.T) {
	b := newBed(t)
	spec := b.spec("svc", "leader")
	spec.Grace = 300 * time.Millisecond
	c := b.start(spec)
	b.ready("svc", 2)
	if took := b.stop(c); took < spec.Grace {
		t.Errorf("killed after %v: the child had no grace of %v", took, spec.Grace)
	}
	if exit := c.Exit(); exit.Signal != syscall.SIGTERM || exit.Killed != 1 {
		t.Errorf("got %+v, want signal 15 and one killed", exit)
	}
}

// A signal during the start of a service hits it before it has a handler and
// leaves what it had started.
func TestF62StopDuringStartLeavesNothing(t *testing.T) {
	for range 5 {
		b := newBed(t)
		spec := b.spec("svc", "grandchild")
		spec.Grace = 20 * time.Millisecond
		b.stop(b.start(spec))
	}
}

func TestStopFindsWhatLeftBySessionAndDoubleFork(t *testing.T) {
	for _, row := range []struct{ habit, why string }{
		{"grandchild", "own session, parent dead, ignores SIGTERM"},
		{"envless", "own session, no environment, ignores SIGTERM"},
	} {
		t.Run(row.habit, func(t *testing.T) {
			b := newBed(t)
			spec := b.spec("svc", row.habit)
			spec.Grace = 50 * time.Millisecond
			c := b.start(spec)
			b.ready("svc", 2)
			b.stop(c)
			if killed := c.Exit().Killed; killed != 1 {
				t.Errorf("%s: killed %d, want 1", row.why, killed)
			}
		})
	}
}

// Each link of the chain lives for less time than a look through /proc takes.
func TestF5HForkRacer(t *testing.T) {
	b := newBed(t)
	spec := b.spec("svc", "racer", "20000")
	spec.Grace = 50 * time.Millisecond
	c := b.start(spec, "ready")
	b.stop(c)
	if strings.Contains(b.log("svc"), "won") {
		t.Error("the racer ended by itself; nothing is shown")
	}
}

func TestStopWakesAStoppedChild(t *testing.T) {
	b := newBed(t)
	c := b.start(b.spec("svc", "stopped"), "ready")
	if took := b.stop(c); took > soon/2 {
		t.Errorf("took %v: SIGTERM came without SIGCONT", took)
	}
	if exit := c.Exit(); exit.Signal != syscall.SIGTERM {
		t.Errorf("got %+v, want signal 15", exit)
	}
}

func TestF5GZombieLeaderWithLiveThreadsIsEnded(t *testing.T) {
	b := newBed(t)
	spec := b.spec("svc", "zombie-leader")
	spec.Grace = 50 * time.Millisecond
	c := b.start(spec, "ready")
	select {
	case <-c.Done():
		t.Fatal("counted as ended while its threads live")
	case <-time.After(100 * time.Millisecond):
	}
	b.stop(c)
}

func TestHurryCutsAGraceUnderWay(t *testing.T) {
	b := newBed(t)
	c := b.start(b.spec("svc", "stubborn"), "ready")
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- c.Stop(ctx) }()
	select {
	case err := <-stopped:
		t.Fatalf("gone within the grace: %v", err)
	case <-time.After(100 * time.Millisecond):
		cancel()
	}
	select {
	case err := <-stopped:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(soon / 2):
		t.Error("a cancelled Stop still waits out the grace")
	}
	b.nothingLives()
}

func TestTheSignalOfTheSpecIsUsed(t *testing.T) {
	b := newBed(t)
	spec := b.spec("svc", "sleep")
	spec.Signal = syscall.SIGQUIT
	spec.Argv = []string{"/bin/sleep", "60"}
	c := b.start(spec)
	b.stop(c)
	if exit := c.Exit(); exit.Signal != syscall.SIGQUIT {
		t.Errorf("got %+v, want signal 3", exit)
	}
}

// F-56 here: somebody kills the shepherd, and its tree falls to this process.
func TestF56ShepherdKilled(t *testing.T) {
	b := newBed(t)
	c := b.start(b.spec("svc", "grandchild"))
	b.ready("svc", 2)
	other := b.start(b.spec("other", "sleep"), "ready") // younger: it could be taken for offspring
	if err := syscall.Kill(b.shepherdOf(c), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	exit := b.done(c)
	if !exit.Lost || exit.Stopped || !strings.Contains(exit.String(), "shepherd") {
		t.Errorf("got %v (%+v), want the lost shepherd named", exit, exit)
	}
	if err := c.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	if killed := c.Exit().Killed; killed != 1 {
		t.Errorf("killed %d, want the grandchild", killed)
	}
	select {
	case <-other.Done():
		t.Errorf("the other service was hit too: %v", other.Exit())
	default:
	}
	if left, err := host.Leftovers(); err != nil || len(left) > 0 {
		t.Errorf("leftovers %v, %v", left, err)
	}
	b.stop(other)
}

// A shepherd that somebody stopped does not answer; Stop must not wait for ever.
func TestStopOfAFrozenShepherdEndsByItsLimit(t *testing.T) {
	b := newBed(t)
	c := b.start(b.spec("svc", "sleep"), "ready")
	c.SetPatience(200 * time.Millisecond)
	if err := syscall.Kill(b.shepherdOf(c), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Stop(ctx); err != nil {
		t.Error(err)
	}
	b.nothingLives()
	if exit := c.Exit(); !exit.Lost || !exit.Stopped {
		t.Errorf("got %+v, want it stopped, without its shepherd", exit)
	}
}

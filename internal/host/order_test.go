package host_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/proc"
	"topobench/internal/testbed"
)

// marking is a child that leaves a file once it runs.
func (b bed) marking() (spec host.Spec, ran func() bool) {
	mark := filepath.Join(b.dir, "mark")
	spec = b.spec("svc", "sleep")
	spec.Argv = []string{"/bin/sh", "-c", "echo >" + mark + "; exec sleep 60"}
	spec.Env = b.Env("PATH=/usr/bin:/bin")
	return spec, func() bool { _, err := os.Stat(mark); return err == nil }
}

// OnStart gets the living shepherd, and no child runs before OnStart has returned.
func TestF57NoChildRunsBeforeOnStartReturns(t *testing.T) {
	b := newBed(t)
	spec, ran := b.marking()
	var moments []string
	var shepherd, child proc.Proc
	starter := host.Starter{Exe: testbed.Program()}
	starter.OnStart = func(name, log string, p proc.Proc) error {
		moments, shepherd = append(moments, "start "+name), p
		if testbed.Soon(200*time.Millisecond, ran) {
			t.Error("the child runs before its start is recorded")
		}
		if alive := b.Living(); len(alive) != 1 || alive[0].PID != p.PID || log != spec.Log {
			t.Errorf("alive are %v with the log %s, want the shepherd %v with %s", alive, log, p, spec.Log)
		}
		return nil
	}
	starter.OnChild = func(name string, p proc.Proc) { moments, child = append(moments, "child "+name), p }
	c, err := starter.Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(moments); got != "[start svc child svc]" {
		t.Errorf("the moments are %s", got)
	}
	if now, err := proc.Read(shepherd.PID); err != nil || now.Ticks != shepherd.Ticks || b.shepherdOf(c) != shepherd.PID {
		t.Errorf("the shepherd is %+v (%v), recorded is %+v", now, err, shepherd)
	}
	if child != c.Process() {
		t.Errorf("the child is %v, recorded is %v", c.Process(), child)
	}
	testbed.Eventually(t, soon, ran)
	b.stop(c)
}

// An error of OnStart is that of Start.
func TestF57NoChildRunsWhenOnStartFails(t *testing.T) {
	b := newBed(t)
	spec, ran := b.marking()
	full := errors.New("no space on the disk")
	starter := host.Starter{
		Exe:     testbed.Program(),
		OnStart: func(string, string, proc.Proc) error { return full },
		OnChild: func(_ string, p proc.Proc) { t.Errorf("there is a child: %v", p) },
	}
	c, err := starter.Start(spec)
	if start, is := errors.AsType[*host.StartError](err); c != nil || !is || start.Name != "svc" || !errors.Is(err, full) {
		t.Errorf("got %v, %v", c, err)
	}
	b.nothingLives() // and so nothing can leave the mark later
	if ran() {
		t.Error("the child has run")
	}
}

// A shepherd that is killed while its start is recorded has no child, and OnChild is not called.
func TestShepherdKilledBeforeItsOrder(t *testing.T) {
	b := newBed(t)
	spec, ran := b.marking()
	starter := host.Starter{
		Exe:     testbed.Program(),
		OnStart: func(_, _ string, p proc.Proc) error { return proc.Signal(p, syscall.SIGKILL) },
		OnChild: func(_ string, p proc.Proc) { t.Errorf("there is a child: %v", p) },
	}
	c, err := starter.Start(spec)
	if _, is := errors.AsType[*host.StartError](err); c != nil || !is {
		t.Errorf("got %v, %v", c, err)
	}
	b.nothingLives()
	if ran() {
		t.Error("the child has run")
	}
}

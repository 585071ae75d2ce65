package deploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"topobench/internal/host/proc"
	"topobench/internal/plan"
	"topobench/internal/testbed"
)

// Whatever the order of start: first the senders, then the servers, last their databases.
func TestF67DownGoesByRole(t *testing.T) {
	b := newBed(t)
	s := b.up(b.service("etcd", plan.Etcd, 0, "sleep"), b.service("decode", plan.Decode, 1, "sleep"),
		b.service("frontend", plan.Frontend, 1, "sleep"), b.service("nginx", plan.Balancer, 2, "sleep"))
	if err := s.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	times := s.Times()
	_, history, _ := strings.Cut(b.history(), "ready nginx, ")
	want := "stopping nginx, gone nginx, stopping frontend, gone frontend, stopping decode, gone decode, stopping etcd, gone etcd"
	if history != want {
		t.Errorf("events %s\nwant %s", history, want)
	}
	if living := b.Living(); len(living) > 0 {
		t.Errorf("there is %v", living)
	}
	if times.Teardown <= 0 || times.Proof <= 0 {
		t.Errorf("times %+v", times)
	}
	if s.Context().Err() == nil || strings.Contains(b.history(), "died") {
		t.Errorf("a stopped stack: context %v, events %s", s.Context().Err(), b.history())
	}
	if err := s.Down(t.Context()); err != nil {
		t.Errorf("a second Down: %v", err)
	}
}

// The second Ctrl-C: no more grace, and still nothing is left.
func TestDownByForce(t *testing.T) {
	b := newBed(t)
	stubborn := b.service("a", plan.Decode, 0, "stubborn")
	stubborn.Grace = time.Minute
	s := b.up(stubborn)
	b.awaitLog("a", "ready")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	began := time.Now()
	if err := s.Down(ctx); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > soon {
		t.Errorf("it took %s", took)
	}
	if living := b.Living(); len(living) > 0 {
		t.Errorf("there is %v", living)
	}
}

// Up that fails under force must not wait for a grace either.
func TestUpThatFailsByForce(t *testing.T) {
	b := newBed(t)
	stubborn := b.service("a", plan.Decode, 0, "stubborn")
	stubborn.Grace = time.Minute
	o := b.options()
	force, cancel := context.WithCancel(t.Context())
	cancel()
	o.Force = force
	o.Await = func(context.Context, plan.Service, func(string)) (time.Time, error) {
		b.awaitLog("a", "ready")
		return time.Time{}, errors.New("not ready")
	}
	began := time.Now()
	if _, err := target(o, stubborn).Up(t.Context()); err == nil || err.Error() != "not ready" {
		t.Errorf("error %v, want only that of the gate", err)
	}
	if took := time.Since(began); took > soon {
		t.Errorf("it took %s", took)
	}
}

// A grandchild that left by setsid and double fork, and ignores SIGTERM, belongs to the
// service.
func TestDownKillsGrandchildren(t *testing.T) {
	b := newBed(t)
	a := b.service("a", plan.Decode, 0, "grandchild")
	a.Grace = 100 * time.Millisecond
	s := b.up(a)
	b.awaitLog("a", "ready")
	if n := len(b.Living()); n < 3 { // the shepherd, the child, the grandchild
		t.Fatalf("%d processes, the test shows nothing", n)
	}
	if err := s.Down(t.Context()); err != nil {
		t.Error(err)
	}
	if living := b.Living(); len(living) > 0 {
		t.Errorf("there is %v", living)
	}
}

// A process that belongs to no service is found by the proof, named, and not touched.
func TestDownIsDirtyWhenSomethingIsLeft(t *testing.T) {
	b := newBed(t)
	s := b.up(b.service("a", plan.Frontend, 0, "sleep"))
	stray, err := os.StartProcess("/bin/sleep", []string{"sleep", "60"}, &os.ProcAttr{Env: b.Env()})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Down(t.Context())
	dirty, ok := errors.AsType[*DirtyError](err)
	if !ok || len(dirty.Left) != 1 || dirty.Left[0].PID != stray.Pid {
		t.Errorf("error %v, want the stray process %d", err, stray.Pid)
	} else if !strings.Contains(err.Error(), "DIRTY: t is not gone") || !strings.Contains(err.Error(), "sleep 60") {
		t.Errorf("the error does not list the leftover: %v", err)
	}
	if err := stray.Kill(); err != nil {
		t.Errorf("it was touched: %v", err)
	}
	if _, err := stray.Wait(); err != nil {
		t.Error(err)
	}
}

// So does a start that fails before its first service, when nginx -t left something.
func TestUpIsDirtyWhenACheckLeavesSomething(t *testing.T) {
	b := newBed(t)
	stray, err := os.StartProcess("/bin/sleep", []string{"sleep", "60"}, &os.ProcAttr{Env: b.Env()})
	if err != nil {
		t.Fatal(err)
	}
	service := b.service("nginx", plan.Balancer, 0, "sleep")
	service.Check = testbed.Argv("exit", "7")
	_, err = target(b.options(), service).Up(t.Context())
	dirty, ok := errors.AsType[*DirtyError](err)
	if !ok || len(dirty.Left) != 1 || dirty.Left[0].PID != stray.Pid || !strings.Contains(err.Error(), "exit 7") {
		t.Errorf("error %v, want that of the check and the stray process %d", err, stray.Pid)
	}
	if err := stray.Kill(); err != nil {
		t.Error(err)
	}
	if _, err := stray.Wait(); err != nil {
		t.Error(err)
	}
}

func TestDirtyError(t *testing.T) {
	self, err := proc.Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	left := []proc.Proc{self, {PID: 1 << 30, PPID: 1, State: 'D', Comm: "gone-again"}}
	text := Dirty("demo", left, nil, "port 8000 is taken", "decode-0: it does not end").Error()
	for _, line := range []string{"DIRTY: demo is not gone:\n", "\n  port 8000 is taken\n", "\n  decode-0: it does not end\n", os.Args[0], "[gone-again]", "PID", "WAITS IN"} {
		if !strings.Contains(text, line) {
			t.Errorf("no %q in\n%s", line, text)
		}
	}
}

// The text does not change when a process that it lists ends, and a foreign one gets the
// pid.
func TestDirtyErrorListsTheProcessesOfItsTime(t *testing.T) {
	b := newBed(t)
	left, err := os.StartProcess("/bin/sleep", []string{"sleep", "60"}, &os.ProcAttr{Env: b.Env()})
	if err != nil {
		t.Fatal(err)
	}
	var p proc.Proc
	testbed.Eventually(t, time.Minute, func() bool {
		p, err = proc.Read(left.Pid)
		return err == nil && p.Comm == "sleep"
	})
	dirty := Dirty("demo", []proc.Proc{p}, nil)
	before := dirty.Error()
	if err := left.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := left.Wait(); err != nil {
		t.Fatal(err)
	}
	if after := dirty.Error(); after != before || !strings.Contains(after, "sleep 60") {
		t.Errorf("it was\n%s\nand then\n%s", before, after)
	}
}

func nothing(context.Context) ([]Leftover, error) { return nil, nil }

// Processes that several checks find are in the table once; a check samples when all
// gates are open and when the teardown begins, and removes after it.
func TestDownMakesTheChecksOfProcesses(t *testing.T) {
	b := newBed(t)
	self, err := proc.Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	var calls []string
	found := func(context.Context) ([]Leftover, error) {
		return []Leftover{{Process: self, Service: "decode-0", Detail: "cookie"}}, nil
	}
	b.checks = []TeardownCheck{
		{Name: "one", Within: time.Millisecond, Check: found, Sample: func() { calls = append(calls, "sample") },
			Remove: func() error { calls = append(calls, "remove"); return nil }},
		{Name: "other", Within: time.Millisecond, Check: found, Remove: func() error { return errors.New("it resists") }},
	}
	s := b.up(b.service("a", plan.Frontend, 0, "sleep"))
	err = s.Down(t.Context())
	dirty, ok := errors.AsType[*DirtyError](err)
	if !ok || len(dirty.Left) != 1 || !dirty.Left[0].Same(self) || strings.Join(dirty.Reasons, ";") != "other: it resists" {
		t.Fatalf("error %v (%+v)", err, dirty)
	}
	if len(dirty.Table) != 2 || !strings.Contains(dirty.Table[1], " decode-0 ") {
		t.Errorf("the table lacks the service: %q", dirty.Table)
	}
	if got := strings.Join(calls, " "); got != "sample sample remove" {
		t.Errorf("calls: %q", got)
	}
	s.o.Checks = nil // for the cleanup's Down
}

// A check that finds a foreign owner is made once: nothing of ours is left.
func TestCheckThatFindsAForeignOwner(t *testing.T) {
	b := newBed(t)
	o := b.options()
	tries := 0
	o.Checks = []TeardownCheck{{Name: "gpu", Within: time.Minute, Check: func(context.Context) ([]Leftover, error) {
		tries++
		return nil, &GPUsBusyError{Taken: []string{"GPU 0"}}
	}}}
	s, err := target(o, b.service("a", plan.Frontend, 0, "sleep")).Up(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = s.Down(t.Context())
	busy, is := errors.AsType[*GPUsBusyError](err)
	if _, dirty := errors.AsType[*DirtyError](err); dirty || !is || tries != 1 || busy.Taken[0] != "GPU 0" {
		t.Errorf("error %v after %d tries, want *GPUsBusyError after one", err, tries)
	}
}

// The subscriber gets the end of a teardown, with the result of each check before it.
func TestDownReportsItsChecks(t *testing.T) {
	b := newBed(t)
	b.checks = []TeardownCheck{{Name: "gpu", Within: time.Minute, Check: nothing}}
	o := b.options()
	var got []string
	o.Events = func(e Event) {
		switch e := e.(type) {
		case CheckDone:
			got = append(got, e.Check)
			if len(e.Left) > 0 || e.Err != nil {
				t.Errorf("%+v", e)
			}
		case TeardownDone:
			slices.Sort(got[:len(got)-1]) // they are made at the same time, but for the last
			got = append(got, fmt.Sprint(e.Err))
		}
	}
	s, err := target(o, b.service("a", plan.Frontend, 0, "sleep")).Up(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := "gpu ports descendants <nil>"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

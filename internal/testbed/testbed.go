// Package testbed is for tests only. It provides children that misbehave and fakes of the
// programs that topobench drives, and checks that a test leaves no process behind.
//
// The programs are one binary, built from ./cmd without the race detector: see Program.
// Audit reads /proc itself, independently of the packages under test. It kills the processes
// that it finds, so that one failure does not spoil the next test.
package testbed

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"topobench/internal/host/proc"
	"topobench/internal/host/shepherd"
)

// Main is for TestMain. It makes the test binary its own shepherd, as topobench is,
// and runs the tests as a sub-reaper, so that no orphan escapes.
func Main(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == shepherd.Command {
		End(shepherd.Main(os.Args[2:])) // shepherds get no GORACE
	}
	os.Exit(Run(m.Run))
}

// Run runs tests as a sub-reaper, with the plain program built. If nohup started this
// process, it ignores SIGHUP, and so would its children. A signal that it catches has its
// default action in the children.
func Run(run func() int) int {
	if err := proc.SetSubreaper(); err != nil {
		fmt.Fprintln(os.Stderr, "some tests will fail:", err)
	}
	if signal.Ignored(syscall.SIGHUP) {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	return withProgram(run)
}

// Reaper returns a function that reaps the children of this process that were zombies
// already when Reaper was called: orphans, because tests wait for their own children at once.
// Thousands of zombies would slow down every read of /proc.
func Reaper() (reap func()) {
	before := zombies()
	return func() {
		for p := range zombies() {
			if before[p] {
				proc.Reap(p.PID)
			}
		}
	}
}

// zombies are the children of this process that have ended, with pid and start time only.
func zombies() map[proc.Proc]bool {
	found := map[proc.Proc]bool{}
	for _, pid := range proc.Children() {
		if p, err := proc.Read(pid); err == nil && !p.Alive() {
			found[proc.Proc{PID: p.PID, Ticks: p.Ticks}] = true
		}
	}
	return found
}

// Eventually polls until condition returns true, and fails the test if it does not within
// limit.
func Eventually(t testing.TB, limit time.Duration, condition func() bool) {
	t.Helper()
	if !Soon(limit, condition) {
		t.Fatalf("the condition is still false after %v", limit)
	}
}

// Soon polls until condition returns true or limit is over, and returns the last result. Its
// pauses grow to 16 ms: many tests wait at once, and each read of /proc takes CPU time from
// the others.
func Soon(limit time.Duration, condition func() bool) bool {
	over := time.After(limit)
	for pause := time.Millisecond; ; pause = min(2*pause, 16*time.Millisecond) {
		if condition() {
			return true
		}
		select {
		case <-time.After(pause):
		case <-over:
			return condition()
		}
	}
}

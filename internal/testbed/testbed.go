// Package testbed gives tests children that misbehave and fakes of the programs
// that topobench drives, and looks whether anything of them is left. Tests only.
//
// The programs are one binary, built from ./cmd without the race detector: see
// Program. Audit judges by its own reading of /proc, not through the packages
// under test, and it ends what it finds, so that one failure does not spoil the
// next test.
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
// and runs the tests as a sub-reaper, so that nothing gets away.
func Main(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == shepherd.Command {
		os.Exit(shepherd.Main(os.Args[2:]))
	}
	os.Exit(Run(m.Run))
}

// Run runs tests as the sub-reaper that orphans fall to, with the plain program at hand.
func Run(run func() int) int {
	prepare()
	return withProgram(run)
}

// prepare makes this process the sub-reaper of its tests. If nohup started it, it ignores
// SIGHUP and its children would too: a signal that is caught here has its default there.
func prepare() {
	if err := proc.SetSubreaper(); err != nil {
		fmt.Fprintln(os.Stderr, "some tests will fail:", err)
	}
	if signal.Ignored(syscall.SIGHUP) {
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
}

// Reaper waits, when it is called, for orphans that have fallen to this process, the
// sub-reaper: thousands of zombies slow down every look at /proc. It takes those that
// ended before it was made; the tests' own children are waited for at once.
func Reaper() (reap func()) {
	before := orphans()
	return func() {
		for p := range orphans() {
			if before[p] {
				proc.Reap(p.PID)
			}
		}
	}
}

// orphans are the children of this process that have ended, with pid and start only.
func orphans() map[proc.Proc]bool {
	found := map[proc.Proc]bool{}
	for _, pid := range proc.Children() {
		if p, err := proc.Read(pid); err == nil && !p.Alive() {
			found[proc.Proc{PID: p.PID, Ticks: p.Ticks}] = true
		}
	}
	return found
}

// Eventually polls until ask returns true, and fails the test if it does not
// within limit.
func Eventually(t testing.TB, limit time.Duration, ask func() bool) {
	t.Helper()
	if !Soon(limit, ask) {
		t.Fatalf("not so within %v", limit)
	}
}

// Soon polls until ask returns true or limit is over, and returns the last result. Its pauses
// grow to 16 ms: many tests wait at once, and each look at /proc takes CPU time from the others.
func Soon(limit time.Duration, ask func() bool) bool {
	over := time.After(limit)
	for pause := time.Millisecond; ; pause = min(2*pause, 16*time.Millisecond) {
		if ask() {
			return true
		}
		select {
		case <-time.After(pause):
		case <-over:
			return ask()
		}
	}
}

package aiperf

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Unseen is the longest gap between two checks of a cell, beyond the usual interval, and why this process did not run.
type Unseen struct {
	For       time.Duration
	Throttled time.Duration // in which its cgroup had used up its CPU quota, summed over CPUs
	Stopped   bool          // a signal had stopped it (Ctrl-Z)
}

// gaps finds the longest gap.
type gaps struct {
	longest   Unseen
	checked   time.Time
	read      func() time.Duration // throttled so far
	throttled time.Duration
	continued chan os.Signal
}

// continuedWithin is how long SIGCONT may take to arrive after it has resumed this process.
const continuedWithin = 100 * time.Millisecond

func newGaps(throttled func() time.Duration, now time.Time) *gaps {
	if throttled == nil {
		throttled = func() time.Duration { return 0 }
	}
	g := &gaps{checked: now, read: throttled, throttled: throttled(), continued: make(chan os.Signal, 1)}
	signal.Notify(g.continued, syscall.SIGCONT)
	return g
}

func (g *gaps) stop() { signal.Stop(g.continued) }

// check notes a check at a moment.
func (g *gaps) check(now time.Time) {
	gap, throttled := now.Sub(g.checked)-progressEvery, g.read()
	if gap > g.longest.For {
		stopped := gap > time.Second && g.resumed()
		g.longest = Unseen{For: gap, Throttled: max(0, throttled-g.throttled), Stopped: stopped}
	}
	g.checked, g.throttled = now, throttled
}

// resumed reports whether SIGCONT has come since the last call.
func (g *gaps) resumed() bool {
	select {
	case <-g.continued:
		return true
	case <-time.After(continuedWithin):
		return false
	}
}

package aiperf

import (
	"os"
	"syscall"
	"testing"
	"time"
)

// A cgroup that throttles and a signal that stops leave the same gap for other reasons.
func TestF52WhyACellWasNotWatched(t *testing.T) {
	const gap = 3 * time.Second
	for _, row := range []struct {
		why       string
		throttled time.Duration // in the gap
		signal    bool
		want      Unseen
	}{
		{"stopped", 0, true, Unseen{For: gap, Stopped: true}},
		{"throttled", gap, false, Unseen{For: gap, Throttled: gap}},
		{"a machine without CPU time", 0, false, Unseen{For: gap}},
	} {
		so := time.Minute // throttled before the cell
		now := time.Now()
		g := newGaps(func() time.Duration { return so }, now)
		now = now.Add(progressEvery)
		g.check(now)
		if row.signal {
			if err := syscall.Kill(os.Getpid(), syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
		}
		so += row.throttled
		now = now.Add(progressEvery + gap)
		g.check(now)
		so += time.Hour // after the gap
		g.check(now.Add(progressEvery))
		if g.longest != row.want {
			t.Errorf("%s: %+v, want %+v", row.why, g.longest, row.want)
		}
		g.stop()
	}
}

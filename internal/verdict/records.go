package verdict

import (
	"fmt"
	"math"

	"topobench/internal/aiperf"
)

// leastInFlight is the share of the configured requests that must have been under way at one time.
const leastInFlight = 0.95

// inFlight does not apply to an aiperf that does not record when a request was sent.
func inFlight(c cell) []finding {
	r, want := c.e.Records, min(c.load.Concurrency, c.load.Requests)
	switch {
	case r == nil || want == 0 || c.e.AIPerf.Problem != "":
		return nil
	case r.Unread != "":
		return one(Unchecked, r.Unread)
	case r.InFlight == 0:
		return nil
	case float64(r.InFlight) < leastInFlight*float64(want):
		cause := "the others waited for a connection"
		if c.load.Args {
			cause += ", or load.args limits them"
		}
		return one(Invalid, fmt.Sprintf("at most %d of %d requests were under way: %s", r.InFlight, want, cause))
	}
	return one(Valid, fmt.Sprintf("%d requests were under way at one time", r.InFlight))
}

// steadyTolerance is how far the throughput of the whole cell may be from that under full load.
const steadyTolerance = 0.05

func steadyState(s aiperf.Summary, c cell) []finding {
	all := c.load.Concurrency
	least := fmt.Sprintf("at least %d of %d requests under way", aiperf.LeastSteady(all), all)
	switch {
	case s.Steady == nil:
		return one(Note, "no steady state: there were never "+least)
	case s.Throughput <= 0: // a fault that positive reports
		return nil
	}
	steady, whole := s.Steady.Throughput, s.Throughput
	state := Valid
	if math.Abs(steady-whole) > steadyTolerance*whole {
		state = Note
	}
	return one(state, fmt.Sprintf("%.4g tokens/s in the longest time with %s (%.3g s), %.4g in the whole cell "+
		"(%.3g s): %+.1f %%", steady, least, s.Steady.Seconds, whole, s.Seconds, 100*(steady/whole-1)))
}

func lockstep(s aiperf.Summary, c cell) []finding {
	l := s.Lockstep
	if l == nil {
		return nil
	}
	state := Valid
	if 2*l.Ramped > l.Waves {
		state = Note
	}
	return one(state, fmt.Sprintf("TTFT rises %.2f-fold within a wave of %d requests, %g-fold or more in "+
		"%d of %d waves", l.Ramp, c.load.Concurrency, aiperf.RampLimit, l.Ramped, l.Waves))
}

// fromWaves is part of the thresholds of rules that ofWaves limits.
const fromWaves = "from concurrency 8 on"

// ofWaves applies a rule on the records where the concurrency is high enough and aiperf ended by itself.
func ofWaves(judge func(aiperf.Summary, cell) []finding) func(cell) []finding {
	return func(c cell) []finding {
		r := c.e.Records
		switch {
		case r == nil || c.load.Concurrency < aiperf.LeastWave || c.e.AIPerf.Problem != "":
			return nil
		case r.Unread != "":
			return one(Unchecked, r.Unread)
		case r.Requests < c.load.Requests:
			return one(Unchecked, fmt.Sprintf("the records have %d of %d requests", r.Requests, c.load.Requests))
		}
		return judge(r.Summary, c)
	}
}

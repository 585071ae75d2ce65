package aiperf

import "slices"

// RampLimit is the ramp from which the requests of a wave are in lockstep.
const RampLimit = 1.3

// LeastSteady is the number of requests under way in a steady state.
func LeastSteady(concurrency int) int { return (9*concurrency + 9) / 10 }

// steady is nil if there were never enough requests under way.
func steady(all []request, steps []level, concurrency int) *Steady {
	least := LeastSteady(concurrency)
	from, to := longest(steps, least)
	if from == to {
		return nil
	}
	return &Steady{Least: least, Seconds: seconds(from, to), Throughput: throughput(all, from, to)}
}

// longest is the longest span with at least this many requests under way.
func longest(steps []level, least int) (from, to int64) {
	var began int64
	full := false
	for _, s := range steps {
		switch enough := s.requests >= least; {
		case enough && !full:
			began = s.from
		case !enough && full && s.from-began > to-from:
			from, to = began, s.from
		}
		full = s.requests >= least
	}
	return from, to
}

// throughput is in tokens a second. The tokens of a request are spread evenly from its first token to its end.
func throughput(all []request, from, to int64) float64 {
	if from >= to {
		return 0
	}
	tokens := 0.0
	for _, r := range all {
		within := min(r.end, to) - max(r.first, from)
		switch {
		case r.first < r.end && within > 0:
			tokens += r.tokens * float64(within) / float64(r.end-r.first)
		case r.first == r.end && from < r.end && r.end <= to:
			tokens += r.tokens
		}
	}
	return tokens / seconds(from, to)
}

// lockstep takes the requests in order of their start; it is nil without a full wave. A wave is as many requests as
// the concurrency: one that starts late in it waits for those before it.
func lockstep(all []request, concurrency int) *Lockstep {
	all = slices.DeleteFunc(slices.Clone(all), func(r request) bool { return r.ttft <= 0 })
	quarter := concurrency / 4
	var ramps []float64
	l := Lockstep{}
	for wave := range slices.Chunk(all, concurrency) {
		if len(wave) < concurrency {
			break
		}
		ramp := medianTTFT(wave[concurrency-quarter:]) / medianTTFT(wave[:quarter])
		ramps = append(ramps, ramp)
		if ramp >= RampLimit {
			l.Ramped++
		}
	}
	if len(ramps) == 0 {
		return nil
	}
	l.Waves, l.Ramp = len(ramps), percentile(ramps, 50)
	return &l
}

func medianTTFT(of []request) float64 {
	var values []float64
	for _, r := range of {
		values = append(values, r.ttft)
	}
	return percentile(values, 50)
}

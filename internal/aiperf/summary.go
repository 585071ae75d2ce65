package aiperf

import (
	"cmp"
	"errors"
	"io/fs"
	"maps"
	"slices"

	"topobench/internal/slo"
)

// LeastWave is the lowest concurrency that has a steady state and waves: below it one request is too large a part.
const LeastWave = 8

// Summary is what the records of a cell show and its export does not.
type Summary struct {
	Requests int `json:"requests" help:"measured requests"`
	InFlight int `json:"in_flight,omitzero" help:"most of them under way at one time; absent before aiperf 0.6"`

	Begin      int64   `json:"begin_unix_ns,omitzero" help:"Unix time of the first request in ns; absent if unknown"`
	Seconds    float64 `json:"seconds" help:"from the start of the first request to the end of the last"`
	Throughput float64 `json:"output_token_throughput" help:"tokens/s in all that time, as aiperf counts them"`

	Steady   *Steady   `json:"steady_state,omitempty" help:"the longest span under full load; from concurrency 8 on"`
	Lockstep *Lockstep `json:"lockstep,omitempty" help:"waves of one concurrency by start; from concurrency 8 on"`

	SLO     string   `json:"slo,omitempty" help:"limits of the run, such as ttft_p90=500ms"`
	Goodput *float64 `json:"goodput,omitempty" help:"requests within all of them, per second"`
}

// Steady is the longest span with at least Least requests under way.
type Steady struct {
	Least      int     `json:"least_in_flight" help:"requests under way, 90 % of the concurrency"`
	Seconds    float64 `json:"seconds" help:"length of the span"`
	Throughput float64 `json:"output_token_throughput" help:"tokens/s in the span"`
}

// Lockstep compares the TTFT of the requests at the end of a wave with those at its beginning.
type Lockstep struct {
	Waves  int     `json:"waves" help:"full waves"`
	Ramped int     `json:"ramped" help:"waves with a ramp of 1.3 or more"`
	Ramp   float64 `json:"ttft_ramp" help:"median over the waves: TTFT of the last quarter / of the first, as medians"`
}

// Summarize reads a profile_export.jsonl once. The summary is zero without the file. A request that waits for a
// connection is not under way yet: aiperf's own effective_concurrency counts it.
func Summarize(jsonl string, concurrency int, targets slo.Targets) (Summary, error) {
	var all []request
	within := 0
	waits := false // the aiperf records them
	for r, err := range records(jsonl) {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return Summary{}, nil
		case err != nil:
			return Summary{}, err
		case r.Metadata.Phase != "profiling":
			continue
		}
		all, waits = append(all, r.request()), waits || r.Metrics.Blocked != nil
		if r.within(targets) {
			within++
		}
	}
	if len(all) == 0 {
		return Summary{}, nil
	}
	slices.SortStableFunc(all, func(a, b request) int { return cmp.Compare(a.start, b.start) })
	from, to := all[0].start, slices.MaxFunc(all, func(a, b request) int { return cmp.Compare(a.end, b.end) }).end
	s := Summary{Requests: len(all), Begin: from, Seconds: seconds(from, to), Throughput: throughput(all, from, to)}
	if waits {
		s.InFlight = inFlight(all)
	}
	if s.SLO = targets.String(); s.SLO != "" && s.Seconds > 0 {
		s.Goodput = new(float64(within) / s.Seconds)
	}
	if concurrency >= LeastWave {
		s.Steady, s.Lockstep = steady(all, levels(all), concurrency), lockstep(all, concurrency)
	}
	return s, nil
}

// request is one measured request, with times in ns.
type request struct {
	start, sent, first, end int64
	ttft                    float64 // ms; 0 = it has no token
	tokens                  float64
	waited                  bool   // for a connection
	worker                  string // of aiperf, which has connections of its own
}

func (r requestRecord) request() request {
	m := r.Metrics
	q := request{start: r.Metadata.Start, sent: r.Metadata.Start, end: r.Metadata.End,
		ttft: m.FirstToken.Value, tokens: m.Tokens.Value, worker: r.Metadata.Worker}
	if m.Blocked != nil {
		q.waited = m.Blocked.Value > 0
		q.sent += int64(m.Blocked.Value * 1e6)
	}
	q.first = min(q.start+int64(q.ttft*1e6), q.end)
	return q
}

func seconds(from, to int64) float64 { return float64(to-from) / 1e9 }

// level is how many requests are under way from a time on.
type level struct {
	from     int64
	requests int
}

// levels are in order of time. A request that begins when another one ends takes its place.
func levels(all []request) []level {
	changes := map[int64]int{}
	for _, r := range all {
		if r.sent < r.end {
			changes[r.sent]++
			changes[r.end]--
		}
	}
	var steps []level
	now := 0
	for _, at := range slices.Sorted(maps.Keys(changes)) {
		now += changes[at]
		steps = append(steps, level{at, now})
	}
	return steps
}

package aiperf

import (
	"path/filepath"

	"topobench/internal/slo"
)

// Latency is the value of a target in ms. ok is false if the export lacks it, or if too few requests completed for its
// percentile.
func (m Measurement) Latency(t slo.Target) (ms float64, ok bool) {
	tags := map[string]string{"ttft": "time_to_first_token", "itl": "inter_token_latency", "e2e": "request_latency"}
	ms, err := m.Value(tags[t.Metric], t.Stat)
	completed, uncounted := m.Value("request_count", "avg")
	return ms, err == nil && uncounted == nil && completed >= float64(t.Requests())
}

// Goodput is the requests within all targets, per second. stored is the summary that the sidecar keeps; if its SLO is
// another one, the records beside the export are read. ok is false without complete records.
func (m Measurement) Goodput(targets slo.Targets, stored *Summary) (rate float64, ok bool) {
	s := stored
	if s == nil || s.SLO != targets.String() {
		read, err := Summarize(filepath.Join(filepath.Dir(m.Path), RecordsName), 0, targets)
		if err != nil {
			return 0, false
		}
		s = &read
	}
	completed, err := m.Value("request_count", "avg")
	if s.Goodput == nil || err != nil || float64(s.Requests) < completed {
		return 0, false
	}
	return *s.Goodput, true
}

// within reports whether a request keeps all limits, whatever their statistics are. A failed request does not, nor
// does one without a latency that has a limit.
func (r requestRecord) within(targets slo.Targets) bool {
	latencies := map[string]float64{"ttft": r.Metrics.FirstToken.Value, "itl": r.Metrics.Latency.Value,
		"e2e": r.Metrics.EndToEnd.Value}
	for _, t := range targets {
		if ms := latencies[t.Metric]; ms <= 0 || ms > t.Limit {
			return false
		}
	}
	return r.Error == nil
}

// Package slo is service-level objectives: limits of latencies, such as ttft_p90=500ms.
package slo

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Target is the limit of one statistic of a latency.
type Target struct {
	Metric string  // ttft, itl or e2e
	Stat   string  // avg or a percentile
	Limit  float64 // ms
}

// Targets is an SLO, in order of metrics and statistics. A point has to keep all of them.
type Targets []Target

// Metrics lists the latencies, each with its meaning.
func Metrics() [][2]string {
	return [][2]string{{"ttft", "time to the first token"}, {"itl", "inter-token latency"},
		{"e2e", "end-to-end latency: from the request to its last token"}}
}

// Stats lists the statistics of a target.
func Stats() []string { return strings.Fields("avg p50 p90 p95 p99") }

// Parse reads targets such as ttft_p90=500ms,itl_p90=25ms. It returns all faults. No text is no SLO.
func Parse(text string) (all Targets, faults []error) {
	if text == "" {
		return nil, nil
	}
	given := map[string]bool{}
	for word := range strings.SplitSeq(text, ",") {
		word = strings.TrimSpace(word)
		t, err := parse(word)
		switch {
		case err != nil:
			faults = append(faults, fmt.Errorf("cannot use the SLO target %.40q: %w", word, err))
		case given[t.Name()]:
			faults = append(faults, fmt.Errorf("the SLO has two limits of %s", t.Name()))
		}
		given[t.Name()] = true
		all = append(all, t)
	}
	slices.SortStableFunc(all, func(a, b Target) int { return a.rank() - b.rank() })
	return all, faults
}

func parse(word string) (Target, error) {
	name, limit, _ := strings.Cut(word, "=")
	metric, stat, _ := strings.Cut(name, "_")
	t := Target{Metric: metric, Stat: stat}
	var metrics []string
	for _, m := range Metrics() {
		metrics = append(metrics, m[0])
	}
	if !slices.Contains(metrics, metric) || !slices.Contains(Stats(), stat) {
		return t, fmt.Errorf("the metrics are %s and the statistics %s, as in ttft_p90=500ms",
			strings.Join(metrics, ", "), strings.Join(Stats(), ", "))
	}
	digits, inSeconds := strings.CutSuffix(limit, "s")
	exponent := "e3"
	if ms, is := strings.CutSuffix(limit, "ms"); is {
		digits, exponent = ms, ""
	}
	v, err := strconv.ParseFloat(digits+exponent, 64)
	if !inSeconds || strings.Trim(digits, "0123456789.") != "" || err != nil || v <= 0 {
		return t, errors.New("its limit is no time above 0, such as 500ms or 1.5s")
	}
	t.Limit = v
	return t, nil
}

// Name is ttft_p90.
func (t Target) Name() string { return t.Metric + "_" + t.Stat }

// String is ttft_p90=500ms.
func (t Target) String() string {
	return t.Name() + "=" + strconv.FormatFloat(t.Limit, 'f', -1, 64) + "ms"
}

// Requests is how many requests the statistic needs.
func (t Target) Requests() int {
	p, err := strconv.Atoi(strings.TrimPrefix(t.Stat, "p"))
	if err != nil { // avg
		return 1
	}
	return LeastRequests(p)
}

// LeastRequests is how many requests a percentile needs, so that one of them is beyond it: 10 for p90, 100 for p99.
// A low percentile needs as many as the high one with a tail of the same size.
func LeastRequests(p int) int {
	tail := min(p, 100-p)
	return (100 + tail - 1) / tail
}

func (t Target) rank() int {
	metric := slices.IndexFunc(Metrics(), func(m [2]string) bool { return m[0] == t.Metric })
	return 10*metric + slices.Index(Stats(), t.Stat)
}

// String is ttft_p90=500ms,itl_p90=25ms. Parse reads it; equal SLOs have one text.
func (all Targets) String() string {
	var words []string
	for _, t := range all {
		words = append(words, t.String())
	}
	return strings.Join(words, ",")
}

package aiperf

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// timed is a record of a measured request; times are in s.
func timed(start, ttft, end float64, tokens int) string {
	return fmt.Sprintf(`{"metadata":{"benchmark_phase":"profiling","request_start_ns":%.0f,"request_end_ns":%.0f},"metrics":{`+
		`"time_to_first_token":{"value":%g,"unit":"ms"},"output_sequence_length":{"value":%d,"unit":"tokens"},`+
		`"http_req_blocked":{"value":0,"unit":"ms"}}}`, start*1e9, end*1e9, ttft*1e3, tokens)
}

func summarize(t *testing.T, concurrency int, lines ...string) Summary {
	t.Helper()
	path := filepath.Join(t.TempDir(), RecordsName)
	slices.Reverse(lines) // aiperf writes them in the order of their ends
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Summarize(path, concurrency, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// staggered are 8 requests that begin at 0, 1, ... 7 s, have their first token 2 s later, and end 18 s after it, with
// 100 tokens each.
func staggered() (lines []string) {
	for i := range 8 {
		lines = append(lines, timed(float64(i), 2, float64(i+20), 100))
	}
	return lines
}

func near(got, want float64) bool { return math.Abs(got-want) < 1e-9*math.Abs(want) }

// All 8 requests are under way from 7 to 20 s. In these 13 s, requests 0 to 5 give tokens for 13 s, request 6 for 12
// and request 7 for 11: 101 s at 100 tokens in 18 s. The whole has 800 tokens in 27 s.
func TestSteadyStateByHand(t *testing.T) {
	s := summarize(t, 8, staggered()...)
	if s.Steady == nil || s.Steady.Least != 8 || !near(s.Steady.Seconds, 13) || !near(s.Steady.Throughput, 101*100/18.0/13) ||
		!near(s.Seconds, 27) || !near(s.Throughput, 800/27.0) || s.Requests != 8 || s.InFlight != 8 {
		t.Errorf("%+v, steady %+v", s, s.Steady)
	}
}

// A request that begins at 20 s, when the first one ends, prolongs the span to 21 s. Its own tokens come later.
func TestSteadyStateGoesOnWhereARequestTakesAnothersPlace(t *testing.T) {
	s := summarize(t, 8, append(staggered(), timed(20, 5, 30, 50), line("warmup", 0, 40_000, 0))...)
	tokens := (13 + 5*14 + 13 + 12) * 100 / 18.0
	if s.Steady == nil || !near(s.Steady.Seconds, 14) || !near(s.Steady.Throughput, tokens/14) || !near(s.Throughput, 850/30.0) {
		t.Errorf("%+v, steady %+v", s, s.Steady)
	}
}

// From 7 to 20 s and from 30 to 32 s: the longer span counts, however many tokens the other has.
func TestSteadyStateIsTheLongestSpan(t *testing.T) {
	lines := staggered()
	for range 8 {
		lines = append(lines, timed(30, 1, 32, 9000))
	}
	if s := summarize(t, 8, lines...); s.Steady == nil || !near(s.Steady.Seconds, 13) || s.Steady.Throughput > 50 {
		t.Errorf("%+v, steady %+v", s, s.Steady)
	}
}

// 9 of 10 requests are enough, and tokens that arrived together, at 20 s, are not spread.
func TestSteadyStateWithOneRequestLess(t *testing.T) {
	lines := append(staggered(), timed(0, 20, 20, 1300))
	s := summarize(t, 10, lines...)
	if s.Steady == nil || s.Steady.Least != 9 || !near(s.Steady.Throughput, (101*100/18.0+1300)/13) {
		t.Errorf("%+v, steady %+v", s, s.Steady)
	}
	if s := summarize(t, 11, lines...); s.Steady != nil {
		t.Errorf("there are never 10 of 11: %+v", s.Steady)
	}
}

// Quarters of a wave of 8 are 2 requests. Medians of the last and the first: 160 and 100, 132 and 110, 130 and 100 ms.
// The waves' ramps are 1.6, 1.2 and 1.3; the fourth wave is not full.
func TestLockstepByHand(t *testing.T) {
	ttfts := []float64{100, 100, 1, 1, 1, 1, 150, 170, 100, 120, 9, 9, 9, 9, 132, 132, 100, 100, 1, 1, 1, 1, 130, 130, 5}
	var lines []string
	for i, ttft := range ttfts {
		lines = append(lines, timed(float64(i), ttft/1e3, float64(i+9), 10))
	}
	s := summarize(t, 8, lines...)
	if l := s.Lockstep; l == nil || l.Waves != 3 || l.Ramped != 2 || !near(l.Ramp, 1.3) {
		t.Errorf("%+v", s.Lockstep)
	}
	if s := summarize(t, 7, lines...); s.Lockstep != nil || s.Steady != nil {
		t.Errorf("7 requests are too few: %+v, %+v", s.Lockstep, s.Steady)
	}
	if s := summarize(t, 26, lines...); s.Lockstep != nil {
		t.Errorf("there is no full wave: %+v", s.Lockstep)
	}
}

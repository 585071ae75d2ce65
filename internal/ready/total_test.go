package ready

import (
	"strings"
	"testing"

	"topobench/internal/plan"
)

// Two servers can listen on one port (SO_REUSEPORT): what a stranger's server answered
// none of the workers has counted.
func TestSpreadCountsWhatStrangersServed(t *testing.T) {
	pair := plan.Plan{}
	for name, role := range map[string]plan.Role{"prefill-0": plan.Prefill, "decode-0": plan.Decode} {
		pair.Services = append(pair.Services, plan.Service{Name: name, Role: role})
		pair.Smoke.Counters = append(pair.Smoke.Counters, plan.Counter{Service: name})
	}
	for _, row := range []struct {
		why    string
		p      plan.Plan
		served map[string]float64 // of 40 requests and 8 to warm up
		want   string             // "" = no fault
	}{
		{"one worker has served them all", shared(1, "", false), map[string]float64{"aggregated-0": 48}, ""},
		{"the last of them is not counted yet", shared(1, "", false), map[string]float64{"aggregated-0": 44}, ""},
		{"a smoke of the worker is counted late", shared(1, "", false), map[string]float64{"aggregated-0": 49}, ""},
		{"somebody else loads the worker, too", shared(1, "", false), map[string]float64{"aggregated-0": 60}, "the workers served 60 requests, and aiperf sent 48: somebody else loaded them"},
		{"half were served by somebody else", shared(1, "", false), map[string]float64{"aggregated-0": 25}, "the workers served only 25 of 40 requests"},
		{"half of those of one of two servers", shared(2, "", true), map[string]float64{"aggregated-0": 24, "aggregated-1": 12}, "the workers served only 36 of 40"},
		{"decode has served all, and did some prompts itself", pair, map[string]float64{"prefill-0": 30, "decode-0": 48}, ""},
		{"what prefill counts is no second answer", pair, map[string]float64{"prefill-0": 48, "decode-0": 24}, "the workers served only 24 of 40"},
	} {
		got := strings.Join(Spread(row.p, 4, row.served), "; ")
		if row.want == "" && got != "" || !strings.HasPrefix(got, row.want) {
			t.Errorf("%s: %q, want %q", row.why, got, row.want)
		}
	}
}

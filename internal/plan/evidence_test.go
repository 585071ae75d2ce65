package plan

import (
	"strings"
	"testing"
)

// Counters that the profile switches off cannot prove that a worker has served: the smoke goes without them.
func TestEvidenceIsNotedOnlyWhereTheProfileSwitchesItOff(t *testing.T) {
	const workers = "balancer: {port: 8000}, evidence: noted, " +
		"aggregated: [{cuda_visible_devices: [0], port: 8001ARGS}, {cuda_visible_devices: [1], port: 8002}]"
	for _, row := range []struct {
		why, own, all string
		counters      int
	}{
		{"none", "", "", 2},
		{"all workers", "", ", engine_args: [--disable-log-stats]", 0},
		{"one worker", ", engine_args: [--disable_log_stats]", "", 0},
	} {
		p := textPlan(t, "{name: a, kind: k, engine: vllm, model: m, "+strings.Replace(workers, "ARGS", row.own, 1)+row.all+"}")
		if len(p.Smoke.Counters) != row.counters || (p.Smoke.Uncounted == "") != (row.counters > 0) || len(p.Smoke.Direct) != 2 {
			t.Errorf("%s: %+v", row.why, p.Smoke)
		}
	}
}

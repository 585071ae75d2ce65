package deploy

import "testing"

func TestCount(t *testing.T) {
	const requests = "dynamo_component_requests_total"
	for _, row := range []struct {
		why, text, metric string
		want              float64
	}{
		{"a recorded worker: only generate counts", file(t, "prefill-metrics.txt"), requests, 2},
		{"a recorded frontend has no such counter, only longer names", file(t, "frontend-metrics.txt"), requests, 0},
		{"a recorded frontend's own counter", file(t, "frontend-metrics.txt"), "dynamo_frontend_requests_total", 2},
		{"vLLM: one sample for each reason to finish", "vllm:request_success_total{finished_reason=\"stop\"} 1.0\nvllm:request_success_total{finished_reason=\"length\"} 3.0\n", "vllm:request_success_total", 4},
		{"without labels", "m 5\n", "m", 5},
		{"with a time stamp", "m{a=\"b\"} 5 1795509461000\n", "m", 5},
		{"a brace in a label", "m{a=\"}\"} 5\n", "m", 5},
		{"an exponent", "m 1e+06\n", "m", 1e6},
		{"the last line has no end", "m 5", "m", 5},
		{"comments", "# HELP m 7\n# TYPE m counter\nm 5\n", "m", 5},
		{"a longer name", "m_created 7\nm_total 8\n", "m", 0},
		{"another endpoint", "m{dynamo_endpoint=\"clear_kv_blocks\"} 3\n", "m", 0},
		{"no number", "m x\nm\nm{}\n", "m", 0},
		{"nothing", "", "m", 0},
	} {
		if got := Count(row.text, row.metric); got != row.want {
			t.Errorf("%s: %g, want %g", row.why, got, row.want)
		}
	}
}

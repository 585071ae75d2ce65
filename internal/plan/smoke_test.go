package plan

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/artifacts"
	"topobench/internal/profile"
)

// The first completion may compile kernels for as long as the user allows an engine to become ready.
func TestC14TheDeadlineOfTheSmokeIsTimeoutsReady(t *testing.T) {
	const workers = "aggregated: [{cuda_visible_devices: [0], port: 8001}, {cuda_visible_devices: [1], port: 8002}]}"
	for ready, want := range map[string]time.Duration{"": 30 * time.Minute, ", timeouts: {ready: 50m}": 50 * time.Minute, ", timeouts: {ready: 9s}": 9 * time.Second} {
		p := textPlan(t, "{name: a, kind: k, engine: vllm, model: m, balancer: {port: 8000}"+ready+", "+workers)
		if p.Smoke.Deadline != want || p.Smoke.Patience > want {
			t.Errorf("%q: deadline %s, patience %s, want %s", ready, p.Smoke.Deadline, p.Smoke.Patience, want)
		}
		if diff := cmp.Diff([]string{"http://127.0.0.1:8001", "http://127.0.0.1:8002"}, p.Smoke.Direct); diff != "" {
			t.Errorf("the servers behind the balancer (-want +got): %s", diff)
		}
	}
	if d := LoadOnly(profile.Profile{}, artifacts.Deployment{}, "http://h", installed(), guide()).Smoke.Deadline; d != 30*time.Minute {
		t.Errorf("perf: %s", d)
	}
}

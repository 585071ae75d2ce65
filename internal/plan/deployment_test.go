package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/artifacts"
	"topobench/profiles"
)

// The product is all that plot_pareto.py uses: it must be the GPUs that are pinned.
func TestDeploymentDividesByThePinnedGPUs(t *testing.T) {
	type pairs struct{ tp, dp, prefillTP, prefillDP, decodeTP, decodeDP int }
	for _, row := range []struct {
		why, workers string
		want         pairs
		gpus         int
	}{
		{"equal workers keep their width", "aggregated: [{cuda_visible_devices: [0, 1], tensor_parallel: 2}, {cuda_visible_devices: [2, 3], tensor_parallel: 2}]",
			pairs{tp: 2, dp: 2}, 4},
		{"data parallel ranks count as workers do", "aggregated: [{cuda_visible_devices: [0, 1, 2, 3], tensor_parallel: 2, data_parallel: 2}]",
			pairs{tp: 2, dp: 2}, 4},
		{"C26: stages count as width", "aggregated: [{cuda_visible_devices: [0, 1, 2, 3], tensor_parallel: 2, pipeline_parallel: 2}]",
			pairs{tp: 4, dp: 1}, 4},
		{"C26: workers of one width, with and without stages", "prefill: [{cuda_visible_devices: [0]}], decode: [{cuda_visible_devices: [1, 2], pipeline_parallel: 2}, {cuda_visible_devices: [3, 4], tensor_parallel: 2}]",
			pairs{prefillTP: 1, prefillDP: 1, decodeTP: 2, decodeDP: 2}, 5},
		{"unequal workers: one GPU each, as many as there are", "aggregated: [{cuda_visible_devices: [0]}, {cuda_visible_devices: [1, 2], tensor_parallel: 2}]",
			pairs{tp: 1, dp: 3}, 3},
		{"the guide's roles", "prefill: [{cuda_visible_devices: [0]}, {cuda_visible_devices: [1]}], decode: [{cuda_visible_devices: [2, 3], tensor_parallel: 2}]",
			pairs{prefillTP: 1, prefillDP: 2, decodeTP: 2, decodeDP: 1}, 4},
		{"roles are unequal one by one", "prefill: [{cuda_visible_devices: [0]}, {cuda_visible_devices: [1, 2], tensor_parallel: 2}], decode: [{cuda_visible_devices: [3]}]",
			pairs{prefillTP: 1, prefillDP: 3, decodeTP: 1, decodeDP: 1}, 4},
		{"a GPU that two workers share is one GPU", "share_gpu: true, aggregated: [{cuda_visible_devices: [0, 1], tensor_parallel: 2}, {cuda_visible_devices: [0, 1], tensor_parallel: 2}]",
			pairs{tp: 1, dp: 2}, 2},
		{"a GPU that two roles share is one GPU, though upstream adds the roles up", "share_gpu: true, prefill: [{cuda_visible_devices: [0]}], decode: [{cuda_visible_devices: [0]}]",
			pairs{prefillTP: 1, prefillDP: 1, decodeTP: 1, decodeDP: 1}, 1},
		{"GPU 0 of one machine under two names is one GPU", "hosts: {here: {transport: local}}, share_gpu: true, prefill: [{cuda_visible_devices: [0], host: here}], decode: [{cuda_visible_devices: [0]}]",
			pairs{prefillTP: 1, prefillDP: 1, decodeTP: 1, decodeDP: 1}, 1},
		{"GPU 0 of two machines is two GPUs", "hosts: {n1: {transport: ssh, address: n1}}, aggregated: [{cuda_visible_devices: [0]}, {cuda_visible_devices: [0], host: n1}]",
			pairs{tp: 1, dp: 2}, 2},
	} {
		d := deployment(read(t, "p.yaml", "{name: a, kind: b, engine: dynamo, model: m, "+row.workers+"}"))
		if got := (pairs{d.TP, d.DP, d.PrefillTP, d.PrefillDP, d.DecodeTP, d.DecodeDP}); got != row.want {
			t.Errorf("%s: %+v, want %+v", row.why, got, row.want)
		}
		if gpus, err := d.GPUs(); err != nil || gpus != row.gpus {
			t.Errorf("%s: %d GPUs (%v), want %d", row.why, gpus, err, row.gpus)
		}
	}
}

func TestDeploymentOfTheBuiltIns(t *testing.T) {
	for _, name := range profiles.Names() {
		p := builtInPlan(t, name)
		gpus, err := p.Deployment.GPUs()
		if err != nil || gpus != p.GPUs {
			t.Errorf("%s: %d GPUs by the deployment (%v), %d by the plan", name, gpus, err, p.GPUs)
		}
		if want := p.Kind + "_" + p.Mode; p.Deployment.Label() != want {
			t.Errorf("%s: label %s in the deployment, want %s", name, p.Deployment.Label(), want)
		}
		want := artifacts.Load{Seed: p.Load.Seed, Requests: 10, Warmup: 2, Extra: p.Load.Extra()}
		if diff := cmp.Diff(&want, p.Deployment.Load); diff != "" || len(want.Extra) != 4 {
			t.Errorf("%s: requests in the deployment, want (-), got (+):\n%s", name, diff)
		}
		if p.Simulated != (p.Engine == "mocker") || p.Deployment.Simulated != p.Simulated {
			t.Errorf("%s: simulated is %t in the plan and %t in the deployment", name, p.Simulated, p.Deployment.Simulated)
		}
	}
}

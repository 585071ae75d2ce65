package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// One server with data parallelism in the place of two servers and a balancer:
// TP x DP devices, the flags where the guide's order has them.
func TestDataParallelServer(t *testing.T) {
	p := textPlan(t, `{name: a, kind: k, engine: vllm, model: m, engine_args: [--gpu-memory-utilization, "0.95", --max-model-len, "3500", --seed, "1"],
  aggregated: [{cuda_visible_devices: [0, 1, 2, 3, 4, 5, 6, 7], tensor_parallel: 4, data_parallel: 2, port: 8001}]}`)
	s := service(t, p, "aggregated-0")
	want := "vllm serve m --max-model-len 3500 --tensor-parallel-size 4 --data-parallel-size 2 --gpu-memory-utilization 0.95 --seed 1 --host 127.0.0.1 --port 8001"
	if diff := cmp.Diff(want, strings.Join(s.Argv, " ")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := value(s, "CUDA_VISIBLE_DEVICES"); got != "0,1,2,3,4,5,6,7" {
		t.Errorf("it sees the GPUs %s", got)
	}
	if d := p.Deployment; d.TP != 4 || d.DP != 2 || d.NumGPUs != 8 {
		t.Errorf("tp %d x dp %d, %d GPUs, want 4 x 2 and 8", d.TP, d.DP, d.NumGPUs)
	}
	if diff := cmp.Diff([]string{"http://localhost:8001"}, p.Load.URLs); diff != "" {
		t.Errorf("the load goes elsewhere: %s", diff)
	}
}

// The fair baseline: one frontend before aggregated workers, with no role and no
// KV connector, whatever the engine.
func TestAggregatedWorkersBehindDynamosFrontend(t *testing.T) {
	const workers = "aggregated: [{cuda_visible_devices: [0, 1], tensor_parallel: 2}, {cuda_visible_devices: [2, 3], tensor_parallel: 2}]}"
	for engine, want := range map[string]string{
		"dynamo": "python -m dynamo.vllm --model m --tensor-parallel-size 2",
		"mocker": "python -m dynamo.mocker --model-path m",
	} {
		p := textPlan(t, "{name: a, kind: k, engine: "+engine+", model: m, "+workers)
		if got := strings.TrimPrefix(order(p), "etcd nats / "); got != "frontend aggregated-0 aggregated-1" {
			t.Errorf("%s starts as %s", engine, got)
		}
		for _, name := range []string{"aggregated-0", "aggregated-1"} {
			if got := strings.Join(service(t, p, name).Argv, " "); got != want {
				t.Errorf("%s: %s, want %s", engine, got, want)
			}
		}
		gate := service(t, p, "frontend").Gate
		if gate.Aggregate != 2 || gate.Prefill+gate.Decode != 0 {
			t.Errorf("%s: the frontend waits for %+v", engine, gate)
		}
		if len(p.Smoke.Counters) != 2 || len(p.Smoke.URLs) != 1 || p.Deployment.Label() != "k_aggregated" {
			t.Errorf("%s: smoke %+v of %s", engine, p.Smoke, p.Deployment.Label())
		}
	}
}

// Without a balancer aiperf gets each server's address, and so does the smoke.
func TestSpreadLoadGoesToEachServer(t *testing.T) {
	for _, engine := range []string{"vllm", "mocker"} {
		p := textPlan(t, "{name: a, kind: k, engine: "+engine+", model: m, load: {spread: true}, "+
			"aggregated: [{cuda_visible_devices: [0], port: 8001}, {cuda_visible_devices: [1], port: 8002}]}")
		argv := strings.Join(p.Load.Argv(1, "d"), " ")
		if !strings.Contains(argv, " --streaming --url http://localhost:8001 --url http://localhost:8002 --synthetic-input-tokens-mean ") {
			t.Errorf("%s: %s", engine, argv)
		}
		if diff := cmp.Diff([]string{"http://127.0.0.1:8001", "http://127.0.0.1:8002"}, p.Smoke.URLs); diff != "" {
			t.Errorf("%s: smoke (-want +got): %s", engine, diff)
		}
		if p.Balancer != "" || slices.ContainsFunc(p.Services, func(s Service) bool { return s.Role == Balancer }) || !slices.ContainsFunc(p.Deviations, func(d Deviation) bool { return d.ID == "spread" }) {
			t.Errorf("%s: a balancer, or no row that says why there is none", engine)
		}
	}
}

func TestSpreadLoadNeedsAnAIPerfThatGoesRound(t *testing.T) {
	p := builtIn(t, "demo-agg-urls")
	for version, refused := range map[Version]bool{"0.1.1": true, "0.6.0": true, "0.7.0": false, "0.9.0": false, "0.13.0": false, "": false} {
		on := installed()
		on.Versions.AIPerf = version
		_, err := made(p, on, guide())
		if (err != nil) != refused {
			t.Errorf("aiperf %q: error %v, want refused %t", version, err, refused)
		}
		if refused && !strings.Contains(err.Error(), "aiperf "+string(version)+" takes one --url") {
			t.Errorf("aiperf %q: %v does not say why", version, err)
		}
	}
}

func TestAnotherNginxConfIsADeviation(t *testing.T) {
	for config, told := range map[string]bool{"guide": false, "tuned": true} {
		p := builtIn(t, "agg-1node")
		p.Balancer.Config = config
		got := slices.ContainsFunc(planned(t, p).Deviations, func(d Deviation) bool { return d.ID == "nginx-conf" })
		if got != told {
			t.Errorf("%s: a row in the table: %t, want %t", config, got, told)
		}
	}
}

// A decode worker of one GPU is told no tensor parallelism, as in the guide.
func TestNarrowDecodeIsNoDeviation(t *testing.T) {
	for tp, told := range map[string]bool{"[1]}": false, "[1, 2], tensor_parallel: 2}": true} {
		p := textPlan(t, "{name: a, kind: k, engine: dynamo, model: m, prefill: [{cuda_visible_devices: [0]}], decode: [{cuda_visible_devices: "+tp+"]}")
		got := slices.ContainsFunc(p.Deviations, func(d Deviation) bool { return d.ID == "decode-tp" })
		if got != told {
			t.Errorf("%s: a row in the table: %t, want %t", tp, got, told)
		}
	}
}

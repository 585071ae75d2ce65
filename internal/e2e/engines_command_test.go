//go:build engines

package e2e_test

import (
	"path/filepath"
	"strings"
	"testing"

	"topobench/internal/artifacts"
)

// vllmByCommand is the server of cpu-agg, by its command line alone.
const vllmByCommand = `name: cpu-command
kind: command_cpu
engine: command
model: ${CACHE}/models/tiny
served_name: tiny
aggregated: {workers: 1, tensor_parallel: 1, port: @20}
command:
  argv: ["${CACHE}/vllm-0.31.0/bin/vllm", serve, "{model}", --served-model-name, tiny, --host, 127.0.0.1,
    --port, "{port}", --tensor-parallel-size, "{gpus}"]
  requests: "vllm:request_success_total"
engine_args: [--dtype, bfloat16, --max-model-len, "2048", --enforce-eager, --load-format, dummy]
env: {VLLM_CPU_KVCACHE_SPACE: "1", VLLM_CPU_OMP_THREADS_BIND: nobind, OMP_NUM_THREADS: "1"}
nice: 19
versions: {vllm: 0.31.0+cpu}
load: {isl: 100, osl: 64, concurrency: [1]}
port_base: @00
`

// dynamoByCommand is cpu-disagg with workers that topobench has no engine for.
const dynamoByCommand = `name: cpu-workers
kind: workers_cpu
engine: command
model: ${CACHE}/models/tiny
served_name: tiny
frontend: {port: @10}
prefill: {workers: 1, engine_args: [--disaggregation-mode, prefill]}
decode: {workers: 1, engine_args: [--disaggregation-mode, decode]}
command: {argv: ["${CACHE}/vllm-0.31.0/bin/python", -m, dynamo.vllm, --model, "{model}", --served-model-name, tiny]}
engine_args: [--dtype, bfloat16, --max-model-len, "2048", --enforce-eager, --load-format, dummy,
  --kv-transfer-config, '{"kv_connector":"NixlConnector","kv_role":"kv_both","kv_buffer_device":"cpu"}']
env: {VLLM_CPU_KVCACHE_SPACE: "1", VLLM_CPU_OMP_THREADS_BIND: nobind, OMP_NUM_THREADS: "1", UCX_NET_DEVICES: lo}
nice: 19
python: ${CACHE}/vllm-0.31.0/bin/python
versions: {vllm: 0.31.0+cpu}
load: {isl: 100, osl: 64, concurrency: [1]}
port_base: @00
`

// A real vllm serve, and real workers of Dynamo with NIXL, run as commands.
func TestEnginesCommand(t *testing.T) {
	f := enginesFixture(t)
	r := f.start("run", "run", f.profile("cpu-command", vllmByCommand),
		f.profile("cpu-workers", dynamoByCommand))
	r.ends(0)
	r.clean()
	r.checkArtifacts("artifacts_0", []string{"-concurrency1"}, `{"kind":"command_cpu","model":"tiny","input_sequence_length":100,`+
		`"output_sequence_length":64,"tensor_parallelism":1,"data_parallelism":1,`)
	for dir, workers := range map[string]string{"artifacts_0": "aggregated-0 ", "artifacts_1": "prefill-0 "} {
		sidecar := r.read(filepath.Join(r.root, dir, "-concurrency1", artifacts.SidecarName))
		if !strings.Contains(sidecar, `"detail": "requests with warm-up: `+workers+"1") {
			t.Errorf("%s: requests are not counted: %s", dir, sidecar)
		}
	}
}

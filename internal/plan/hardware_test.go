package plan

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHardwareIsWhatIsReallyUsed(t *testing.T) {
	vllm := `
name: a
kind: k
engine: vllm
model: m
aggregated:
  - {cuda_visible_devices: [5, 4], tensor_parallel: 2, port: 8001}
  - {cuda_visible_devices: [4], port: 8002}
share_gpu: true
balancer: {port: 8000}
versions: {vllm: 0.31.0}
`
	mocker := "{name: a, kind: k, engine: mocker, model: m, aggregated: [{cuda_visible_devices: [0]}]}"
	for _, row := range []struct {
		why, yaml string
		installed Version
		want      []int
	}{
		{"each GPU once", vllm, "", []int{4, 5}},
		{"vLLM for GPUs", vllm, "0.31.0", []int{4, 5}},
		{"vLLM for the CPU is installed, whatever the profile says", vllm, "0.31.0+cpu", nil},
		{"a mocker's devices are nominal", mocker, "", nil},
	} {
		p, err := made(read(t, "/p/p.yaml", row.yaml), Installation{Versions: Versions{VLLM: row.installed}}, guide())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(row.want, p.Hardware.Devices); diff != "" || (p.Hardware.Within > 0) != (row.want != nil) {
			t.Errorf("%s: %+v (-want +got):\n%s", row.why, p.Hardware, diff)
		}
	}
}

// A profile with UUIDs can be planned anywhere; run resolves them before.
func TestUUIDsArePassedToCUDA(t *testing.T) {
	p, err := made(read(t, "/p/p.yaml", "{name: a, kind: k, engine: vllm, model: m, "+
		"aggregated: [{cuda_visible_devices: [GPU-5c, GPU-7d], tensor_parallel: 2, port: 8001}]}"), Installation{}, guide())
	if err != nil || !slices.Contains(p.Services[0].Env, "CUDA_VISIBLE_DEVICES=GPU-5c,GPU-7d") || p.GPUs != 2 || p.Deployment.TP != 2 {
		t.Errorf("%v: %q, %d GPUs, %+v", err, p.Services[0].Env, p.GPUs, p.Deployment)
	}
}

// CUDA counts the fastest GPU first unless it is told otherwise; nvidia-smi counts
// along the PCI bus.
func TestF12WorkersCountGPUsAsNvidiaSMIDoes(t *testing.T) {
	for name, devices := range map[string]string{"prefill-1": "1", "decode-0": "4,5,6,7"} {
		env := service(t, builtInPlan(t, "disagg-1node"), name).Env
		for _, want := range []string{"CUDA_DEVICE_ORDER=PCI_BUS_ID", "CUDA_VISIBLE_DEVICES=" + devices} {
			if !slices.Contains(env, want) {
				t.Errorf("%s has no %s: %q", name, want, env)
			}
		}
	}
}

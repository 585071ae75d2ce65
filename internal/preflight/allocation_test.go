package preflight

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"topobench/internal/host/gpu"
	"topobench/internal/profile"
)

// onGPUs parses a profile of vLLM servers with those devices, one list each.
func onGPUs(t *testing.T, devices ...string) profile.Profile {
	t.Helper()
	text := "{name: p, kind: k, engine: vllm, model: m, balancer: {}, aggregated: ["
	for i, d := range devices {
		text += fmt.Sprintf("{cuda_visible_devices: [%s], tensor_parallel: %d, port: %d},", d, 1+strings.Count(d, ","), 8100+i)
	}
	p, err := profile.Reader{}.Parse("p.yaml", []byte(text+"]}"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// eight are the GPUs of a machine: GPU n has the UUID GPU-n0.
func eight() (s gpu.State) {
	for i := range 8 {
		s.Devices = append(s.Devices, gpu.Device{Index: i, UUID: fmt.Sprintf("GPU-%d0", i)})
	}
	return s
}

func TestC05GPUsOfAProfile(t *testing.T) {
	for _, row := range []struct {
		why, environ string
		profile      profile.Profile
		inOrder      bool
		want         string // devices of the workers; "" = refused
		found        string // in the check
	}{
		{"within", "CUDA_VISIBLE_DEVICES=5,4", onGPUs(t, "4", "5"), false, "[4] [5]", "within the allocation"},
		{"outside", "CUDA_VISIBLE_DEVICES=4,5", onGPUs(t, "4", "3"), false, "", "on GPU 3: the allocation is GPU 4, 5"},
		{"no limit", "NVIDIA_VISIBLE_DEVICES=all", onGPUs(t, "4"), false, "[4]", "no list of UUIDs"},
		{"in the order of the allocation", "CUDA_VISIBLE_DEVICES=6,2,7", onGPUs(t, "1", "0,3"), true, "[2] [6 7]", "mapped to GPU 6, 2, 7"},
		{"a map without a limit", "", onGPUs(t, "6", "7"), true, "[0] [1]", "mapped to GPU 0, 1"},
		{"a map that is too small", "CUDA_VISIBLE_DEVICES=6", onGPUs(t, "0", "1"), true, "", "cannot map the 2 GPUs of p"},
		{"UUIDs are not mapped", "CUDA_VISIBLE_DEVICES=5,3", onGPUs(t, "GPU-3"), true, "[3]", "within"},
		{"UUIDs outside", "CUDA_VISIBLE_DEVICES=5", onGPUs(t, "GPU-3"), true, "", "on GPU 3"},
		{"one GPU, by index and by UUID", "", onGPUs(t, "3", "GPU-3"), false, "", "two workers name GPU 3"},
		{"UUIDs that are not here", "", onGPUs(t, "GPU-8", "GPU-9"), false, "", "GPU-9 is not visible"},
		{"an allocation that is not here", "CUDA_VISIBLE_DEVICES=8", onGPUs(t, "0"), false, "", "8 is not visible"},
	} {
		g := gpus{state: eight()}
		g.allocation, g.refused = gpu.Allocate([]string{row.environ}, g.state.Devices)
		before := fmt.Sprint(row.profile)
		p, lines, checks := g.assign(row.profile, row.inOrder)
		var got []string
		for _, w := range p.Aggregated {
			got = append(got, fmt.Sprint(w.Devices))
		}
		failed := len(checks) != 1 || checks[0].State == Failure
		if failed != (row.want == "") || !failed && strings.Join(got, " ") != row.want ||
			!strings.Contains(fmt.Sprint(checks), row.found) || failed && checks[0].Code != usageCode {
			t.Errorf("%s: %s, %+v", row.why, got, checks)
		}
		if mapped := strings.HasPrefix(row.found, "mapped"); mapped != (len(lines) > 0) {
			t.Errorf("%s: %q", row.why, lines)
		}
		if fmt.Sprint(row.profile) != before {
			t.Errorf("%s: it changed the profile that it got", row.why)
		}
	}
	for _, needed := range []bool{true, false} { // by the allocation; else only the doctor has queried them
		late := gpus{unknown: "no answer within 20 s", needed: needed}
		if _, _, checks := late.assign(onGPUs(t, "0"), false); (len(checks) == 1 && checks[0].State == Failure) != needed {
			t.Errorf("a driver that hangs: %+v", checks)
		}
	}
}

func TestTheMapNamesEachGPU(t *testing.T) {
	g := gpus{state: eight(), allocation: gpu.Allocation{Source: "x", Devices: []int{5, 4}}}
	_, lines, _ := g.assign(onGPUs(t, "0", "1"), true)
	want := []string{"p: GPU 0 of the profile is GPU 5 of this machine, GPU-50", "p: GPU 1 of the profile is GPU 4 of this machine, GPU-40"}
	if !slices.Equal(lines, want) {
		t.Errorf("got %q", lines)
	}
}

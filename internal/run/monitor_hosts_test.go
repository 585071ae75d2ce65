package run

import (
	"context"
	"strings"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/agent"
	"topobench/internal/host/gpu"
	"topobench/internal/monitor"
	"topobench/internal/plan"
	"topobench/internal/testbed"
)

// shown is another machine that only shows itself.
type shown struct {
	Remote
	machine *testbed.Scripted
}

func (s shown) Hello() agent.Hello { return agent.Hello{NvidiaSMI: "/usr/bin/nvidia-smi"} }

func (s shown) Look(ctx context.Context, q host.Question) (host.Snapshot, error) {
	return s.machine.Look(ctx, q)
}

func (s shown) Get(ctx context.Context, path string, from, limit int64) ([]byte, error) {
	return s.machine.Get(ctx, path, from, limit)
}

// The evidence of a cell is that of each machine of the plan, also where this one has no nvidia-smi.
func TestMonitorObservesEachHost(t *testing.T) {
	node := &testbed.Scripted{GPUs: gpu.State{Devices: []gpu.Device{{Index: 0, UUID: "GPU-a"}},
		Processes: []gpu.Process{{UUID: "GPU-a", PID: 7, Owner: gpu.Owner{Party: gpu.Ours}}, {UUID: "GPU-a", PID: 8, Owner: gpu.Owner{Party: gpu.Theirs}}}}}
	r, _ := newRunner(t, Options{Remotes: map[string]Remote{"node1": shown{machine: node}}})
	p := plan.Plan{Name: "t", Hardware: plan.Hardware{Within: time.Second},
		Hosts:    []plan.Host{{Name: "node1", Address: "10.0.0.6", Devices: []int{0}}},
		Services: []plan.Service{{Name: "nginx", Role: plan.Balancer, Host: "node1"}}}
	watch, err := r.monitor(p, external{}, map[string]monitor.GPULog{"node1": {Path: "/samples"}}).Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	node.Change(func() { node.Kernel = []string{"NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus."} })
	at := time.Now().Truncate(time.Millisecond).Add(time.Millisecond) // as nvidia-smi prints it
	row := at.UTC().Format("2006/01/02 15:04:05.000") + ", 0, 97, 4, 300.5, 1980, 2619, 0x0\n"
	if err := node.Put(t.Context(), host.File{Path: "/samples", Data: []byte(row)}); err != nil {
		t.Fatal(err)
	}
	testbed.Eventually(t, time.Second, func() bool { return time.Now().After(at) })
	e, err := watch.Stop(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if samples, _ := watch.Samples(); len(samples) != 1 || samples[0].GPUs[0].Host != "node1" {
		t.Errorf("samples: %+v", samples)
	}
	if e.GPUs == nil || len(e.GPUs.Foreign) != 1 || !strings.HasPrefix(e.GPUs.Foreign[0], "node1: process 8") {
		t.Errorf("GPUs: %+v", e.GPUs)
	}
	found := false
	for _, message := range e.Kernel.Messages {
		found = found || strings.HasPrefix(message, "node1: NVRM")
	}
	if !found {
		t.Errorf("kernel log: %+v", e.Kernel)
	}
}

package monitor

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/aiperf"
	"topobench/internal/host"
	"topobench/internal/host/gpu"
	"topobench/internal/host/proc"
	"topobench/internal/plan"
	"topobench/internal/testbed"
	"topobench/internal/verdict"
)

// twoHosts is a topology on two hosts: a balancer and a worker on node0, a worker on node1.
type twoHosts struct {
	here, node0, node1 *testbed.Scripted
	fake               fake
}

// gpus are the GPUs of a machine: on each device runs one process of ours.
func gpus(devices ...int) (s gpu.State) {
	for _, index := range devices {
		uuid := "GPU-" + string(rune('a'+index))
		s.Devices = append(s.Devices, gpu.Device{Index: index, UUID: uuid, Used: 100, Slowed: []string{}})
		s.Processes = append(s.Processes, gpu.Process{UUID: uuid, PID: 100 + index, Used: 100, Owner: gpu.Owner{Party: gpu.Ours}})
	}
	return s
}

func newTwoHosts() *twoHosts {
	return &twoHosts{here: &testbed.Scripted{}, node0: &testbed.Scripted{GPUs: gpus(0, 1)}, node1: &testbed.Scripted{GPUs: gpus(0)}}
}

func (b *twoHosts) monitor() *Monitor {
	p := plan.Plan{Balancer: "guide",
		Hosts: []plan.Host{{Name: "node0", Address: "10.0.0.5", Devices: []int{0, 1}}, {Name: "node1", Address: "10.0.0.6", Devices: []int{0}}},
		Services: []plan.Service{{Name: "aggregated-0", Role: plan.Aggregated, Host: "node0"}, {Name: "aggregated-1", Role: plan.Aggregated, Host: "node1"},
			{Name: "nginx", Role: plan.Balancer, Host: "node0", Log: "/nginx.log"}},
		Smoke: plan.Smoke{Counters: []plan.Counter{{Service: "aggregated-0"}, {Service: "aggregated-1"}}}}
	t := b.fake.targets(p)
	t.Host, t.Hosts = b.here, map[string]Host{"node0": b.node0, "node1": b.node1}
	t.GPUs, t.Kernel = time.Second, true
	t.Processes = func() ([]host.ServiceProcesses, error) {
		return []host.ServiceProcesses{{Service: "nginx", Host: "node0", Port: 8080, Leader: proc.Proc{PID: 4711, Ticks: 7, Comm: "nginx"}}}, nil
	}
	return New(t)
}

// cell is the evidence of a cell in which change happened.
func (b *twoHosts) cell(t *testing.T, change func(w *Watch)) verdict.Evidence {
	t.Helper()
	m := b.monitor()
	if _, err := m.Processes(); err != nil {
		t.Fatal(err)
	}
	w, err := m.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	change(w)
	e, err := w.Stop(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func detail(t *testing.T, e verdict.Evidence, name verdict.CheckName) verdict.Check {
	t.Helper()
	c, _ := verdict.Of(e, aiperf.Measurement{}, verdict.Load{}).Find(name)
	return c
}

func TestEvidenceNamesTheHost(t *testing.T) {
	b := newTwoHosts()
	b.fake.served = [2]float64{10, 20}
	e := b.cell(t, func(*Watch) {
		b.fake.served = [2]float64{30, 3}
		b.node1.Change(func() {
			b.node1.Kernel = []string{"NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus."}
			b.node1.GPUs.Processes = append(b.node1.GPUs.Processes, gpu.Process{UUID: "GPU-a", PID: 9, Name: "python", Owner: gpu.Owner{Party: gpu.Theirs}})
			b.node1.GPUs.Devices[0].Slowed = []string{"thermal"}
		})
		b.here.Change(func() { b.here.Kernel = []string{"Out of memory: Killed process 7 (aiperf)"} })
		err := b.node0.Put(t.Context(), host.File{Path: "/nginx.log", Data: []byte(refusal)})
		if err != nil {
			t.Error(err)
		}
	})
	want := []string{"Out of memory: Killed process 7 (aiperf)", "node1: NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus."}
	if diff := cmp.Diff(want, e.Kernel.Messages); diff != "" || e.Kernel.Unread != "" {
		t.Errorf("kernel log %q, want (-), got (+):\n%s", e.Kernel.Unread, diff)
	}
	if g := e.GPUs; len(g.Foreign) != 1 || !strings.HasPrefix(g.Foreign[0], "node1: ") || cmp.Diff([]string{"node1: GPU 0: thermal"}, g.Slowed) != "" {
		t.Errorf("GPUs: %+v", g)
	}
	workers := []verdict.Worker{{Service: "aggregated-0 on node0", Role: "aggregated", Served: 20}, {Service: "aggregated-1 on node1", Role: "aggregated", Served: -17}}
	if diff := cmp.Diff(workers, e.Traffic.Workers); diff != "" {
		t.Errorf("traffic, want (-), got (+):\n%s", diff)
	}
	if len(e.Nginx.Faults) != 1 {
		t.Errorf("nginx: %+v", e.Nginx)
	}
	if want := []string{"the request counter of aggregated-1 on node1 went back from 20 to 3"}; cmp.Diff(want, e.Restarted) != "" {
		t.Errorf("restarted: %q", e.Restarted)
	}
}

// The GPUs of all hosts pass together, and none is taken for known where one host shows nothing.
func TestGPUsOfHosts(t *testing.T) {
	for _, row := range []struct {
		why    string
		change func(b *twoHosts)
		state  verdict.State
		words  string
	}{
		{"all show only ours", func(*twoHosts) {}, verdict.Valid, "on GPU 0 1 of node0, 0 of node1 in 4 samples"},
		{"one does not answer", func(b *twoHosts) { b.node1.GPUFault = "nvidia-smi hangs" }, verdict.NotMade, "node1: nvidia-smi hangs"},
		{"one hides processes", func(b *twoHosts) { b.node1.GPUs.Processes = nil }, verdict.NotMade, "nvidia-smi shows no process of ours"},
	} {
		b := newTwoHosts()
		row.change(b)
		if c := detail(t, b.cell(t, func(*Watch) {}), verdict.GPUUsers); c.State != row.state || !strings.Contains(c.Detail, row.words) {
			t.Errorf("%s: %+v", row.why, c)
		}
	}
}

// The memory of each host is compared with its own: devices of two hosts have the same numbers.
func TestMemoryOfHosts(t *testing.T) {
	b := newTwoHosts()
	b.node0.GPUs.Processes, b.node1.GPUs.Processes = nil, nil
	b.node0.GPUs.Devices[0].Used = 70000
	e := b.cell(t, func(*Watch) { b.node1.Change(func() { b.node1.GPUs.Devices[0].Used = 5000 }) })
	if g := e.GPUs.Growth; len(g) != 1 || !strings.HasPrefix(g[0], "node1: GPU 0 (GPU-a): 4900 MiB more than the 100 MiB") {
		t.Errorf("growth %q", g)
	}
}

// A host that is lost hides nothing of the others.
func TestEvidenceOfALostHost(t *testing.T) {
	b := newTwoHosts()
	e := b.cell(t, func(*Watch) {
		b.node1.Change(func() { b.node1.Fault = errors.New("lost the connection") })
		b.node0.Change(func() { b.node0.Kernel = []string{"Out of memory: Killed process 7 (python3)"} })
	})
	if e.Kernel.Unread != "node1: lost the connection" || cmp.Diff([]string{"node0: Out of memory: Killed process 7 (python3)"}, e.Kernel.Messages) != "" {
		t.Errorf("kernel %+v", e.Kernel)
	}
	checks := 0
	for _, c := range verdict.Of(e, aiperf.Measurement{}, verdict.Load{}).Checks {
		if c.Name == verdict.Kernel {
			checks++
		}
	}
	if gpus := detail(t, e, verdict.GPUUsers); checks != 2 || gpus.State != verdict.NotMade || !strings.Contains(gpus.Detail, "node1: lost the connection") {
		t.Errorf("%d checks of the kernel log, %+v", checks, gpus)
	}
}

// nginx on another host is read there: its pids mean nothing on this machine.
func TestNginxOnAnotherHost(t *testing.T) {
	b := newTwoHosts()
	b.here.Trees = map[int]proc.Load{1: {CPU: time.Second, Procs: []proc.Proc{{PID: 1, Ticks: 1}}}}
	nginx := func(state byte, cpu time.Duration) map[int]proc.Load {
		return map[int]proc.Load{4711: {CPU: cpu, Procs: []proc.Proc{{PID: 4711, Ticks: 7, State: state, Comm: "nginx"}}}}
	}
	b.node0.Trees = nginx('S', time.Second)
	b.cell(t, func(w *Watch) {
		w.Client(1)
		w.client.mu.Lock()
		if load := w.client.last.nginx; load.CPU != time.Second {
			t.Errorf("nginx used %v", load.CPU)
		}
		w.client.mu.Unlock()
		if stuck := w.m.stuck(t.Context(), w.nginx); len(stuck) > 0 {
			t.Errorf("it runs: %v", stuck)
		}
		b.node0.Change(func() { b.node0.Trees = nginx('T', 2*time.Second) })
		if stuck := w.m.stuck(t.Context(), w.nginx); len(stuck) != 1 || stuck[0].Service != "nginx on node0" {
			t.Errorf("it is stopped: %v", stuck)
		}
	})
}

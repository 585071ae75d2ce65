package monitor

import (
	"net/http"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/proc"
	"topobench/internal/plan"
	"topobench/internal/testbed"
)

// A load generator on another machine is observed there, and nginx on its own; the gauges of engines come from there too.
func TestALoadGeneratorElsewhere(t *testing.T) {
	here := &testbed.Scripted{Trees: map[int]proc.Load{4711: {CPU: 3 * time.Second, Procs: []proc.Proc{{PID: 4711, Ticks: 7, Comm: "nginx"}}}}}
	pod := &testbed.Scripted{Trees: map[int]proc.Load{1: {CPU: time.Second, Procs: []proc.Proc{{PID: 1, Ticks: 1}}, Limit: proc.CPULimit{CPUs: 2}}},
		Pages: map[string]host.Page{"http://10.1.2.3:9090/metrics": {Code: http.StatusOK, Text: []byte("vllm:num_requests_running 3\n")}}}
	var services fake
	targets := services.targets(plan.Plan{
		Services: []plan.Service{{Name: "nginx", Role: plan.Balancer, Log: "/nginx.log"}, {Name: "aggregated-0", Role: plan.Aggregated}},
		Smoke:    plan.Smoke{Counters: []plan.Counter{{Service: "aggregated-0", URL: "http://10.1.2.3:9090/metrics"}}}})
	targets.Host, targets.Load = here, pod
	targets.Processes = func() ([]host.ServiceProcesses, error) {
		return []host.ServiceProcesses{{Service: "nginx", Port: 8080, Leader: proc.Proc{PID: 4711, Ticks: 7, Comm: "nginx"}}}, nil
	}
	m := New(targets)
	if _, err := m.Processes(); err != nil {
		t.Fatal(err)
	}
	w, err := m.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.Client(1)
	w.client.mu.Lock()
	if last := w.client.last; last.tree.CPU != time.Second || last.tree.Limit.CPUs != 2 || last.nginx.CPU != 3*time.Second {
		t.Errorf("aiperf and nginx used %+v", last)
	}
	w.client.mu.Unlock()
	if title := w.client.away.title(); title != "nginx" {
		t.Errorf("nginx is %q", title)
	}
	w.sampler.probe(t.Context())
	if _, err := w.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if samples, _ := w.Samples(); len(samples) == 0 || *samples[0].Engines[0].Running != 3 {
		t.Errorf("samples %+v", samples)
	}
}

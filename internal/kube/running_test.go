package kube

import (
	"os"
	"slices"
	"strings"
	"testing"

	"topobench/internal/plan"
)

// pods is a snapshot as kubectl prints it.
func podsOf(t *testing.T, list string) Snapshot {
	t.Helper()
	s, err := ReadSnapshot([]byte(`{"items": [` + list + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Workers of a graph count requests at the operator's port, and a frontend counts none.
func TestCountersOfAGraph(t *testing.T) {
	topology := made(t, builtIn(t, "disagg-1node", image))
	pod := func(name, role, port string) string {
		return `{"kind": "Pod", "metadata": {"name": "` + name + `", "labels": {"topobench/topology": "disagg-1node", "topobench/role": "` + role +
			`", "nvidia.com/dynamo-graph-deployment-name": "disagg-1node"}}, "spec": {"nodeName": "n1", "containers": [{"env": [{"name": "DYN_NAMESPACE", "value": "bench-disagg-1node"}, {"name": "DYN_NAMESPACE_WORKER_SUFFIX", "value": "1a2b"}], "ports": [{"name": "` + port +
			`", "containerPort": 9090}]}]}, "status": {"podIP": "10.0.0.` + name[1:] + `", "containerStatuses": [{"imageID": "sha256:1"}]}}`
	}
	s := &Stack{Topology: topology, cluster: &Cluster{version: "v1.37.2"}}
	s.Pods = topology.describe(podsOf(t, pod("p3", "frontend", "http")+","+pod("p2", "decode", "system")+","+pod("p1", "prefill", "system")))
	requests, transfers := s.Counters()
	want := []plan.Counter{{Service: "p1", URL: "http://10.0.0.1:9090/metrics", Metric: "dynamo_component_requests_total"},
		{Service: "p2", URL: "http://10.0.0.2:9090/metrics", Metric: "dynamo_component_requests_total"}}
	if !slices.Equal(requests, want) {
		t.Errorf("requests %v", requests)
	}
	if len(transfers) != 1 || transfers[0].Service != "p2" || transfers[0].Metric != "vllm:nixl_xfer_time_seconds_count" {
		t.Errorf("transfers %v", transfers)
	}
	var gates []string
	for _, service := range s.Services() {
		gates = append(gates, string(service.Role)+" "+string(service.Gate.Kind)+" "+service.Gate.Address)
	}
	if !slices.Equal(gates, []string{"prefill worker 10.0.0.1:9090", "decode worker 10.0.0.2:9090", "frontend frontend 10.0.0.3:8000"}) {
		t.Errorf("%q", gates)
	}
	if gate := s.Services()[2].Gate; gate.Prefill != 4 || gate.Decode != 1 || gate.Aggregate != 0 || gate.Namespace != "bench-disagg-1node-1a2b" || gate.Model != "Qwen/Qwen3-0.6B" {
		t.Errorf("the gate of the frontend: %+v", gate)
	}
	s.Pods[0].Namespace = "another" // a frontend that sees two of them cannot be counted in one
	if gate := s.Services()[2].Gate; gate.Kind != plan.GateVLLM {
		t.Errorf("the gate of a frontend of workers that do not agree: %+v", gate)
	}
	if facts := s.Facts(); facts["nodes"] != "n1" || facts["images"] != "sha256:1" || facts["Kubernetes"] != "v1.37.2" {
		t.Errorf("%v", facts)
	}
}

// Servers behind nginx count at their own ports. nginx itself is not probed: it would see connections without a request.
func TestCountersOfServers(t *testing.T) {
	topology := made(t, builtIn(t, "agg-1node", image))
	pod := func(service, ip string) string {
		return `{"kind": "Pod", "metadata": {"name": "` + service + `-x", "labels": {"topobench/topology": "agg-1node", "topobench/role": "` + roleOfService(service) +
			`", "topobench/service": "` + service + `"}}, "status": {"podIP": "` + ip + `"}}`
	}
	s := &Stack{Topology: topology, cluster: &Cluster{}}
	s.Pods = topology.describe(podsOf(t, pod("agg-1node-aggregated-1", "10.0.0.2")+","+pod("agg-1node-nginx", "10.0.0.9")))
	requests, _ := s.Counters()
	if len(requests) != 1 || requests[0].Service != "agg-1node-aggregated-1-x" || !strings.HasPrefix(requests[0].URL, "http://10.0.0.2:") {
		t.Errorf("%v", requests)
	}
	services := s.Services()
	if len(services) != 1 || services[0].Gate.Kind != plan.GateVLLM || services[0].Gate.Model != "Qwen/Qwen3-0.6B" || services[0].Gate.Address != strings.TrimSuffix(strings.TrimPrefix(requests[0].URL, "http://"), "/metrics") {
		t.Errorf("%+v", services)
	}
}

// A mocker and its frontend share a pod, whose gate counts that one instance.
func TestGateOfAMockerBehindNginx(t *testing.T) {
	topology := made(t, builtIn(t, "demo-agg", image, "kubernetes.model_storage.host_path=/cache/models"))
	s := &Stack{Topology: topology, Pods: []Pod{{Name: "p", IP: "10.0.0.2", Role: "aggregated", Service: "demo-agg-aggregated-1"}}}
	gate := s.Services()[0].Gate
	if gate.Kind != plan.GateFrontend || gate.Aggregate != 1 || gate.Namespace != "demo-agg-1" || !strings.HasPrefix(gate.Address, "10.0.0.2:") {
		t.Errorf("%+v", gate)
	}
}

func roleOfService(name string) string {
	if strings.HasSuffix(name, "nginx") {
		return "balancer"
	}
	return "aggregated"
}

// The plan of a run starts no process, and reaches Services by their names.
func TestLaunch(t *testing.T) {
	p := made(t, builtIn(t, "agg-1node", image, "versions.aiperf=0.13.0")).Launch()
	if len(p.Services)+len(p.External)+len(p.Hosts)+len(p.Files)+len(p.Smoke.Counters)+len(p.Hardware.Devices) > 0 {
		t.Errorf("%+v", p)
	}
	if direct := p.Smoke.Direct; len(direct) != 2 || direct[1] != "http://agg-1node-aggregated-1:8002" {
		t.Errorf("the servers behind nginx are %v", direct)
	}
	if !slices.Equal(p.Load.URLs, []string{"http://agg-1node-nginx:8000"}) || p.Name != "agg-1node" || p.Deployment.Programs["aiperf"] != "0.13.0" {
		t.Errorf("%v %s %v", p.Load.URLs, p.Name, p.Deployment.Programs)
	}
}

// Runs are found by their label; an object without it is nobody's.
func TestRemainsOfRuns(t *testing.T) {
	data, err := os.ReadFile("testdata/left/up.json")
	if err != nil {
		t.Fatal(err)
	}
	all, err := (&Cluster{}).read(data)
	if err != nil || len(all) != 1 || all[0].Run != ByHand || !slices.Contains(all[0].Objects, "job/topobench-by-hand") || !all[0].Running {
		t.Errorf("%+v, %v", all, err)
	}
	const job = `{"kind": "Job", "metadata": {"name": "j", "labels": {"topobench/run": "r"}`
	for _, row := range []struct {
		what, object string
		running      bool
	}{
		{"a pod that waits for its image", job + `}, "status": {"active": 1, "ready": 0}}`, true},
		{"a suspended Job that goes on", job + `}, "status": {"conditions": [{"type": "Suspended", "status": "True"}]}}`, true},
		{"ended", job + `}, "status": {"conditions": [{"type": "SuccessCriteriaMet", "status": "True"}, {"type": "Complete", "status": "True"}]}}`, false},
		{"past its deadline", job + `}, "status": {"conditions": [{"type": "Failed", "status": "True"}]}}`, false},
		{"deleted", job + `, "deletionTimestamp": "2026-01-01T00:00:00Z"}}`, false},
		{"what a Job has left", `{"kind": "Pod", "metadata": {"name": "p", "labels": {"topobench/run": "r"}}, "status": {"phase": "Running"}}`, false},
	} {
		all, err := (&Cluster{}).read([]byte(`{"items": [` + row.object + `]}`))
		if err != nil || len(all) != 1 || all[0].Running != row.running {
			t.Errorf("%s: %+v, %v", row.what, all, err)
		}
	}
}

// The deadline of the Job is above that of every launch and its restart.
func TestDeadlineOfARun(t *testing.T) {
	topologies := []Topology{made(t, builtIn(t, "agg-1node", image))}
	if got, least := deadlineOf(topologies, 4), 8*Deadline(topologies); got <= least {
		t.Errorf("%v, want more than %v", got, least)
	}
}

// Kinds of Dynamo that a cluster lacks are not listed.
func TestKindsOfACluster(t *testing.T) {
	for lacks, want := range []string{LeftKinds, strings.ReplaceAll(LeftKinds, ",dynamoworkermetadatas", ""),
		"jobs,deployments,replicasets,services,pods,configmaps"} {
		if got := (&Cluster{lacks: lacks}).kinds(); got != want {
			t.Errorf("%d: %s", lacks, got)
		}
	}
}

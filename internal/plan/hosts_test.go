package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/profile"
)

// The second node reaches etcd and NATS on the first, as in the guide.
func TestTheSecondNodePointsAtTheFirst(t *testing.T) {
	for _, v := range []Versions{{}, guidesTime()} {
		p := builtInPlanFor(t, "disagg-2node", v)
		dirs := []string{"/runs/x/t", "/runs/x/t/logs", "/runs/x/t/kv"}
		want := []Host{{Name: "node0", Address: "192.0.2.10", Transport: "ssh", Devices: []int{0, 1, 2, 3, 4, 5, 6, 7}, Dirs: dirs},
			{Name: "node1", Address: "192.0.2.11", Transport: "ssh", User: "bench", Devices: []int{0, 1, 2, 3, 4, 5, 6, 7}, Dirs: dirs}}
		if diff := cmp.Diff(want, p.Hosts); diff != "" {
			t.Errorf("hosts (-want +got): %s", diff)
		}
		if diff := cmp.Diff(dirs[:2], p.Dirs); diff != "" {
			t.Errorf("directories of this machine (-want +got): %s", diff)
		}
		for _, s := range p.Services {
			home := "node0"
			if s.Role == Prefill {
				home = "node1"
			}
			if s.Host != home {
				t.Errorf("%s runs on %s, want %s", s.Name, s.Host, home)
			}
			if s.Role != Prefill && s.Role != Decode {
				continue
			}
			if got := value(s, "ETCD_ENDPOINTS"); got != "http://192.0.2.10:23001" {
				t.Errorf("%s: ETCD_ENDPOINTS is %q", s.Name, got)
			}
			if got := value(s, "NATS_SERVER"); got != "nats://192.0.2.10:23003" {
				t.Errorf("%s: NATS_SERVER is %q", s.Name, got)
			}
		}
	}
}

// Nothing of a plan over hosts listens on loopback, and the load finds the first node.
func TestNothingListensOnLoopbackOverHosts(t *testing.T) {
	for _, name := range []string{"disagg-2node", "agg-2node"} {
		p := builtInPlan(t, name)
		text, err := json.Marshal([]any{p.Services, p.Files, p.Load, p.Smoke})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), loopback) || strings.Contains(string(text), "localhost") {
			t.Errorf("%s names this machine's own address", name)
		}
		if diff := cmp.Diff([]string{"http://192.0.2.10:8000"}, p.Load.URLs); diff != "" {
			t.Errorf("%s: the load goes elsewhere: %s", name, diff)
		}
	}
	conf := builtInPlan(t, "agg-2node").Files[0].Text
	for _, line := range []string{"listen 192.0.2.10:8000;", "server 192.0.2.10:8001 max_fails=3 fail_timeout=10000s;", "server 192.0.2.11:8002 max_fails=3 fail_timeout=10000s;"} {
		if !strings.Contains(conf, line) {
			t.Errorf("nginx.conf has no %q:\n%s", line, conf)
		}
	}
}

func TestHostsThatCannotReachEachOtherAreRefused(t *testing.T) {
	const hosts = "{name: a, kind: b, engine: dynamo, model: m, hosts: {n: {transport: ssh, address: me@192.0.2.1}, o: {transport: ssh, address: 192.0.2.2}, here: {transport: local}, twin: {transport: ssh, address: 192.0.2.1}, near: {transport: ssh, address: 127.0.0.2}}, "
	for _, row := range []struct{ why, rest, want string }{
		{"a frontend on this machine", "decode: [{cuda_visible_devices: [0], host: n}], prefill: [{cuda_visible_devices: [1], host: n}]}", "frontend is on this machine"},
		{"a worker on a local host", "frontend: {host: n}, aggregated: [{cuda_visible_devices: [0], host: here}]}", "aggregated-0 is on this machine"},
		{"files do not cross hosts", "discovery: {etcd: none, nats: none}, frontend: {host: n}, aggregated: [{cuda_visible_devices: [0], host: o}]}", "by files"},
		{"two services on one port of one host", "frontend: {port: 23100, host: n}, aggregated: [{cuda_visible_devices: [0], host: n}]}", "23100 is used twice"},
		{"two services on one port of a machine with two names", "frontend: {port: 23100, host: n}, aggregated: [{cuda_visible_devices: [0], host: twin}]}", "23100 is used twice"},
		{"loopback beside another address", "frontend: {host: n}, aggregated: [{cuda_visible_devices: [0], host: near}]}", "near (127.0.0.2) cannot be reached from n (192.0.2.1)"},
	} {
		if _, err := made(read(t, "p.yaml", hosts+row.rest), installed(), guide()); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: error %v, want %q", row.why, err, row.want)
		}
	}
	for _, row := range []struct{ why, rest string }{
		{"one port on two hosts", "frontend: {port: 23100, host: n}, aggregated: [{cuda_visible_devices: [0], host: o}]}"},
		{"all local: the plan is this machine's", "frontend: {host: here}, aggregated: [{cuda_visible_devices: [0], host: here}]}"},
	} {
		p, err := made(read(t, "p.yaml", hosts+row.rest), installed(), guide())
		if err != nil {
			t.Errorf("%s: %v", row.why, err)
		}
		for _, s := range p.Services {
			if (s.Host == "") != (len(p.Hosts) == 0) || strings.Contains(s.Gate.Address, "@") {
				t.Errorf("%s: %s is on %q at %s of hosts %v", row.why, s.Name, s.Host, s.Gate.Address, p.Hosts)
			}
		}
	}
}

// Each host has its own address, GPUs, ports and directories; the way between the hosts leads past a proxy.
func TestEachHostHasItsOwn(t *testing.T) {
	p := builtInPlan(t, "disagg-2node")
	for _, s := range p.Services {
		address := map[string]string{"node0": "192.0.2.10", "node1": "192.0.2.11"}[s.Host]
		for _, name := range []string{"VLLM_HOST_IP", "VLLM_NIXL_SIDE_CHANNEL_HOST", "DYN_TCP_RPC_HOST", "DYN_SYSTEM_HOST"} {
			if got := value(s, name); s.Role.Worker() && got != address {
				t.Errorf("%s: %s is %q, want %s", s.Name, name, got, address)
			}
		}
		for _, name := range noProxy() {
			if got := value(s, name); got != "192.0.2.10,192.0.2.11,${ENV:"+name+"}" {
				t.Errorf("%s: %s is %q", s.Name, name, got)
			}
		}
	}
	if got := value(Service{Env: p.Load.Env}, "NO_PROXY"); got != "192.0.2.10,192.0.2.11,${ENV:NO_PROXY}" {
		t.Errorf("aiperf: NO_PROXY is %q", got)
	}
	all := []int{0, 1, 2, 3, 4, 5, 6, 7}
	for host, want := range map[string][]int{"": nil, "node0": all, "node1": all} {
		if diff := cmp.Diff(want, p.HardwareOn(host).Devices); diff != "" || p.HardwareOn(host).Within != p.Hardware.Within || p.Hardware.Within == 0 {
			t.Errorf("GPUs of %q (-want +got): %s", host, diff)
		}
	}
	if diff := cmp.Diff([]string{"node0", "node1"}, p.Names()); diff != "" {
		t.Errorf("hosts (-want +got): %s", diff)
	}
	if diff := cmp.Diff([]string{""}, builtInPlan(t, "disagg-1node").Names()); diff != "" {
		t.Errorf("hosts of one node (-want +got): %s", diff)
	}
	if n := len(p.PortsOn("")) + len(p.PortsOn("node0")) + len(p.PortsOn("node1")); n != len(p.Ports()) || len(p.PortsOn("node0")) == 0 {
		t.Errorf("%d ports on the hosts, %d in the plan", n, len(p.Ports()))
	}
}

// A list of the caller's follows ours, and ours stands alone where the caller has none.
func TestNoProxyEndsInTheCallers(t *testing.T) {
	for _, row := range []struct {
		caller []string
		want   string
	}{
		{[]string{"NO_PROXY=.corp"}, "NO_PROXY=10.0.0.5,10.0.0.6,.corp"},
		{nil, "NO_PROXY=10.0.0.5,10.0.0.6"},
	} {
		env, missing := Environ(row.caller, []string{"NO_PROXY=10.0.0.5,10.0.0.6,${ENV:NO_PROXY}"})
		if diff := cmp.Diff([]string{row.want}, env); diff != "" || missing != nil {
			t.Errorf("missing %v (-want +got): %s", missing, diff)
		}
	}
}

func TestAVariableOfOnlyTheCallerIsMissing(t *testing.T) {
	env, missing := Environ(nil, []string{"NO_PROXY=${ENV:NO_PROXY}"})
	if diff := cmp.Diff([]string{"NO_PROXY"}, missing); diff != "" {
		t.Errorf("environment %v, missing (-want +got): %s", env, diff)
	}
}

// The variables that can change speed are those of the login on each host.
func TestVariablesAreThoseOfEachHost(t *testing.T) {
	p := builtInPlan(t, "agg-2node")
	callers := map[string][]string{"node0": {"NCCL_DEBUG=INFO", "OMP_NUM_THREADS=4"}, "node1": {"OMP_NUM_THREADS=4"}}
	got := VariablesOn(p, func(host string) []string { return callers[host] })
	if got["OMP_NUM_THREADS"] != "4" || !strings.Contains(got["NCCL_DEBUG"], "INFO") || !strings.Contains(got["NCCL_DEBUG"], "not set") {
		t.Errorf("variables %v", got)
	}
	if got := Variables(p, callers["node1"]); got["OMP_NUM_THREADS"] != "4" || got["NCCL_DEBUG"] != "" {
		t.Errorf("variables of one caller %v", got)
	}
}

// The ports between Dynamo's processes are known over hosts, so that the way to them can be probed, and random on one.
func TestRequestPortsAreFixedOverHosts(t *testing.T) {
	p := builtInPlan(t, "demo-disagg-2node")
	seen := map[string]bool{}
	for _, s := range p.Services {
		if !s.Role.Worker() && s.Role != Frontend {
			continue
		}
		stream, rpc := value(s, "DYN_TCP_RESPONSE_STREAM_PORT"), value(s, "DYN_TCP_RPC_PORT")
		var listed []string
		for _, port := range s.Ports {
			listed = append(listed, strconv.Itoa(port.Number))
		}
		if !slices.Contains(listed, stream) || s.Role.Worker() && !slices.Contains(listed, rpc) || seen[stream] || s.Role.Worker() && seen[rpc] {
			t.Errorf("%s: answers on %q, requests on %q; its ports are %v", s.Name, stream, rpc, listed)
		}
		seen[stream], seen[rpc] = true, true
	}
	for _, s := range builtInPlan(t, "demo-disagg").Services {
		if value(s, "DYN_TCP_RPC_PORT")+value(s, "DYN_TCP_RESPONSE_STREAM_PORT") != "" {
			t.Errorf("%s on one host has fixed ports", s.Name)
		}
	}
}

// Programs, kernels, variables and root are those of the host; aiperf is this machine's.
func TestInstallationsOfHosts(t *testing.T) {
	on := installed()
	on.Versions, on.Kernels = Versions{AIPerf: "0.13.0", VLLM: "0.9.0"}, "/here/kernels"
	on.Hosts = map[string]Installation{
		"node0": {Programs: Programs{Python: "/0/python", Etcd: "/0/etcd", NATS: "/0/nats"}, Kernels: "/0/kernels", Arch: "arm64",
			Versions: Versions{Dynamo: "1.6.1", AIPerf: "0.1.1"}, Inherit: []string{"HOME"}, Dropped: []string{"DYN_X"}},
		"node1": {Programs: Programs{Python: "/1/python"}, Cache: "/1", Versions: Versions{Dynamo: "1.6.1", VLLM: "0.31.0"}},
	}
	p, err := made(builtIn(t, "disagg-2node"), on, guide())
	if err != nil {
		t.Fatal(err)
	}
	decode, prefill, etcd := service(t, p, "decode-0"), service(t, p, "prefill-0"), service(t, p, "etcd")
	if got := decode.Argv[0] + " " + prefill.Argv[0] + " " + etcd.Argv[0] + " " + p.Load.AIPerf; got != "/0/python /1/python /0/etcd aiperf" {
		t.Errorf("programs %s", got)
	}
	if got := value(decode, "TRITON_CACHE_DIR") + " " + value(prefill, "TRITON_CACHE_DIR"); got != "/0/kernels/triton " {
		t.Errorf("kernels in %s", got)
	}
	if value(etcd, "ETCD_UNSUPPORTED_ARCH") != "arm64" {
		t.Errorf("etcd on another architecture: %v", etcd.Env)
	}
	if !slices.Contains(prefill.Env, "PYTHONPATH") || slices.Contains(decode.Env, "PYTHONPATH") {
		t.Error("a program of its host's tool cache gets no PYTHONPATH, another one does")
	}
	if want := (Versions{Dynamo: "1.6.1", VLLM: "0.31.0", AIPerf: "0.13.0"}); p.Versions != want {
		t.Errorf("versions %+v, want %+v", p.Versions, want)
	}
	if diff := cmp.Diff([][]string{{"HOME"}, {"DYN_X"}, nil}, [][]string{p.Hosts[0].Inherit, p.Hosts[0].Dropped, p.Hosts[1].Inherit}); diff != "" {
		t.Errorf("variables of the hosts (-want +got): %s", diff)
	}
}

// Without probes of the host its own Python and variables stand in the plan.
func TestAHostHasPythonAndEnv(t *testing.T) {
	p := textPlan(t, "{name: a, kind: b, engine: dynamo, model: m, frontend: {host: n}, env: {A: all, B: all}, "+
		"hosts: {n: {transport: ssh, address: 10.0.0.5, python: /n/python, env: {A: n}}, o: {transport: ssh, address: 10.0.0.6}}, "+
		"prefill: [{cuda_visible_devices: [0], host: n, env: {B: own}}], decode: [{cuda_visible_devices: [0], host: o}]}")
	n, o := service(t, p, "prefill-0"), service(t, p, "decode-0")
	if n.Argv[0] != "/n/python" || o.Argv[0] != "python" || service(t, p, "frontend").Argv[0] != "/n/python" {
		t.Errorf("python %s on n, %s on o", n.Argv[0], o.Argv[0])
	}
	if got := value(n, "A") + value(n, "B") + " " + value(o, "A") + value(o, "B"); got != "nown allall" {
		t.Errorf("variables %s", got)
	}
	if n.Variables["A"] != "n" || o.Variables["A"] != "all" {
		t.Errorf("compared variables %v and %v", n.Variables, o.Variables)
	}
}

// Each host has a placement of its own, but one namespace and the directories of aiperf are everybody's.
func TestPlacesOfHosts(t *testing.T) {
	made, err := Make(builtIn(t, "agg-2node"), installed(), guide())
	if err != nil {
		t.Fatal(err)
	}
	hosts := map[string]Placement{"node0": {Dir: "/0/run", Data: "/0/data", Temp: "/0/tmp", Cookie: "x-node0"}, "node1": {Dir: "/1/run", Temp: "/1/tmp"}}
	p, err := made.At(place(), hosts)
	if err != nil {
		t.Fatal(err)
	}
	zero, one := service(t, p, "aggregated-0"), service(t, p, "aggregated-1")
	if got := zero.Log + " " + one.Log + " " + one.Dir; got != "/0/run/logs/aggregated-0.log /1/run/logs/aggregated-1.log /1/run" {
		t.Errorf("logs and directory %s", got)
	}
	got := []string{value(zero, "TMPDIR"), value(zero, "TOPOBENCH_RUN"), value(one, "TMPDIR"), value(one, "TOPOBENCH_RUN"), value(Service{Env: p.Load.Env}, "TMPDIR")}
	if diff := cmp.Diff([]string{"/0/tmp", "x-node0", "/1/tmp", "x", "/tmp/t1"}, got); diff != "" {
		t.Errorf("TMPDIR and cookie (-want +got): %s", diff)
	}
	if f := p.Files[0]; len(p.Files) != 1 || f.Host != "node0" || f.Path != "/0/run/nginx/nginx.conf" || !strings.Contains(f.Text, "/0/data/nginx/tmp") {
		t.Errorf("nginx.conf: %+v", p.Files)
	}
	want := [][]string{{"/0/run", "/0/run/logs", "/0/run/nginx", "/0/data/nginx", "/0/data/nginx/tmp"}, {"/1/run", "/1/run/logs"}, {"/runs/x/t", "/runs/x/t/logs"}}
	if diff := cmp.Diff(want, [][]string{p.Hosts[0].Dirs, p.Hosts[1].Dirs, p.Dirs}); diff != "" {
		t.Errorf("directories (-want +got): %s", diff)
	}
	if diff := cmp.Diff(Unplaced().Dir, made.Hosts[0].Dirs[0]); diff != "" {
		t.Errorf("placing changed the plan itself: %s", diff)
	}
	if _, err := made.At(place(), map[string]Placement{"node0": {Dir: "/a b\"c"}}); err == nil || !strings.Contains(err.Error(), "special in nginx.conf") {
		t.Errorf("a directory of the balancer's host that nginx.conf cannot name: %v", err)
	}
}

// The hosts' own addresses are the only ones that servers bind, unless the profile has listen.
func TestServersBindEveryAddressOnlyWhereTheProfileDoes(t *testing.T) {
	const head = "{name: a, kind: b, engine: dynamo, model: m, frontend: {host: n%s}, prefill: [{cuda_visible_devices: [0], host: o}], decode: [{cuda_visible_devices: [0], host: n}], " +
		"hosts: {n: {transport: ssh, address: 10.0.0.5%s}, o: {transport: ssh, address: 10.0.0.6%s}}%s}"
	const every = ", listen: 0.0.0.0"
	for _, row := range []struct{ why, router, n, o, rest, want string }{
		{"as it is", "", "", "", "", ""},
		{"events by ZMQ", "", "", "", ", discovery: {nats: none}", "of n"},
		{"events by ZMQ, one host listens", "", every, "", ", discovery: {nats: none}", "of o"},
		{"events by ZMQ, both listen", "", every, every, ", discovery: {nats: none}", ""},
		{"KV events", ", router: kv", "", "", "", "KV events of prefill-0"},
		{"KV events of a host that listens", ", router: kv", "", every, "", ""},
	} {
		p, err := made(read(t, "p.yaml", fmt.Sprintf(head, row.router, row.n, row.o, row.rest)), installed(), guide())
		if got := fmt.Sprint(err); (row.want == "") != (err == nil) || !strings.Contains(got, row.want) || err != nil && !strings.Contains(got, "listen: 0.0.0.0") {
			t.Errorf("%s: error %v, want %q", row.why, err, row.want)
		}
		text, _ := json.Marshal([]any{p.Services, p.Files})
		if has := strings.Contains(string(text), "0.0.0.0"); has != (row.n+row.o != "") {
			t.Errorf("%s: a server binds every address: %t", row.why, has)
		}
	}
	listens, err := made(builtIn(t, "agg-2node").WithHosts(nil), installed(), guide())
	if err != nil || !strings.Contains(listens.Files[0].Text, "listen 192.0.2.10:8000;") {
		t.Errorf("%v", err)
	}
	p := builtIn(t, "agg-2node")
	h := p.Hosts["node0"]
	h.Listen = "0.0.0.0"
	p.Hosts["node0"] = h
	listens, err = made(p, installed(), guide())
	if err != nil {
		t.Fatal(err)
	}
	nginx, worker := service(t, listens, "nginx"), service(t, listens, "aggregated-0")
	if !strings.Contains(listens.Files[0].Text, "listen 0.0.0.0:8000;") || nginx.Gate.Address != "192.0.2.10:8000" ||
		worker.Gate.Address != "192.0.2.10:8001" || option(worker.Argv, "host") != "0.0.0.0" {
		t.Errorf("nginx is probed at %s, the worker at %s:\n%s", nginx.Gate.Address, worker.Gate.Address, listens.Files[0].Text)
	}
}

// A server of engine command takes the address by {host}, or listens on all.
func TestACommandListensOnItsHost(t *testing.T) {
	const text = "{name: a, kind: b, engine: command, model: m, aggregated: [{cuda_visible_devices: [0], host: n}], " +
		"hosts: {n: {transport: ssh, address: 10.0.0.5%s}}, command: {argv: [serve, '{port}'%s]}}"
	for _, row := range []struct{ host, arg, last, fault string }{
		{"", "", "", "no argument of the command has {host}"},
		{"", ", '{host}'", "10.0.0.5", ""},
		{", listen: 0.0.0.0", ", '{host}'", "0.0.0.0", ""},
		{", listen: 0.0.0.0", "", "8", ""},
	} {
		p, err := made(read(t, "p.yaml", fmt.Sprintf(text, row.host, row.arg)), installed(), guide())
		if got := fmt.Sprint(err); (row.fault == "") != (err == nil) || !strings.Contains(got, row.fault) {
			t.Errorf("%+v: error %v", row, err)
			continue
		}
		if argv := service(t, p, "aggregated-0").Argv; row.arg != "" && row.fault == "" && argv[len(argv)-1] != row.last {
			t.Errorf("%+v: %v", row, argv)
		}
	}
	here := textPlan(t, "{name: a, kind: b, engine: command, model: m, aggregated: [{cuda_visible_devices: [0]}], command: {argv: [serve, '{port}', '{host}']}}")
	if argv := service(t, here, "aggregated-0").Argv; argv[2] != loopback {
		t.Errorf("on this machine: %v", argv)
	}
}

func TestAHostWithoutAnAddressIsNotPlanned(t *testing.T) {
	p := builtIn(t, "agg-2node")
	p.Hosts = map[string]profile.Host{"node0": p.Hosts["node0"], "node1": {}}
	if _, err := Make(p, installed(), guide()); err == nil || !strings.Contains(err.Error(), "no address is known of node1") {
		t.Errorf("error %v", err)
	}
}

func TestTwoNodesCountSixteenGPUs(t *testing.T) {
	for _, name := range []string{"disagg-2node", "agg-2node"} {
		if p := builtInPlan(t, name); p.GPUs != 16 || p.Deployment.NumGPUs != 16 {
			t.Errorf("%s: %d GPUs in the plan, %d in the deployment, want 16", name, p.GPUs, p.Deployment.NumGPUs)
		}
	}
}

package plan

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The second node reaches etcd and NATS on the first, as in the guide.
func TestTheSecondNodePointsAtTheFirst(t *testing.T) {
	for _, v := range []Versions{{}, guidesTime()} {
		p := builtInPlanFor(t, "disagg-2node", v)
		if diff := cmp.Diff([]Host{{"node0", "192.0.2.10"}, {"node1", "192.0.2.11"}}, p.Hosts); diff != "" {
			t.Errorf("hosts (-want +got): %s", diff)
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
	const hosts = "{name: a, kind: b, engine: dynamo, model: m, hosts: {n: {transport: ssh, address: me@192.0.2.1}, o: {transport: ssh, address: 192.0.2.2}, here: {transport: local}}, "
	for _, row := range []struct{ why, rest, want string }{
		{"a frontend on this machine", "decode: [{cuda_visible_devices: [0], host: n}], prefill: [{cuda_visible_devices: [1], host: n}]}", "frontend is on this machine"},
		{"a worker on a local host", "frontend: {host: n}, aggregated: [{cuda_visible_devices: [0], host: here}]}", "aggregated-0 is on this machine"},
		{"files do not cross hosts", "discovery: {etcd: none, nats: none}, frontend: {host: n}, aggregated: [{cuda_visible_devices: [0], host: o}]}", "by files"},
		{"two services on one port of one host", "frontend: {port: 23100, host: n}, aggregated: [{cuda_visible_devices: [0], host: n}]}", "23100 is used twice"},
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

func TestTwoNodesCountSixteenGPUs(t *testing.T) {
	for _, name := range []string{"disagg-2node", "agg-2node"} {
		if p := builtInPlan(t, name); p.GPUs != 16 || p.Deployment.NumGPUs != 16 {
			t.Errorf("%s: %d GPUs in the plan, %d in the deployment, want 16", name, p.GPUs, p.Deployment.NumGPUs)
		}
	}
}

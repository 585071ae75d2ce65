package profile

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// overHosts is a profile over two hosts, one of which the file does not place.
const overHosts = `name: a
kind: b
engine: dynamo
model: m
hosts:
  a: {python: /a/python, env: {X: a, A: "1"}}
  b: {transport: ssh, address: me@10.0.0.6}
  unused: {}
  here: {transport: local}
env: {X: all, Y: all}
frontend: {host: a}
prefill: [{cuda_visible_devices: [0], host: b}, {cuda_visible_devices: [1], host: b}]
decode: [{cuda_visible_devices: [0], host: a}]
`

func TestHostsAreFilledByName(t *testing.T) {
	p := mustParse(t, overHosts)
	if h := p.Hosts["b"]; h.User != "me" || h.Address != "10.0.0.6" {
		t.Errorf("user and address of me@10.0.0.6: %+v", h)
	}
	if diff := cmp.Diff([]string{"a"}, p.Unplaced()); diff != "" {
		t.Errorf("without an address (-want +got): %s", diff)
	}
	if p.GPUs() != 3 {
		t.Errorf("GPU 0 of two machines and GPU 1 are %d", p.GPUs())
	}
	filled := p.WithHosts(map[string]Host{"a": {Transport: SSH, Address: "10.0.0.5", User: "you"}, "other": {Address: "x"}})
	want := Host{Transport: SSH, Address: "10.0.0.5", User: "you", Python: "/a/python", Env: map[string]string{"X": "a", "A": "1"}}
	if diff := cmp.Diff(want, filled.Hosts["a"]); diff != "" {
		t.Errorf("the host that was found (-want +got): %s", diff)
	}
	if len(filled.Unplaced()) != 0 || len(filled.Hosts) != len(p.Hosts) || p.Hosts["a"].Address != "" {
		t.Errorf("without an address %v, hosts %v, and before %v", filled.Unplaced(), filled.Hosts, p.Hosts)
	}
}

func TestTheProfileOfOneHost(t *testing.T) {
	p := mustParse(t, overHosts)
	a, b := p.On("a"), p.On("b")
	if len(a.Prefill) != 0 || len(a.Decode) != 1 || a.Decode[0].Host != "" || a.Frontend == nil || a.Frontend.Host != "" {
		t.Errorf("on a: prefill %v, decode %v, frontend %v", a.Prefill, a.Decode, a.Frontend)
	}
	if len(b.Prefill) != 2 || len(b.Decode) != 0 || b.Prefill[0].Host != "" || b.Frontend != nil {
		t.Errorf("on b: prefill %v, decode %v, frontend %v", b.Prefill, b.Decode, b.Frontend)
	}
	if a.Python != "/a/python" || b.Python != "" || len(a.Hosts) != 0 {
		t.Errorf("python %q on a, %q on b; hosts %v", a.Python, b.Python, a.Hosts)
	}
	if diff := cmp.Diff(map[string]string{"X": "a", "Y": "all", "A": "1"}, a.Env); diff != "" {
		t.Errorf("env on a (-want +got): %s", diff)
	}
	if diff := cmp.Diff(map[string]string{"X": "all", "Y": "all"}, b.Env); diff != "" {
		t.Errorf("env on b (-want +got): %s", diff)
	}
	if a.Discovery.Etcd != start || b.Discovery.Etcd != none || b.Discovery.NATS != none {
		t.Errorf("etcd and NATS run beside the frontend: %v on a, %v on b", a.Discovery, b.Discovery)
	}
	if p.Prefill[0].Host != "b" || p.Frontend.Host != "a" {
		t.Errorf("the whole profile changed: %v, %v", p.Prefill, p.Frontend)
	}
	if here := p.On(""); len(here.Prefill)+len(here.Decode) != 0 || here.Frontend != nil {
		t.Errorf("nothing runs on this machine: %+v", here)
	}
}

package plan

import (
	"strings"
	"testing"
)

// The guide's nginx takes bodies of 1 MiB: the smoke's shorter words pass, and the cells would fail.
func TestALoadThatNginxRefusesIsRefusedByNumber(t *testing.T) {
	const workers = "aggregated: [{cuda_visible_devices: [0], port: 8001}, {cuda_visible_devices: [1], port: 8002}]}"
	for _, row := range []struct{ load, balancer, want string }{
		{"{isl: 3000}", "guide", ""},
		{"{isl: 230000}", "guide", "a request of 230000 input tokens has about 1151024 bytes, and nginx (guide) accepts 1048576: set balancer.config to tuned"},
		{"{isl: 230000}", "tuned", ""},
	} {
		p := read(t, "p.yaml", "{name: a, kind: k, engine: vllm, model: m, load: "+row.load+", balancer: {port: 8000, config: "+row.balancer+"}, "+workers)
		_, err := Make(p, installed(), guide())
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), "p.yaml: "+row.want) {
			t.Errorf("%s behind %s: %v", row.load, row.balancer, err)
		}
	}
	p := read(t, "p.yaml", "{name: a, kind: k, engine: vllm, model: m, load: {isl: 230000, spread: true}, "+workers)
	if _, err := Make(p, installed(), guide()); err != nil {
		t.Errorf("there is no nginx: %v", err)
	}
}

func TestBodyLimit(t *testing.T) {
	for conf, want := range map[string]int{
		"": 1 << 20, "client_max_body_size 64m;": 64 << 20, "http { client_max_body_size 512K; }": 512 << 10,
		"client_max_body_size 1g;": 1 << 30, "client_max_body_size 700;": 700, "client_max_body_size 0;": 0,
		"# client_max_body_size 64m;":                                     1 << 20,
		"client_max_body_size 2m;\nlocation { client_max_body_size 4m; }": 4 << 20,
	} {
		if got := bodyLimit(conf); got != want {
			t.Errorf("%q: %d, want %d", conf, got, want)
		}
	}
}

// Dynamo before 1.0 sends requests through NATS, whose own limit is 1 MiB.
func TestPrivateNATSTakesLongPrompts(t *testing.T) {
	p := builtInPlan(t, "disagg-1node")
	argv := service(t, p, "nats").Argv
	for _, f := range p.Files {
		if argv[1] == "-c" && argv[2] == f.Path && f.Text == "max_payload: 8388608\n" {
			return
		}
	}
	t.Errorf("%q with the files %v", argv, p.Files)
}

// Only Dynamo before 1.0 sends requests through NATS, so that a running one must take them.
func TestARunningNATSMustTakeTheRequests(t *testing.T) {
	const text = "{name: a, kind: k, engine: dynamo, model: m, discovery: {nats: 'nats://h:1'}, load: {isl: 230000}, aggregated: [{cuda_visible_devices: [0]}]}"
	for version, want := range map[Version]int{"0.5.1": 1_611_024, "1.6.1": 0} {
		on := installed()
		on.Versions.Dynamo = version
		p, err := Make(read(t, "p.yaml", text), on, guide())
		if err != nil || p.External[0].Gate.Payload != want {
			t.Errorf("Dynamo %s: %+v, %v", version, p.External, err)
		}
	}
}

package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const commandHead = "{name: a, kind: k, engine: command, model: org/m, port_base: 23000, "

func TestCommandServersAreProbedOnTheirPages(t *testing.T) {
	p := textPlan(t, commandHead+`balancer: {}, aggregated: {workers: 2, tensor_parallel: 2, port: 8001, env: {A: b}},
		command: {argv: [sv, "{model}", "--p={port}", "{gpus}", "{log}"], health: /up, models: /list, metrics: /m, requests: n}}`)
	s := service(t, p, "aggregated-1")
	if got := strings.Join(s.Argv, " "); got != "sv org/m --p=8002 2 /runs/x/t/logs/aggregated-1.log" || s.Log != "/runs/x/t/logs/aggregated-1.log" {
		t.Errorf("argv %s, log %s", got, s.Log)
	}
	if value(s, "CUDA_VISIBLE_DEVICES") != "2,3" || value(s, "CUDA_DEVICE_ORDER") != "PCI_BUS_ID" || value(s, "A") != "b" {
		t.Errorf("environment %v", s.Env)
	}
	if g := s.Gate; g.Kind != GateServer || g.Address != "127.0.0.1:8002" || g.Path != "/up" || g.Models != "/list" || g.Model != "org/m" {
		t.Errorf("gate %+v", g)
	}
	uncounted := textPlan(t, commandHead+"aggregated: {workers: 1}, command: {argv: [sv, \"{port}\"]}}")
	if uncounted.Smoke.Uncounted == "" || len(uncounted.Smoke.Counters) > 0 || p.Smoke.Uncounted != "" {
		t.Errorf("without a metric: %+v", uncounted.Smoke)
	}
	want := []Counter{{Service: "aggregated-0", URL: "http://127.0.0.1:8001/m", Metric: "n"},
		{Service: "aggregated-1", URL: "http://127.0.0.1:8002/m", Metric: "n"}}
	if diff := cmp.Diff(want, p.Smoke.Counters); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int{0, 1, 2, 3}, p.Hardware.Devices); diff != "" || p.GPUs != 4 || p.Deployment.TP != 2 || p.Deployment.DP != 2 {
		t.Errorf("%d GPUs, %+v\n%s", p.GPUs, p.Deployment, diff)
	}
	if got := order(p); got != "aggregated-0 aggregated-1 / nginx" {
		t.Errorf("order %s", got)
	}
	if slices.ContainsFunc(s.Env, func(kv string) bool { return strings.HasPrefix(kv, "DYN_") || strings.HasPrefix(kv, "VLLM_PORT") }) {
		t.Errorf("environment of another engine: %v", s.Env)
	}
}

// Dynamo's own workers: the discovery environment, the census and the counters are the same as for engine dynamo.
func TestCommandWorkersBehindAFrontend(t *testing.T) {
	const roles = `prefill: {workers: 2, engine_args: [--role, prefill, --bootstrap, "{port}"]}, decode: {tensor_parallel: 2, engine_args: [--role, decode]}`
	ours := textPlan(t, commandHead+roles+", discovery: {etcd: start, nats: start}, command: {argv: [python3, -m, dynamo.sglang]}}")
	theirs := textPlan(t, strings.Replace(strings.Replace(commandHead, "command", "dynamo", 1)+roles+"}", `, "{port}"`, "", 1))
	for _, name := range []string{"frontend", "prefill-0", "decode-0"} {
		a, b := service(t, ours, name), service(t, theirs, name)
		for _, variable := range []string{"DYN_NAMESPACE", "DYN_SYSTEM_PORT", "DYN_SYSTEM_HOST", "ETCD_ENDPOINTS", "NATS_SERVER",
			"DYN_DISCOVERY_BACKEND", "DYN_REQUEST_PLANE", "CUDA_VISIBLE_DEVICES", "VLLM_PORT", "VLLM_NIXL_SIDE_CHANNEL_PORT"} {
			if value(a, variable) != value(b, variable) {
				t.Errorf("%s has %s=%s, want %s", name, variable, value(a, variable), value(b, variable))
			}
		}
		if diff := cmp.Diff(b.Gate, a.Gate); diff != "" {
			t.Errorf("gate of %s: %s", name, diff)
		}
	}
	if diff := cmp.Diff(theirs.Smoke.Counters, ours.Smoke.Counters); diff != "" || len(ours.Smoke.Transfers) != 1 {
		t.Errorf("transfers %v, counters %s", ours.Smoke.Transfers, diff)
	}
	for name, want := range map[string]string{"prefill-0": "python3 -m dynamo.sglang --role prefill --bootstrap 23010",
		"prefill-1": "python3 -m dynamo.sglang --role prefill --bootstrap 23011", "decode-0": "python3 -m dynamo.sglang --role decode"} {
		s := service(t, ours, name)
		if got := strings.Join(s.Argv, " "); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		own := slices.ContainsFunc(s.Ports, func(p Port) bool { return p.Use == "own" })
		if own != strings.HasPrefix(name, "prefill") {
			t.Errorf("%s: ports %v", name, s.Ports)
		}
	}
	if got := ours.Deployment.Settings["engine"]; got != "dynamo.sglang of unknown version" || ours.GPUs != 4 {
		t.Errorf("engine %s on %d GPUs", got, ours.GPUs)
	}
}

// Two servers of one interpreter are two engines, and arguments of unknown meaning are compared as they are.
func TestSettingsOfACommand(t *testing.T) {
	settings := textPlan(t, commandHead+"aggregated: {engine_args: [--own]}, engine_args: [--all], "+
		"command: {argv: [/opt/python3.12, /x/serve.py, '{port}', --dtype, auto]}}").Deployment.Settings
	for name, want := range map[string]string{"engine": "serve.py of unknown version", "dtype": "auto", "block-size": "unknown",
		"command": "/opt/python3.12 /x/serve.py {port} --dtype auto --all"} {
		if settings[name] != want {
			t.Errorf("%s is %q, want %q", name, settings[name], want)
		}
	}
	for name, argv := range map[string][]string{"sglang.launch_server": {"python3", "-m", "sglang.launch_server"},
		"serve": {"/bin/serve", "-m", "x"}, "python": {"python"}} {
		if got := commandName(argv); got != name {
			t.Errorf("%v is %s, want %s", argv, got, name)
		}
	}
}

func TestDeviationsOfACommand(t *testing.T) {
	for text, want := range map[string]string{
		"aggregated: {}, command: {argv: [s, '{port}']}}":          "command loopback bookkeeping load-env artifact-dir quiet-load smoke",
		"prefill: {}, decode: {}, command: {argv: [s, '{port}']}}": "command loopback file-discovery zmq-events bookkeeping planes no-drain nixl-ports load-env artifact-dir quiet-load smoke",
	} {
		var ids []string
		for _, d := range textPlan(t, commandHead+text).Deviations {
			ids = append(ids, d.ID)
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

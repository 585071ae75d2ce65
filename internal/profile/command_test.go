package profile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const server = `command: {argv: [serve, "{model}", --port, "{port}"]}` + "\n"

func TestCommandHasDefaultsWhereItServesItself(t *testing.T) {
	p := mustParse(t, head("command")+"aggregated: {workers: 1}\n"+server)
	want := &Command{Argv: []string{"serve", "{model}", "--port", "{port}"}, Health: "/health", Models: "/v1/models", Metrics: "/metrics"}
	if diff := cmp.Diff(want, p.Command); diff != "" || p.Frontend != nil || p.Dynamo() || p.Discovery.Etcd != "none" {
		t.Errorf("frontend %v, discovery %v\n%s", p.Frontend, p.Discovery, diff)
	}
	const workers = `command: {argv: [python3, -m, dynamo.sglang]}` + "\n"
	for _, text := range []string{"prefill: {}\ndecode: {}\n", "aggregated: {}\nfrontend: {}\n"} {
		p := mustParse(t, head("command")+text+workers)
		if p.Frontend == nil || !p.Dynamo() || p.Command.Health != "" {
			t.Errorf("%s: frontend %v, %+v", text, p.Frontend, p.Command)
		}
	}
}

func TestLineReplacesThePlaceholders(t *testing.T) {
	p := mustParse(t, head("command")+"engine_args: ['-o={\"x\":1}', '--gpus={gpus}']\naggregated: {workers: 2, tensor_parallel: 2, pipeline_parallel: 2, port: 9000, engine_args: ['{log}{log}', '{host}', -tp]}\n"+
		server+"balancer: {}\n")
	want := []string{"serve", "m", "--port", "9001", `-o={"x":1}`, "--gpus=4", "/a/b.log/a/b.log", "10.0.0.5", "-tp"}
	if diff := cmp.Diff(want, p.Line(p.Aggregated[1], "10.0.0.5", 9001, "/a/b.log")); diff != "" {
		t.Error(diff)
	}
}

func TestTheProgramOfACommandIsAPathOrAName(t *testing.T) {
	for name, want := range map[string]string{"serve": "serve", "./serve": "/etc/profiles/serve", "bin/serve": "/etc/profiles/bin/serve",
		"${CACHE}/bin/x": "/home/someone/.cache/topobench/bin/x", "~/x": "/home/someone/x"} {
		p := mustParse(t, head("command")+"aggregated: {}\n"+strings.Replace(server, "[serve", "['"+name+"'", 1))
		if p.Command.Argv[0] != want {
			t.Errorf("%s: %s, want %s", name, p.Command.Argv[0], want)
		}
	}
}

func TestFaultsOfCommands(t *testing.T) {
	one := head("command") + "aggregated: {}\n"
	checkRows(t, []row{
		{"none", one, "1:1", words("engine command has no command")},
		{"of another engine", valid + server, "6:1", words("only engine command")},
		{"no program", one + "command: {argv: []}\n", "6:17 6:17", words("must begin with a program", "no argument has {port}")},
		{"an option for a program", one + "command: {argv: [--port, '{port}']}\n", "6:17", words("must begin with a program")},
		{"no port", one + "command: {argv: [serve]}\n", "6:17", words("no argument has {port}")},
		{"a slip", one + `command: {argv: [serve, "--p={port}", "{moddel}", "{other}"]}` + "\n", "6:39", words(`"{moddel}" is not replaced: did you mean {model}?`)},
		{"a slip of a worker", head("command") + "aggregated: {engine_args: ['{gpu}']}\n" + server, "5:28", words("did you mean {gpus}?")},
		{"a blank", one + `command: {argv: [serve, "--port {port}"]}` + "\n", "6:25", words("--port and its value are one item")},
		{"a secret", one + `command: {argv: [serve, "--port={port}", --key=sk-abc]}` + "\n", "6:42", words("looks like a secret")},
		{"paths and metrics", one + `command: {argv: [serve, "{port}"], health: ready, models: "/a b", requests: "a b"}` + "\n", "6:44 6:59 6:77",
			words("command.health must be a path", "command.models", "command.requests must be the name of a metric")},
		{"pages behind a frontend", one + "frontend: {}\ncommand: {argv: [serve], health: /h, requests: n}\n", "7:26 7:38", words("remove command.health", "remove command.requests")},
		{"a balancer and a frontend", head("command") + "aggregated: {port: 9}\nfrontend: {}\nbalancer: {port: 7}\n" + server, "6:11", words("exclude each other")},
		{"several servers without a balancer", head("command") + "aggregated: {workers: 2}\n" + server, "1:1", words("engine command need a balancer")},
		{"a port behind a frontend", head("command") + "aggregated: {port: 9}\nfrontend: {}\n" + `command: {argv: [serve]}` + "\n", "5:20", words("behind a frontend")},
		{"discovery without Dynamo", one + server + "discovery: {etcd: start}\n", "7:19", words("engine command has no discovery")},
		{"python without Dynamo", one + server + "python: /bin/python\n", "7:1", words("Dynamo's frontend only")},
	})
}

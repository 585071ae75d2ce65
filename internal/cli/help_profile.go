package cli

import (
	"fmt"
	"strings"

	"topobench/internal/plan"
	"topobench/internal/profile"
	"topobench/internal/programs"
	"topobench/internal/text"
	"topobench/profiles"
)

// exampleProfile is the built-in profile at the top of the page.
const exampleProfile = "disagg-1node"

func profilePage(p *page) {
	p.heading("Example: topobench profiles " + exampleProfile)
	if example, err := profiles.Read(exampleProfile); err == nil { // built in: it is always there
		for line := range strings.Lines(string(example)) {
			code, _, _ := strings.Cut(line, "  #")
			p.add(strings.TrimRight(code, " \n"))
		}
	}
	p.heading("Keys")
	for _, key := range profile.Keys() {
		description := key.Type
		if key.Default != "" {
			description += ", default " + key.Default
		}
		if key.Help != "" {
			description += ": " + key.Help
		}
		p.item(27, strings.Repeat("  ", key.Depth)+key.Name, description)
	}
	p.heading("Notes")
	for _, note := range profileNotes() {
		p.point(note)
	}
}

func profileNotes() []string {
	tools := text.Each(programs.Tools(), programs.Tool.Variable)
	return []string{
		"Every fault is reported at once, with line and column, and nothing is started. A key that is unknown, " +
			"given twice or empty is a fault.",
		"prefill, decode and aggregated have the same keys for each worker. " +
			"A worker has tensor_parallel x pipeline_parallel x data_parallel GPUs.",
		"prefill: {workers: 4, tensor_parallel: 1} is the short form of a list of four equal workers, likewise for " +
			"decode and aggregated. They get the lowest GPUs that no other worker of their machine names, in the " +
			"order prefill, decode, aggregated, and ports that count up from port.",
		"--set KEY=VALUE of run, plan and up sets a key in every profile, --set PROFILE:KEY=VALUE in the one " +
			"with that file or name: --set load.osl=300, --set 'decode={workers: 1, tensor_parallel: 2}', " +
			"--set prefill[0].port=8001 or prefill.0.port. decode.KEY is that key of every decode worker. The value " +
			"is YAML.",
		"All profiles of one run need the same load; --model, --isl, --osl and --concurrency set it for all of them.",
		"An aggregated mocker with a port has a frontend of its own there. GPUs of a mocker are counted for the " +
			"chart, neither exported nor checked.",
		"Engine command runs any server with an OpenAI-compatible API: command.argv, then engine_args, with {host} " +
			"replaced by the address to listen on, {port} by the worker's port, {model} by the key model, {gpus} by " +
			"the number of its GPUs, {log} by the path of its log. The server must listen on {host}, which is " +
			"127.0.0.1 on this machine, and serve /v1/chat/completions under " +
			"served_name, or the model if that is absent. Behind a frontend, and in prefill and decode, the " +
			"command is a worker of Dynamo, such as python3 -m dynamo.sglang: topobench sets its discovery, " +
			"and {port} is a further port.",
		"In env the value ${ENV:NAME} is the caller's variable NAME, so that the file holds no secret.",
		fmt.Sprintf("The default of port_base is %d. Two runs at the same time need two bases: otherwise the "+
			"later one ends with exit code %d.", plan.DefaultPortBase, codeBusy),
		fmt.Sprintf("timeouts.graces of balancer, etcd and nats have the default %v, the others that of "+
			"timeouts.grace.", plan.ShortGrace),
		"topobench searches a program in this order: flag, profile, " + strings.Join(tools, ", ") + ", then PATH " +
			"and the tool cache for the engines of GPUs (vllm, dynamo, command), the cache and PATH for all else. A " +
			"program that no flag, profile or variable names is passed over if it does not run or lacks a package " +
			"that the engine needs. plan prints the result.",
		"A vllm that is a shell script, a shim of pyenv or a call of conda is followed to the Python that runs it. " +
			"If that fails its version is unknown, and each worker downloads the model itself.",
		"topobench probes the versions of programs and keeps them in probes.json in the cache until pip changes " +
			"something there. It plans for the newest version if one is unknown, and reports that.",
		"aiperf's interpreter loads the tokenizer once before anything starts. --trust-remote-code in engine_args " +
			"lets aiperf run the tokenizer's own Python too. --download-dir, --revision and --load-format there " +
			"decide which files of a model are downloaded, and to which directory; with VLLM_USE_MODELSCOPE none are.",
		"A host that has neither transport nor address is a place: --hosts NAME=[USER@]ADDRESS,... fills it with a " +
			"machine that ssh reaches, else the nodes of the Slurm allocation fill such hosts in the order of their " +
			"names. transport: slurm is filled by the allocation only, and node: NAME chooses a node. A name of a " +
			"machine is resolved: servers bind the address, and ssh is given the name. In env of a host ${ENV:NAME} " +
			"is the variable NAME of the login there.",
		"Over hosts each server binds its host's address. With listen: 0.0.0.0 the servers of a host bind all of its " +
			"addresses; Dynamo without NATS and KV events of vLLM require that. etcd and NATS run on the host of the " +
			"frontend or balancer. NO_PROXY of all children begins with the addresses of the hosts.",
		"On one machine everything listens on 127.0.0.1, with two exceptions. Dynamo's ZMQ event plane binds random " +
			"ports on all addresses; with nats given, events go through NATS. NIXL (UCX) listens on the addresses of " +
			"the machine; UCX_NET_DEVICES: lo in env keeps it on loopback, and off the network cards between GPUs.",
	}
}

package cli

import (
	"fmt"
	"strings"

	"topobench/internal/host/agent"
	"topobench/internal/host/slurm"
	"topobench/internal/host/ssh"
	"topobench/internal/profile"
)

// hostsPage explains topologies over several machines.
func hostsPage(p *page) {
	p.heading("A topology over two nodes")
	p.text("topobench and aiperf run on one machine. A worker, frontend or balancer with the key host runs on the " +
		"machine of that name, and etcd and NATS beside the frontend or balancer. The built-in profiles " +
		twoNodes() + " have the hosts node0 and node1 without an address: the command line or a Slurm allocation " +
		"gives it.")
	p.text("By ssh, as the current user or as USER; ssh USER@10.0.0.6 true must work without a question:")
	p.add("    topobench doctor disagg-2node --hosts node0=10.0.0.5,node1=USER@10.0.0.6",
		"    topobench run disagg-2node --hosts node0=10.0.0.5,node1=USER@10.0.0.6")
	p.text("Under Slurm, in an allocation, whose nodes become node0, node1 and so on in their order:")
	p.add("    "+slurm.Salloc(2), "    topobench run disagg-2node agg-2node")
	p.text("Each host needs the programs of its part (topobench help environment names their variables, which its " +
		"login may set), and the model. The address of a host must be one that the other hosts reach. Every port is " +
		"probed from every other host before an engine starts: a firewall is reported within seconds.")

	p.heading("Keys of a host (hosts: NAME:)")
	for _, key := range hostKeys() {
		p.item(14, key.Name, key.Type+": "+key.Help)
	}

	p.heading("The agent")
	for _, fact := range agentFacts() {
		p.point(fact)
	}

	p.heading("After a lost connection")
	for _, fact := range lossFacts() {
		p.point(fact)
	}

	for _, table := range hostMessages() {
		p.heading("Messages of " + table.of)
		for _, m := range table.messages {
			p.item(4, "", address(m.Means)+".")
			p.item(8, "", address(m.Next)+".")
		}
	}
	p.heading("Never run")
	for _, limit := range hostLimits() {
		p.point(limit)
	}
}

// twoNodes are the built-in profiles over two machines.
func twoNodes() string {
	return "disagg-2node, agg-2node, llama70b-disagg-2node, demo-disagg-2node and demo-agg-2node (no GPU)"
}

// hostKeys are the keys of one host in a profile.
func hostKeys() (keys []profile.Key) {
	within := false
	for _, key := range profile.Keys() {
		switch {
		case key.Depth == 0:
			within = key.Name == "hosts"
		case within && key.Depth == 1:
			keys = append(keys, key)
		}
	}
	return keys
}

// address is a message of a table for any host.
func address(text string) string { return strings.ReplaceAll(text, "ADDRESS", "the host") }

// hostMessages are the messages that topobench recognises, by the program that prints them.
func hostMessages() []struct {
	of       string
	messages []agent.Message
} {
	return []struct {
		of       string
		messages []agent.Message
	}{{"ssh", ssh.Messages()}, {"Slurm", slurm.Messages()}, {"the host", agent.Messages()}}
}

func agentFacts() []string {
	return []string{
		"topobench connects to each host once, before its checks, by the system's own ssh (your configuration, keys " +
			"and jump hosts; no password) or by srun --overlap. At the other end the same binary runs as an agent, " +
			"until the command ends. No daemon stays.",
		"The binary copies itself to a host that does not have it: to topobench below XDG_CACHE_HOME or ~/.cache, " +
			"else to TMPDIR or /tmp, under its checksum. Both machines need the same processor architecture.",
		fmt.Sprintf("The agent lives as long as its stdin, and as the signs of life on it, one each 5 s in both "+
			"directions. After --orphan-grace (%v, at least %v) without one, it ends everything on its machine, "+
			"proves that, and ends.", agent.DefaultGrace, leastGrace),
		"Shepherds, ledger, cookie and teardown checks work on each host as on this machine (topobench help " +
			"teardown). The directories of services are in the agent's private directory there; their logs are " +
			"copied into the launch when it ends.",
		"Teardown and proof run on all hosts at the same time. The journal has the times of this machine, and the " +
			"offset of each host's clock.",
	}
}

func lossFacts() []string {
	return []string{
		fmt.Sprintf("A pause shorter than --orphan-grace changes nothing. A longer one ends the launch: topobench "+
			"connects again, within the grace and %v more, ends what the lost agent has left, and proves it. Then "+
			"the run goes on as after the death of a service.", recoverAfter),
		fmt.Sprintf("If a host stays out of reach, the run is DIRTY (exit code %d). It names the host and the command "+
			"that cleans it: topobench clean --host NAME=USER@ADDRESS, or --host NAME for a host in the journals "+
			"below --artifacts-root-dir. No further topology starts.", codeDirty),
		"Under Slurm a stop is a signal to the job step (scancel --signal). The end of the job ends everything in it.",
	}
}

// hostLimits are what no test has run.
func hostLimits() []string {
	return []string{
		"GPUs over several hosts: the tests have mockers, and real engines on the CPU.",
		"RDMA between hosts.",
		"Containers of pyxis (srun --container-image).",
		"One engine over two hosts (a worker whose GPUs are on both).",
	}
}

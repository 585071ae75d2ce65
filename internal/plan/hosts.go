package plan

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"topobench/internal/profile"
	"topobench/internal/text"
)

const loopback = "127.0.0.1"

// at is host:port of a server.
func at(bind string, port int) string { return net.JoinHostPort(bind, strconv.Itoa(port)) }

// far reports whether a host is reached over a network, even if its address is this machine's.
func (b *builder) far(host string) bool {
	h, known := b.p.Hosts[host]
	return known && h.Transport != profile.Local
}

// address is where others reach the servers on a host: loopback on this machine, else the host's own address.
func (b *builder) address(host string) string {
	if !b.far(host) {
		return loopback
	}
	return b.p.Hosts[host].Address
}

// bind is the address that the servers on a host listen on.
func (b *builder) bind(host string) string {
	if !b.far(host) {
		return loopback
	}
	return cmp.Or(b.p.Hosts[host].Listen, b.address(host))
}

// on is what is installed on a host. Without probes it is what this machine has, with the host's own Python.
func (b *builder) on(host string) Installation {
	here := b.here
	if !b.far(host) {
		return here
	}
	there, probed := here.Hosts[host]
	if !probed {
		there = here
		there.Programs.Python = cmp.Or(b.p.Hosts[host].Python, here.Programs.Python)
	}
	return there
}

// center is the host of the frontend or balancer, with etcd and NATS beside it.
func (b *builder) center() string {
	switch {
	case b.p.Frontend != nil:
		return b.p.Frontend.Host
	case b.p.Balancer != nil:
		return b.p.Balancer.Host
	}
	return ""
}

// hosts are those of the plan, in order of start; none if all is on this machine.
func (b *builder) hosts() []Host {
	var names []string
	if b.p.Frontend != nil {
		names = append(names, b.p.Frontend.Host)
	}
	for _, w := range slices.Concat(b.p.Prefill, b.p.Decode, b.p.Aggregated) {
		names = append(names, w.Host)
	}
	if b.p.Balancer != nil {
		names = append(names, b.p.Balancer.Host)
	}
	var hosts []Host
	for _, name := range text.Distinct(names) {
		if !b.far(name) {
			continue
		}
		h, on := b.p.Hosts[name], b.here.Hosts[name]
		hosts = append(hosts, Host{Name: name, Address: h.Address, Transport: h.Transport, Node: h.Node, User: h.User,
			Dirs: ownDirs(), Inherit: on.Inherit, Dropped: on.Dropped})
	}
	return hosts
}

// ownDirs are the directories that each machine of a launch has.
func ownDirs() []string {
	dir := Unplaced().Dir
	return []string{dir, filepath.Join(dir, "logs")}
}

// dirs adds directories of a host.
func (b *builder) dirs(host string, dirs ...string) {
	all := &b.plan.Dirs
	for i := range b.plan.Hosts {
		if b.plan.Hosts[i].Name == host {
			all = &b.plan.Hosts[i].Dirs
		}
	}
	for _, dir := range dirs {
		if !slices.Contains(*all, dir) {
			*all = append(*all, dir)
		}
	}
}

// file adds a file of a host.
func (b *builder) file(host, path, text string) {
	if !b.far(host) {
		host = ""
	}
	b.plan.Files = append(b.plan.Files, File{Host: host, Path: path, Text: text})
}

// networkEnv keeps requests between hosts off the caller's proxy. A program reads one of the two names.
func (b *builder) networkEnv() []string {
	if len(b.plan.Hosts) == 0 {
		return nil
	}
	all := strings.Join(text.Each(b.plan.Hosts, func(h Host) string { return h.Address }), ",")
	return text.Each(noProxy(), func(name string) string { return name + "=" + all + ",${ENV:" + name + "}" })
}

func noProxy() []string { return []string{"NO_PROXY", "no_proxy"} }

// requestPorts fix the ports between Dynamo's processes on several hosts, which Dynamo would choose at random: only a
// known port can be probed from the other hosts before the engines start.
func (b *builder) requestPorts(host string, worker bool) (env []string, ports []Port) {
	if !b.far(host) || !b.plan.Choices.Planes {
		return nil, nil
	}
	n := b.processes
	b.processes++
	stream := portBase(b.p) + offsetStream + n
	env = []string{"DYN_TCP_RESPONSE_STREAM_PORT=" + strconv.Itoa(stream)}
	ports = []Port{{Use: "responses", Number: stream}}
	if worker {
		rpc := portBase(b.p) + offsetRPC + n
		env = append(env, "DYN_TCP_RPC_PORT="+strconv.Itoa(rpc))
		ports = append(ports, Port{Use: "requests", Number: rpc})
	}
	return env, ports
}

// checkHosts finds services that the others, or aiperf, could not reach.
func (b *builder) checkHosts() {
	if len(b.plan.Hosts) == 0 {
		return
	}
	for _, s := range b.plan.Services {
		if s.Host == "" {
			b.fault("%s is on this machine, which the other hosts cannot reach: "+
				"give it host: NAME, with an address under hosts", s.Name)
		}
		if slices.ContainsFunc(s.Ports, func(p Port) bool { return p.Use == "kv events" }) {
			b.everyAddress(s.Host, fmt.Sprintf("vLLM binds the KV events of %s to every address", s.Name), "")
		}
	}
	b.checkLoopback()
	b.checkCommand()
	// A frontend of its own finds a worker on its own host.
	if len(b.plan.Hosts) > 1 && b.plan.Choices.Etcd == Absent && b.p.Frontend != nil {
		b.fault("workers on several hosts cannot find each other by files: set discovery: {etcd: start}")
	}
	if b.p.Dynamo() && b.plan.Choices.NATS == Absent {
		for _, h := range b.plan.Hosts {
			b.everyAddress(h.Name, "without NATS Dynamo's events go over random ports of every address",
				"set discovery: {nats: start}, or ")
		}
	}
}

// everyAddress refuses servers that bind every address of a host, unless the profile does.
func (b *builder) everyAddress(host, what, or string) {
	if !b.bindsAll(host) {
		b.fault("%s of %s, and none of them authenticates its clients: %sset listen: 0.0.0.0 for that host",
			what, host, or)
	}
}

// bindsAll reports whether the profile has the servers of a host listen on every address.
func (b *builder) bindsAll(host string) bool {
	ip, err := netip.ParseAddr(b.bind(host))
	return err == nil && ip.IsUnspecified()
}

// checkLoopback refuses a loopback address beside others: from another machine it leads nowhere.
func (b *builder) checkLoopback() {
	var near, far []string
	for _, h := range b.plan.Hosts {
		place := h.Name + " (" + h.Address + ")"
		if ip, err := netip.ParseAddr(h.Address); err == nil && ip.IsLoopback() {
			near = append(near, place)
		} else {
			far = append(far, place)
		}
	}
	if len(near) > 0 && len(far) > 0 {
		b.fault("%s cannot be reached from %s: give it an address of the network between them",
			strings.Join(near, ", "), strings.Join(far, ", "))
	}
}

package plan

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"topobench/internal/text"
)

const loopback = "127.0.0.1"

// at is host:port of a server.
func at(bind string, port int) string { return net.JoinHostPort(bind, strconv.Itoa(port)) }

// bind is the address that the servers on a host listen on: loopback on this machine,
// else the host's own, without the user of user@address.
func (b *builder) bind(host string) string {
	h, known := b.p.Hosts[host]
	if !known || h.Transport == "local" {
		return loopback
	}
	return h.Address[strings.LastIndex(h.Address, "@")+1:]
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
	if !slices.ContainsFunc(names, func(name string) bool { return b.bind(name) != loopback }) {
		return nil
	}
	var hosts []Host
	for _, name := range text.Distinct(names) {
		hosts = append(hosts, Host{Name: name, Address: b.bind(name)})
	}
	return hosts
}

// checkHosts finds services that the others, or aiperf, could not reach.
func (b *builder) checkHosts() {
	if len(b.plan.Hosts) == 0 {
		return
	}
	for _, s := range b.plan.Services {
		if b.bind(s.Host) == loopback {
			b.fault("%s is on this machine, which the other hosts cannot reach: "+
				"give it host: NAME, with an address under hosts", s.Name)
		}
	}
	if len(b.plan.Hosts) > 1 && b.plan.Choices.Etcd == Absent && b.p.Dynamo() {
		b.fault("workers on several hosts cannot find each other by files: set discovery: {etcd: start}")
	}
}

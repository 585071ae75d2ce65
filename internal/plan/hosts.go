package plan

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
)

const loopback = "127.0.0.1"

// at is host:port of a server.
func at(bind string, port int) string { return net.JoinHostPort(bind, strconv.Itoa(port)) }

// bind is the address that the servers on a host listen on: loopback here, the
// host's own elsewhere. What ssh is given may name a user: user@address.
func (d *draft) bind(host string) string {
	h, known := d.p.Hosts[host]
	if !known || h.Transport == "local" {
		return loopback
	}
	return h.Address[strings.LastIndex(h.Address, "@")+1:]
}

// center is the host that everything meets on, which has etcd and NATS.
func (d *draft) center() string {
	switch {
	case d.p.Frontend != nil:
		return d.p.Frontend.Host
	case d.p.Balancer != nil:
		return d.p.Balancer.Host
	}
	return ""
}

// remote reports whether anything runs elsewhere than on this machine.
func (d *draft) remote() bool {
	names := []string{d.center()}
	for _, g := range d.groups() {
		for _, w := range g.workers {
			names = append(names, w.Host)
		}
	}
	return slices.ContainsFunc(names, func(name string) bool { return d.bind(name) != loopback })
}

// hosts are those of the services, in order of start.
func (d *draft) hosts() []Host {
	if !d.remote() {
		return nil
	}
	var hosts []Host
	for _, name := range hostsOf(d.plan.Services) {
		hosts = append(hosts, Host{Name: name, Address: d.bind(name)})
	}
	return hosts
}

func hostsOf(services []Service) []string {
	var names []string
	for _, s := range services {
		names = append(names, s.Host)
	}
	return distinct(names)
}

func portsOn(services []Service, host string) []Port {
	var ports []Port
	for _, s := range services {
		if s.Host == host {
			ports = append(ports, s.Ports...)
		}
	}
	return ports
}

// unreachable finds services that the others, or aiperf, could not reach.
func (d *draft) unreachable() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("%s: "+format, append([]any{d.p.Source}, args...)...))
	}
	if d.p.Load.Spread && !d.rules.manyURLs {
		fault("aiperf %s takes one --url, so load.spread cannot be had (several came with 0.7): use a balancer", d.plan.Versions.AIPerf)
	}
	if len(d.plan.Hosts) == 0 {
		return errors.Join(faults...)
	}
	for _, s := range d.plan.Services {
		if d.bind(s.Host) == loopback {
			fault("%s is on this machine, which the other hosts cannot reach: give it host: NAME, with an address under hosts", s.Name)
		}
	}
	if len(d.plan.Hosts) > 1 && slices.Contains(d.discoveryEnv, "DYN_DISCOVERY_BACKEND=file") && d.p.Engine != "vllm" {
		fault("workers on several hosts cannot find each other by files: set discovery: {etcd: start}")
	}
	return errors.Join(faults...)
}

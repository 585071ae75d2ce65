package plan

import (
	"cmp"
	"fmt"
	"strings"

	"topobench/internal/profile"
)

// Offsets from port_base. Everything stays below 32768, where the ephemeral
// range of Linux begins, and DYN_SYSTEM_PORT is a signed 16-bit number upstream.
const (
	offsetEtcd     = 1 // client, then peer
	offsetNATS     = 3 // client, then monitor
	offsetFrontend = 10
	offsetSystem   = 100  // one a worker
	offsetNIXL     = 200  // stride max(tp x pp, dp) a worker
	offsetEvents   = 400  // KV events, stride dp a worker
	offsetRPC      = 500  // requests between Dynamo's processes on several hosts, one a process
	offsetStream   = 600  // the answers to them, likewise
	offsetInternal = 1000 // VLLM_PORT, 50 a worker

	internalStride = 50
	highestPort    = 32767
)

// DefaultPortBase is the port_base of a profile that has none.
const DefaultPortBase = 23000

// portBase is the profile's, or the default.
func portBase(p profile.Profile) int { return cmp.Or(p.PortBase, DefaultPortBase) }

// checkPorts finds ports that two services of a host share, and a port_base that is too high for the workers.
func (b *builder) checkPorts() {
	type place struct {
		address string
		number  int
	}
	owner, highest := map[place]Port{}, Port{}
	for _, s := range b.plan.Services {
		for _, port := range s.Ports {
			at := place{b.address(s.Host), port.Number}
			if port.Number > highest.Number {
				highest = port
			}
			if other, taken := owner[at]; taken {
				b.fault("port %d is used twice: by %s of %s, and by %s of %s: "+
					"choose another port, or another port_base",
					port.Number, other.Use, other.Service, port.Use, port.Service)
			}
			owner[at] = port
		}
	}
	if above := highest.Number - highestPort; above > 0 {
		b.fault("port_base %d is too high for %d workers: port %d for %s of %s would be above %d, in the range "+
			"that the kernel gives to clients: %d and lower ones work", portBase(b.p), b.workers,
			highest.Number, highest.Use, highest.Service, highestPort, portBase(b.p)-above)
	}
}

// Ephemeral is the range of ports, both ends included, that a kernel gives to clients
// (net.ipv4.ip_local_port_range). The zero value is empty.
type Ephemeral struct{ Low, High int }

// Warning names the ports of a plan, on this machine, that the kernel may give to a client
// before the service takes them; "" = none.
func (e Ephemeral) Warning(p Plan) string {
	var within []string
	for _, s := range p.Services {
		for _, port := range s.Ports {
			if s.Host == "" && e.Low <= port.Number && port.Number <= e.High {
				within = append(within, fmt.Sprintf("%d (%s of %s)", port.Number, port.Use, port.Service))
			}
		}
	}
	if len(within) == 0 {
		return ""
	}
	return fmt.Sprintf("%s: the kernel gives ports from %d to %d (net.ipv4.ip_local_port_range) to clients, "+
		"which may take one of these first: choose others (port_base, frontend.port, balancer.port, port)",
		strings.Join(within, ", "), e.Low, e.High)
}

// checkVersions finds what the profile requires and the versions lack.
func (b *builder) checkVersions() {
	if b.p.Load.Spread && !b.rules.multiURL {
		b.fault("aiperf %s takes one --url, so load.spread is not possible (0.7 and newer take several): "+
			"use a balancer", b.plan.Versions.AIPerf)
	}
	if !b.p.Dynamo() {
		return
	}
	version, mocker := b.plan.Versions.Dynamo, b.p.Engine == "mocker"
	if !b.rules.fileDiscovery && b.plan.Choices.Etcd == Absent {
		b.fault("Dynamo %s cannot do without etcd: set discovery: {etcd: start}", version)
	}
	if (!b.rules.fileDiscovery || mocker && b.rules.mockerNATS) && b.plan.Choices.NATS == Absent {
		b.fault("Dynamo %s cannot do without nats: set discovery: {nats: start}", version)
	}
	if mocker && !b.rules.mockerRoles && b.plan.Mode == "disaggregated" {
		b.fault("the mocker of Dynamo %s has no prefill and decode roles, only aggregated", version)
	}
	if mocker && !b.rules.mockerName && b.plan.Model != b.p.Model {
		b.fault("Dynamo %s serves a model under its path only: leave out served_name %s", version, b.plan.Model)
	}
}

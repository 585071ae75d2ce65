package plan

import (
	"errors"
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
	offsetNIXL     = 200  // stride max(tp, dp) a worker
	offsetEvents   = 400  // KV events, stride dp a worker
	offsetInternal = 1000 // VLLM_PORT, 50 a worker

	internalStride = 50
	highestPort    = 32767
)

// DefaultPortBase is the port_base of a profile that has none.
const DefaultPortBase = 23000

// portBase is the profile's, or the default.
func portBase(p profile.Profile) int {
	if p.PortBase != 0 {
		return p.PortBase
	}
	return DefaultPortBase
}

// checkPorts finds ports that two services share or that are too high.
func checkPorts(p profile.Profile, services []Service) error {
	var faults []error
	for _, host := range hostsOf(services) {
		faults = append(faults, checkHostPorts(p, portsOn(services, host)))
	}
	return errors.Join(faults...)
}

func checkHostPorts(p profile.Profile, ports []Port) error {
	var faults []error
	owner := map[int]Port{}
	for _, port := range ports {
		if port.Number > highestPort {
			faults = append(faults, fmt.Errorf("%s: port %d for %s of %s is above %d, in the range that the kernel "+
				"gives to clients: choose a lower one, or a lower port_base than %d",
				p.Source, port.Number, port.Use, port.Service, highestPort, portBase(p)))
		}
		if other, taken := owner[port.Number]; taken {
			faults = append(faults, fmt.Errorf("%s: port %d is used twice: by %s of %s, and by %s of %s: "+
				"choose another port, or another port_base",
				p.Source, port.Number, other.Use, other.Service, port.Use, port.Service))
		}
		owner[port.Number] = port
	}
	return errors.Join(faults...)
}

// Ephemeral is the range of ports, both ends included, that a kernel gives to clients
// (net.ipv4.ip_local_port_range). The zero value is empty.
type Ephemeral struct{ Low, High int }

// Warning names the ports of a plan, on this machine, that the kernel may give to a client
// before the service takes them; "" = none.
func (e Ephemeral) Warning(p Plan) string {
	var within []string
	for _, port := range portsOn(p.Services, "") {
		if e.Low <= port.Number && port.Number <= e.High {
			within = append(within, fmt.Sprintf("%d (%s of %s)", port.Number, port.Use, port.Service))
		}
	}
	if len(within) == 0 {
		return ""
	}
	return fmt.Sprintf("%s: the kernel gives ports from %d to %d (net.ipv4.ip_local_port_range) to clients, "+
		"which may take one of these first: choose others (port_base, frontend.port, balancer.port, port)",
		strings.Join(within, ", "), e.Low, e.High)
}

// unsupported finds what the profile requires and the versions lack.
func (b *builder) unsupported() error {
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("%s: "+format, append([]any{b.p.Source}, args...)...))
	}
	version := b.plan.Versions.Dynamo
	if b.p.Engine == "vllm" {
		return nil
	}
	mocker := b.p.Engine == "mocker"
	if !b.rules.fileDiscovery && b.plan.Choices.Etcd == Absent {
		fault("Dynamo %s cannot do without etcd: set discovery: {etcd: start}", version)
	}
	if (!b.rules.fileDiscovery || mocker && b.rules.mockerNATS) && b.plan.Choices.NATS == Absent {
		fault("Dynamo %s cannot do without nats: set discovery: {nats: start}", version)
	}
	if mocker && !b.rules.mockerRoles && b.plan.Mode == "disaggregated" {
		fault("the mocker of Dynamo %s has no prefill and decode roles, only aggregated", version)
	}
	if mocker && !b.rules.mockerName && b.plan.Model != b.p.Model {
		fault("Dynamo %s serves a model under its path only: leave out served_name %s", version, b.plan.Model)
	}
	return errors.Join(faults...)
}

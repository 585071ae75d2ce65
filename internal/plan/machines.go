package plan

import (
	"slices"

	"topobench/internal/text"
)

// Names are the hosts with services, "" (this machine) first, the others in the order of Hosts.
func (p Plan) Names() []string {
	names := []string{}
	if slices.ContainsFunc(p.Services, func(s Service) bool { return s.Host == "" }) {
		names = append(names, "")
	}
	return append(names, text.Each(p.Hosts, func(h Host) string { return h.Name })...)
}

// PortsOn lists the ports of the plan on a host, in order of start.
func (p Plan) PortsOn(host string) []Port {
	var all []Port
	for _, s := range p.Services {
		if s.Host == host {
			all = append(all, s.Ports...)
		}
	}
	return all
}

// DirOn is the directory of the launch on a host.
func (p Plan) DirOn(host string) string {
	for _, other := range p.Hosts {
		if other.Name == host {
			return other.Dirs[0]
		}
	}
	return p.Dirs[0]
}

// HardwareOn is the GPUs of a host that the plan uses.
func (p Plan) HardwareOn(host string) Hardware {
	h := p.Hardware
	if host != "" {
		h.Devices = nil
	}
	for _, other := range p.Hosts {
		if other.Name == host {
			h.Devices = other.Devices
		}
	}
	return h
}

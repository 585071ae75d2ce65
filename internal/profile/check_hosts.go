package profile

import (
	"maps"
	"net/netip"
	"slices"
)

func checkHosts(p Profile) (found problems) {
	for _, name := range slices.Sorted(maps.Keys(p.Hosts)) {
		h, path := p.Hosts[name], join("hosts", name)
		if !namePattern.matches(name) {
			found.add(path+"#", "host %.80q: use a-z, 0-9, dot, underscore and dash", name)
			continue
		}
		checkPlace(&found, name, h)
		if h.Listen != "" {
			if _, err := netip.ParseAddr(h.Listen); err != nil {
				found.add(path+".listen", "listen of host %s must be an IP address, such as 0.0.0.0 for all of the "+
					"host's, not %.80q", name, h.Listen)
			}
		}
		if h.Python != "" && (p.Engine == "vllm" || p.Engine == "command" && !p.Dynamo()) {
			found.add(path+".python#", "engine %s does not run python: remove it", p.Engine)
		}
		checkEnv(&found, path+".env", h.Env)
	}
	for _, s := range p.servers() {
		if _, defined := p.Hosts[s.Host]; s.Host != "" && !defined {
			found.add(s.path+".host", "%s: host %.80q is not defined under hosts", s.name, s.Host)
		}
	}
	return found
}

// checkPlace checks how a host is reached. One with neither transport nor address is filled later.
func checkPlace(found *problems, name string, h Host) {
	path := join("hosts", name)
	switch {
	case h.Transport == "" && h.Address != "":
		found.add(path+".transport", "host %s has an address and no transport: add transport: ssh", name)
	case h.Transport == Local && (h.Address != "" || h.Listen != ""):
		found.add(path+".address", "host %s is local, so its servers are on 127.0.0.1: it has no address", name)
	case h.Transport == Slurm && h.Address != "":
		found.add(path+".address", "host %s is a node of the Slurm allocation, which has the address: remove it, or "+
			"choose a node with node: NAME", name)
	case h.Address != "":
		if why := CheckAddress(h.Address); why != "" {
			found.add(path+".address", "host %s: %s", name, why)
		}
	}
	if h.Node != "" && !addressPattern.matches(h.Node) {
		found.add(path+".node", "host %s: node %.80q is not the name of a machine", name, h.Node)
	}
	if h.User != "" && !userPattern.matches(h.User) {
		found.add(path+".user", "host %s: user %.80q is not the name of a user", name, h.User)
	}
}

// CheckAddress is why an address is not one that ssh and the servers of other hosts can take; "" = it is.
func CheckAddress(address string) string {
	ip, err := netip.ParseAddr(address)
	switch {
	case !addressPattern.matches(address):
		return "it needs an address such as 10.0.0.5 or node1, not " + shown(address)
	case err == nil && ip.IsUnspecified():
		return address + " is no address of a machine: give one that the others reach; its servers listen on all " +
			"addresses with listen: " + address
	}
	return ""
}

// CheckUser is why a user is not one of ssh; "" = it is.
func CheckUser(user string) string {
	if !userPattern.matches(user) {
		return shown(user) + " is not the name of a user"
	}
	return ""
}

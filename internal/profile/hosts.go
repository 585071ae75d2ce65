package profile

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Transports of a host.
const (
	Local = "local"
	SSH   = "ssh"
	Slurm = "slurm"

	transports = Local + "|" + SSH + "|" + Slurm // the tag of the key
)

// fillHosts splits USER@ADDRESS. A user in the key user stays, and the address is then a fault.
func (p *Profile) fillHosts() {
	for name, h := range p.Hosts {
		if user, address, found := strings.Cut(h.Address, "@"); found && h.User == "" {
			h.User, h.Address = user, address
			p.Hosts[name] = h
		}
	}
}

// Used are the names of the hosts that servers run on, sorted.
func (p Profile) Used() []string {
	names := map[string]bool{}
	for _, s := range p.servers() {
		if _, defined := p.Hosts[s.Host]; defined {
			names[s.Host] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// Unplaced are the names of hosts with servers that have no address yet, sorted.
func (p Profile) Unplaced() []string {
	return slices.DeleteFunc(p.Used(), func(name string) bool {
		return p.Hosts[name].Transport == Local || p.Hosts[name].Address != ""
	})
}

// WithHosts is p with the machines that were found for its hosts, by name. A user and node of the profile stay where
// the found machine has none and the profile names no other machine, as do Python, environment and listen.
func (p Profile) WithHosts(found map[string]Host) Profile {
	p.Hosts = maps.Clone(p.Hosts)
	for name, h := range p.Hosts {
		if at, is := found[name]; is {
			if h.Address == "" {
				at.Node, at.User = cmp.Or(at.Node, h.Node), cmp.Or(at.User, h.User)
			}
			h.Transport, h.Address, h.Node, h.User = at.Transport, at.Address, at.Node, at.User
			p.Hosts[name] = h
		}
	}
	return p
}

// Clashes are ports and GPUs that two servers share once their hosts have turned out to be one machine.
func (p Profile) Clashes() error {
	var faults []error
	for _, c := range slices.Concat(checkPorts(p), checkGPUs(p)) {
		faults = append(faults, fmt.Errorf("%s: %s", p.Source, strings.ReplaceAll(c.text, " ("+firstLine+")", "")))
	}
	return errors.Join(faults...)
}

// On is the part of p on a host, as that machine has it: its workers, the frontend and balancer if they are there, its
// Python and environment, and no other host. It may have no worker, or prefill without decode.
func (p Profile) On(host string) Profile {
	h := p.Hosts[host]
	there := func(name string) bool { return name == host || host == "" && p.Machine(name) == "" }
	for _, r := range p.roles() {
		var workers []Worker
		for _, w := range *r.workers {
			if there(w.Host) {
				w.Host = ""
				workers = append(workers, w)
			}
		}
		*r.workers = workers
	}
	if f := p.Frontend; f != nil && there(f.Host) {
		p.Frontend = &Frontend{Port: f.Port, Router: f.Router}
	} else {
		p.Frontend = nil
	}
	if b := p.Balancer; b != nil && there(b.Host) {
		p.Balancer = &Balancer{Port: b.Port, Config: b.Config}
	} else {
		p.Balancer = nil
	}
	p.Discovery = p.discoveryOn(p.Frontend != nil || p.Balancer != nil)
	p.Hosts, p.Env = nil, p.HostEnv(host)
	if h.Python != "" {
		p.Python = h.Python
	}
	return p
}

// discoveryOn leaves out servers that are started beside the frontend or balancer of another host.
func (p Profile) discoveryOn(center bool) Discovery {
	d := p.Discovery
	for _, server := range []*string{&d.Etcd, &d.NATS} {
		if *server == start && !center {
			*server = none
		}
	}
	return d
}

// HostEnv is the profile's env with that of a host over it.
func (p Profile) HostEnv(host string) map[string]string {
	own := p.Hosts[host].Env
	if len(own) == 0 {
		return p.Env
	}
	env := maps.Clone(p.Env)
	if env == nil {
		env = map[string]string{}
	}
	maps.Copy(env, own)
	return env
}

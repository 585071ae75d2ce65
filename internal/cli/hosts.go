package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"topobench/internal/host/slurm"
	"topobench/internal/profile"
	"topobench/internal/script"
	"topobench/internal/text"
)

// hostsFlag places the hosts of profiles.
type hostsFlag struct {
	Hosts machines `placeholder:"NAME=[USER@]ADDRESS,..." help:"Machines of the profiles' hosts, reached by ssh."`
}

// machines are hosts by name, as node0=10.0.0.5,node1=user@10.0.0.6.
type machines struct{ at map[string]profile.Host }

func (m *machines) UnmarshalText(words []byte) error {
	if m.at == nil {
		m.at = map[string]profile.Host{}
	}
	var faults []error
	for word := range strings.SplitSeq(string(words), ",") {
		name, address, found := strings.Cut(strings.TrimSpace(word), "=")
		h := profile.Host{Transport: profile.SSH, Address: address}
		if user, rest, has := strings.Cut(address, "@"); has {
			h.User, h.Address = user, rest
			faults = append(faults, faultOf(name, profile.CheckUser(user)))
		}
		_, twice := m.at[name]
		switch {
		case !found || name == "":
			faults = append(faults, fmt.Errorf("%q is not NAME=[USER@]ADDRESS", word))
			continue
		case twice:
			faults = append(faults, fmt.Errorf("%s is given twice", name))
		}
		faults = append(faults, faultOf(name, profile.CheckAddress(h.Address)))
		for _, other := range slices.Sorted(maps.Keys(m.at)) {
			if other != name && m.at[other].Address == h.Address {
				faults = append(faults, fmt.Errorf("%s and %s are one machine, %s: give each its own", other, name,
					h.Address))
			}
		}
		m.at[name] = h
	}
	return errors.Join(faults...)
}

// faultOf is a fault of a host in words, if there is one.
func faultOf(name, why string) error {
	if why == "" {
		return nil
	}
	return fmt.Errorf("%s: %s", name, why)
}

// place gives the hosts of profiles their machines: those of the flag, then the nodes of the Slurm allocation in the
// order of the hosts' names. The error has all hosts that are left without one, with the lines to type.
func (e *Env) place(ctx context.Context, profiles []profile.Profile, given map[string]profile.Host) error {
	faults := []error{e.unknown(profiles, given)}
	var without []profile.Profile
	for i := range profiles {
		p := profiles[i].WithHosts(given)
		if len(p.Unplaced()) > 0 {
			nodes, err := e.allocation(ctx)
			if err == nil && len(nodes) > 0 {
				p, err = onNodes(p, nodes)
			}
			faults = append(faults, err)
			if err == nil && len(p.Unplaced()) > 0 {
				without = append(without, p)
			}
		}
		var err error
		profiles[i], err = e.resolved(ctx, p)
		faults = append(faults, err, profiles[i].Clashes())
	}
	if len(without) > 0 {
		faults = append(faults, errors.New(e.linesToType(without)))
	}
	return joinUnique(faults...)
}

// unknown refuses names that no profile has.
func (e *Env) unknown(profiles []profile.Profile, given map[string]profile.Host) error {
	known := map[string]profile.Host{}
	for _, p := range profiles {
		maps.Copy(known, p.Hosts)
	}
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if _, is := known[name]; !is && len(known) == 0 {
			faults = append(faults, fmt.Errorf("--hosts %s=...: no profile of the command has hosts", name))
		} else if !is {
			faults = append(faults, fmt.Errorf("--hosts %s=...: no profile of the command has that host, but %s", name,
				strings.Join(slices.Sorted(maps.Keys(known)), ", ")))
		}
	}
	return errors.Join(faults...)
}

// allocation is the nodes of the Slurm job that the command runs in, in Slurm's order; none outside of a job.
func (e *Env) allocation(ctx context.Context) ([]profile.Host, error) {
	if e.Nodes == nil || e.Getenv("SLURM_JOB_ID") == "" {
		return nil, nil
	}
	return e.Nodes(ctx)
}

// onNodes puts the hosts of a profile that have no machine on nodes of an allocation: one with a node on that node, the
// others on the nodes that are left, in order. Hosts of ssh stay without.
func onNodes(p profile.Profile, nodes []profile.Host) (profile.Profile, error) {
	left, found := slices.Clone(nodes), map[string]profile.Host{}
	take := func(name string, at int) {
		found[name] = left[at]
		left = slices.Delete(left, at, at+1)
	}
	var faults []error
	var anywhere []string
	for _, name := range p.Unplaced() {
		node := p.Hosts[name].Node
		at := slices.IndexFunc(left, func(h profile.Host) bool { return h.Node == node })
		switch {
		case p.Hosts[name].Transport == profile.SSH:
		case node == "":
			anywhere = append(anywhere, name)
		case at < 0:
			faults = append(faults, fmt.Errorf("%s: host %s: the allocation has no node %s (that no other host has): "+
				"it has %s", p.Source, name, node, nodeNames(nodes)))
		default:
			take(name, at)
		}
	}
	if len(anywhere) > len(left) {
		need := len(anywhere) + len(found)
		return p, errors.Join(append(faults, fmt.Errorf("%s needs %d nodes, and the allocation has %s: %s",
			p.Source, need, nodeNames(nodes), slurm.Salloc(need)))...)
	}
	for _, name := range anywhere {
		take(name, 0)
	}
	return p.WithHosts(found), errors.Join(faults...)
}

func nodeNames(nodes []profile.Host) string {
	return strings.Join(text.Each(nodes, func(h profile.Host) string { return h.Node }), ", ")
}

// resolveWithin bounds how long a name of a machine may take to resolve.
const resolveWithin = 10 * time.Second

// resolved replaces names of machines by their IP addresses, which servers bind. ssh and srun keep the name.
func (e *Env) resolved(ctx context.Context, p profile.Profile) (profile.Profile, error) {
	ctx, cancel := context.WithTimeout(ctx, resolveWithin)
	defer cancel()
	var faults []error
	p.Hosts = maps.Clone(p.Hosts)
	for _, name := range p.Used() {
		h := p.Hosts[name]
		if _, err := netip.ParseAddr(h.Address); err == nil || h.Address == "" {
			continue
		}
		addresses, err := e.lookup(ctx, h.Address)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: host %s: cannot resolve %s: %w\n  give its IP address; "+
				"a name that only ssh's configuration has goes under hosts: {%[2]s: {node: %[3]s}}",
				p.Source, name, h.Address, err))
			continue
		}
		h.Node, h.Address = cmp.Or(h.Node, h.Address), preferred(addresses)
		p.Hosts[name] = h
	}
	return p, errors.Join(faults...)
}

func (e *Env) lookup(ctx context.Context, name string) ([]string, error) {
	if e.Lookup != nil {
		return e.Lookup(ctx, name)
	}
	return net.DefaultResolver.LookupHost(ctx, name)
}

// preferred is the first IPv4 address, else the first of all.
func preferred(addresses []string) string {
	for _, a := range addresses {
		if ip, err := netip.ParseAddr(a); err == nil && ip.Is4() {
			return a
		}
	}
	return addresses[0]
}

// linesToType are the commands with which hosts without a machine get one.
func (e *Env) linesToType(profiles []profile.Profile) string {
	var hosts, names []string
	nodes, gpus, bySSH, bySlurm := 0, 0, false, false
	for _, p := range profiles {
		left := p.Unplaced()
		names, hosts, nodes = append(names, p.Name), append(hosts, left...), max(nodes, len(left))
		for _, name := range left {
			bySSH = bySSH || p.Hosts[name].Transport != profile.Slurm
			bySlurm = bySlurm || p.Hosts[name].Transport != profile.SSH
			if p.Engine != "mocker" {
				gpus = max(gpus, p.On(name).GPUs())
			}
		}
	}
	hosts = text.Distinct(hosts)
	slices.Sort(hosts)
	command := script.Command(append([]string{"topobench"}, e.Args...)...)
	lines := fmt.Sprintf("%s: no machine is known for %s:", strings.Join(names, ", "), strings.Join(hosts, ", "))
	if bySSH {
		places := text.Each(hosts, func(name string) string { return name + "=[USER@]ADDRESS" })
		lines += "\n  by ssh:      " + command + " --hosts " + strings.Join(places, ",")
	}
	if bySlurm {
		lines += "\n  under Slurm: " + slurm.Salloc(nodes)
		if gpus > 0 {
			lines += fmt.Sprintf(" --gpus-per-node=%d", gpus)
		}
		lines += " " + command
	}
	return lines
}

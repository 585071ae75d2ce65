package preflight

import (
	"fmt"
	"slices"
	"strings"

	"topobench/internal/plan"
	"topobench/internal/profile"
	"topobench/internal/text"
)

// spread is a topology over several machines: t has the part of this one. A version that this machine lacks is that of
// the first machine that has it.
func (t Topology) spread(p profile.Profile, parts map[string]Part) Topology {
	t.Profile, t.Parts = withGPUs(p, t.Profile, parts), parts
	for _, name := range Others(p) {
		part, found := parts[name]
		if !found {
			continue
		}
		t.GPUMap = append(t.GPUMap, named(name, part.GPUMap)...)
		t.Versions = first(t.Versions, part.On.Versions)
	}
	return t
}

// withGPUs is p with the GPUs that each machine has chosen for its part, whose workers are in the order of p.
func withGPUs(p, here profile.Profile, parts map[string]Part) profile.Profile {
	left := map[string][]profile.Worker{}
	add := func(machine string, part profile.Profile) {
		left[machine] = slices.Concat(part.Prefill, part.Decode, part.Aggregated)
	}
	add("", here)
	for name, part := range parts {
		add(name, part.Profile)
	}
	return eachWorker(p, func(w *profile.Worker) {
		machine := w.Host
		if p.Machine(machine) == "" {
			machine = ""
		}
		if rest := left[machine]; len(rest) > 0 {
			w.Devices, w.UUIDs, left[machine] = rest[0].Devices, rest[0].UUIDs, rest[1:]
		}
	})
}

// first are the versions of v, and those of other where v has none.
func first(v, other plan.Versions) plan.Versions {
	for _, pair := range [][2]*plan.Version{{&v.Dynamo, &other.Dynamo}, {&v.VLLM, &other.VLLM},
		{&v.AIPerf, &other.AIPerf}, {&v.Nginx, &other.Nginx}, {&v.Etcd, &other.Etcd}, {&v.NATS, &other.NATS}} {
		if *pair[0] == "" {
			*pair[0] = *pair[1]
		}
	}
	return v
}

// unlike warns of each program that machines have in several versions.
func unlike(profile string, parts map[string]Part) (checks []Check) {
	for i, p := range programsOf(plan.Versions{}) {
		hosts := map[string][]string{} // by version
		for name, part := range parts {
			if v := programsOf(part.On.Versions)[i].version; v != "" {
				hosts[string(v)] = append(hosts[string(v)], name)
			}
		}
		if len(hosts) < 2 {
			continue
		}
		var each []string
		for version, names := range hosts {
			slices.Sort(names)
			each = append(each, fmt.Sprintf("%s on %s", version, strings.Join(names, ", ")))
		}
		slices.Sort(each)
		checks = append(checks, warn(Versions, fmt.Sprintf("%s: %s is %s", profile, p.name,
			strings.Join(each, " and ")), "install one version on all hosts, or name the right program of each "+
			"(hosts: NAME: python)"))
	}
	return checks
}

// portion is the part of a plan on a machine, as that machine has it.
func portion(p plan.Plan, host string) plan.Plan {
	p.Hardware, p.Services = p.HardwareOn(host), slices.Clone(p.Services)
	p.Services = slices.DeleteFunc(p.Services, func(s plan.Service) bool { return s.Host != host })
	for i := range p.Services {
		p.Services[i].Host = ""
	}
	return p
}

// early warns of ports that the kernel of a machine may assign to a client first.
func (r Request) early(p plan.Plan) []Check {
	checks := PortWarning(r.PortRange, p)
	for _, h := range p.Hosts {
		checks = append(checks, On(h.Name, early(r.answers[h.Name].Clients, portion(p, h.Name)))...)
	}
	return checks
}

// variables checks those that services inherit, and those that cost speed.
func (r Request) variables(p plan.Plan) []Check {
	if len(p.Hosts) == 0 {
		return append([]Check{unset(p, r.Environ)}, Slow(p, r.Environ)...)
	}
	var checks []Check
	for _, h := range p.Hosts {
		environ, part := r.answers[h.Name].Environ, portion(p, h.Name)
		if r.answers[h.Name].Parts == nil {
			continue // it has not answered
		}
		missing := unset(part, environ)
		if missing.State == Failure {
			missing.Remedy = "set them below env of that host in the profile, or in its login environment"
		}
		checks = append(checks, On(h.Name, append([]Check{missing}, Slow(part, environ)...))...)
	}
	return checks
}

// doctor are the checks of another machine that no run stops for.
func (a HostAnswer) doctor(name string, topologies []Topology) (checks []Check) {
	var all Report
	for _, t := range topologies {
		part, there := t.Parts[name]
		if !there {
			continue
		}
		for _, line := range part.Programs {
			checks = append(checks, ok(Programs, line))
		}
		t.Plan = portion(t.Plan, name)
		all.Topologies = append(all.Topologies, t)
	}
	all.NvidiaSMI, all.GPUs, all.GPUsUnknown = a.Seen.NvidiaSMI, a.Seen.GPUs, a.Seen.Unknown
	return On(name, slices.Concat(distinct(checks), all.hardware(a.Seen)))
}

func distinct(checks []Check) (all []Check) {
	lines := text.Distinct(text.Each(checks, func(c Check) string { return c.Found }))
	for _, line := range lines {
		all = append(all, ok(Programs, line))
	}
	return all
}

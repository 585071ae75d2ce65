package monitor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/proc"
	"topobench/internal/plan"
	"topobench/internal/verdict"
)

// on is a host by its name.
func (m *Monitor) on(name string) Host {
	if other, known := m.t.Hosts[name]; known {
		return other
	}
	return m.t.Host
}

// load is the machine of the load generator.
func (m *Monitor) load() Host {
	if m.t.Load != nil {
		return m.t.Load
	}
	return m.t.Host
}

// hosts are this machine and the other hosts of the plan.
func (m *Monitor) hosts() []string {
	names := []string{""}
	for _, name := range m.t.Plan.Names() {
		if _, known := m.t.Hosts[name]; known {
			names = append(names, name)
		}
	}
	return names
}

// title names a service, with its host if that is another machine.
func (m *Monitor) title(service string) string { return title(m.t.Plan, service) }

func title(p plan.Plan, service string) string {
	for _, s := range p.Services {
		if s.Name == service && s.Host != "" {
			return service + " on " + s.Host
		}
	}
	return service
}

// at puts the name of a host before a text; "" is this machine.
func at(name, text string) string {
	if name == "" || text == "" {
		return text
	}
	return name + ": " + text
}

// allAt is at for a list.
func allAt(name string, texts []string) (all []string) {
	for _, text := range texts {
		all = append(all, at(name, text))
	}
	return all
}

// newGPUs are the samples of each host that has GPUs of the topology.
func (m *Monitor) newGPUs() (all []*gpuSamples) {
	for _, name := range m.hosts() {
		if devices := m.t.Plan.HardwareOn(name).Devices; len(devices) > 0 {
			all = append(all, newGPUSamplesOn(m, name, devices))
		}
	}
	return all
}

// sampleGPUs takes a sample on each host at the same time.
func sampleGPUs(ctx context.Context, hosts []*gpuSamples) {
	var all sync.WaitGroup
	for _, s := range hosts {
		all.Go(func() { s.sample(ctx) })
	}
	all.Wait()
}

// gpuEvidence is what the samples of all hosts showed; nil = the topology has no GPU. The host with the least evidence
// decides what is not known.
func gpuEvidence(hosts []*gpuSamples) *verdict.GPUs {
	if len(hosts) == 0 {
		return nil
	}
	sum := *hosts[0].evidence()
	if len(hosts) == 1 && hosts[0].host == "" {
		return &sum
	}
	sum = verdict.GPUs{Attributed: true}
	unseen := false
	for _, s := range hosts {
		e := s.evidence()
		sum.Devices = append(sum.Devices, e.Devices...)
		sum.Samples, sum.Failed = sum.Samples+e.Samples, sum.Failed+e.Failed
		sum.LastFailed = sum.LastFailed || e.LastFailed || e.Failed > e.Samples-e.Failed
		unseen = unseen || e.Samples == 0
		sum.Attributed = sum.Attributed && e.Attributed
		sum.NoMemory = sum.NoMemory || e.NoMemory && !e.Attributed
		sum.Foreign = append(sum.Foreign, allAt(s.host, e.Foreign)...)
		sum.Growth = append(sum.Growth, allAt(s.host, e.Growth)...)
		sum.Slowed = append(sum.Slowed, allAt(s.host, e.Slowed)...)
		if sum.NoClocks == "" {
			sum.NoClocks = at(s.host, e.NoClocks)
		}
		if e.Failure != "" && (sum.Failure == "" || e.LastFailed || e.Samples == 0) {
			sum.Failure = at(s.host, e.Failure)
		}
	}
	if unseen {
		sum.Samples, sum.Failed = 0, 0
	}
	sum.Where = where(hosts)
	return &sum
}

// where is the devices with their hosts: "0 1 of node0, 0 of node1".
func where(hosts []*gpuSamples) string {
	var all []string
	for _, s := range hosts {
		devices := strings.Trim(fmt.Sprint(s.seen.Devices), "[]")
		if s.host != "" {
			devices += " of " + s.host
		}
		all = append(all, devices)
	}
	return strings.Join(all, ", ")
}

// awayNginx is a balancer on another machine than the load generator.
type awayNginx struct {
	name string // of the machine; "" = this one
	host Host
}

// away is nil if there is no balancer, or it is on the machine of the load generator.
func (m *Monitor) away(n *nginxLog) *awayNginx {
	if n == nil || m.t.Load == nil && !slices.Contains(m.hosts()[1:], n.host) {
		return nil
	}
	return &awayNginx{n.host, m.on(n.host)}
}

// awayWithin bounds a reading on another machine: one that does not answer must not delay those of aiperf.
const awayWithin = time.Second

// read is a reading of its processes; the last one if its host gives none.
func (a *awayNginx) read(ctx context.Context, last proc.Load) proc.Load {
	ctx, cancel := context.WithTimeout(ctx, awayWithin)
	defer cancel()
	look, err := a.host.Look(ctx, host.Question{Again: []proc.Load{last}})
	if err != nil || look.Loads[0].At.IsZero() {
		return last
	}
	return look.Loads[0]
}

func (a *awayNginx) title() string {
	if a == nil || a.name == "" {
		return "nginx"
	}
	return "nginx on " + a.name
}

package plan

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/profile"
)

// Make decides how a profile is launched on an installation. The plan has no places yet: At gives them. Errors are
// faults of the profile that show only with the versions known and the ports derived.
func Make(p profile.Profile, on Installation, o aiperf.Options) (Plan, error) {
	if names := p.Unplaced(); len(names) > 0 {
		return Plan{}, fmt.Errorf("%s: no address is known of %s", p.Source, strings.Join(names, " and "))
	}
	b := newBuilder(p, on, o)
	b.discovery() // first, since its addresses go into the environment of workers
	switch {
	case p.Dynamo():
		b.dynamo()
	case p.Engine == "command":
		b.commandServers()
	default:
		b.vllmServers()
	}
	if err := b.balancer(); err != nil { // needs the workers' addresses
		return Plan{}, err
	}
	b.load() // needs the address of the balancer or the workers
	b.plan.Hardware = b.hardware()
	b.plan.Deployment.Settings = settings(b.plan, b.installed)
	b.commandSettings(b.plan.Deployment.Settings)
	b.plan.Deployment.Variables, b.plan.Deployment.Programs = Variables(b.plan, nil), b.installed.byName()
	b.plan.Deployment.Load = RequestsOf(b.plan.Load)
	b.plan.Deviations = deviations(b.plan)
	b.checkPorts()
	b.checkVersions()
	b.checkHosts()
	b.checkLength()
	b.checkBody()
	return b.plan, errors.Join(b.faults...)
}

// builder appends the parts of a plan, in the order of Make.
type builder struct {
	p       profile.Profile
	here    Installation // of this machine
	options aiperf.Options
	rules   rules
	plan    Plan

	installed Versions // of the hosts and, of aiperf, of this machine
	workers   int      // so far: each has ports of its own
	processes int      // of Dynamo on several hosts, likewise

	discoveryEnv []string // how a Dynamo process finds the others
	backends     []string // host:port of every server that takes requests
	faults       []error
}

// fault adds a fault of the profile.
func (b *builder) fault(format string, args ...any) {
	b.faults = append(b.faults, fmt.Errorf("%s: "+format, append([]any{b.p.Source}, args...)...))
}

func newBuilder(p profile.Profile, on Installation, o aiperf.Options) *builder {
	b := &builder{p: p, here: on, options: o}
	b.plan.Hosts = b.hosts()
	b.installed = b.versions()
	versions := b.installed.with(p.Versions)
	b.rules = rulesFor(versions)
	b.plan = Plan{
		Versions: versions,
		Name:     p.Name, Kind: p.Kind, Mode: p.Mode(), Engine: p.Engine, Simulated: p.Engine == "mocker",
		Model: modelName(p), GPUs: p.GPUs(), Hosts: b.plan.Hosts,
		Inherit: on.Inherit, Dropped: on.Dropped, Dirs: ownDirs(),
		Choices: b.choose(), Deployment: deployment(p),
	}
	if p.Balancer != nil {
		b.plan.Balancer = p.Balancer.Config
	}
	return b
}

// modelName is the id that requests name: it need not be the model's path.
func modelName(p profile.Profile) string { return cmp.Or(p.ServedName, p.Model) }

// add appends a service with what all services have in common. In its environment a
// worker's own variables follow the profile's, which follow ours: the last one wins.
func (b *builder) add(s Service, own map[string]string) {
	profiles := b.p.HostEnv(s.Host)
	cache := b.on(s.Host).Cache
	if !b.far(s.Host) {
		s.Host = ""
	}
	s.Dir, s.Log = Unplaced().Dir, logOf(s.Name)
	s.Env = slices.Concat(bookkeeping(), b.networkEnv(), s.Env)
	if s.Role.Worker() {
		s.Variables = map[string]string{}
		maps.Copy(s.Variables, profiles)
		maps.Copy(s.Variables, own)
	}
	if s.Role.Worker() || s.Role == Frontend {
		s.Env = append(s.Env, pairs(profiles)...)
	}
	s.Env = ProgramEnv(s.Argv[0], cache, append(s.Env, pairs(own)...))
	s.Gate.Deadline, s.Gate.Stall = b.p.Timeouts.Ready, b.p.Timeouts.Stall
	if s.Signal == 0 {
		s.Signal = syscall.SIGTERM
	}
	s.Grace = grace(b.p.Timeouts, s.Role)
	if s.Role.Worker() {
		s.Nice = b.p.Nice
	}
	for i := range s.Ports {
		s.Ports[i].Service = s.Name
	}
	b.plan.Services = append(b.plan.Services, s)
}

// ShortGrace is the grace of the balancer, etcd and NATS, unless the profile has another.
const ShortGrace = 5 * time.Second

// grace is how long a service of a role may take to end by itself: the role's own grace,
// else that of workers and frontends. Others hold no GPU and no requests: seconds are enough.
func grace(t profile.Timeouts, r Role) time.Duration {
	own := map[Role]time.Duration{Frontend: t.Graces.Frontend, Prefill: t.Graces.Prefill, Decode: t.Graces.Decode,
		Aggregated: t.Graces.Aggregated, Balancer: t.Graces.Balancer, Etcd: t.Graces.Etcd, NATS: t.Graces.NATS}[r]
	switch {
	case own > 0:
		return own
	case r.Worker() || r == Frontend:
		return t.Grace
	default:
		return ShortGrace
	}
}

// hardware is that of the installed vLLM, which may be another than the profile names. The GPUs of other hosts stand
// with the hosts.
func (b *builder) hardware() Hardware {
	if !RealGPUs(b.p.Engine, cmp.Or(b.installed.VLLM, b.plan.Versions.VLLM)) {
		return Hardware{}
	}
	for i := range b.plan.Hosts {
		b.plan.Hosts[i].Devices = b.devices(b.plan.Hosts[i].Name)
	}
	return Hardware{Within: b.p.Timeouts.GPU, Devices: b.devices("")}
}

// devices are the GPUs of a host, each once, ascending.
func (b *builder) devices(host string) (all []int) {
	for _, s := range b.plan.Services {
		if s.Host == host {
			all = append(all, s.Devices...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// versions are those of the installed programs: aiperf's is this machine's, and the others are those of the first host
// that has the program, if the plan is over hosts.
func (b *builder) versions() Versions {
	v := b.here.Versions
	for _, h := range slices.Backward(b.plan.Hosts) {
		there := b.on(h.Name).Versions
		there.AIPerf = ""
		v = there.or(v)
	}
	return v
}

package plan

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/profile"
)

// Make decides how a profile is launched on an installation. The plan has no places yet: At gives them. Errors are
// faults of the profile that show only with the versions known and the ports derived.
func Make(p profile.Profile, on Installation, o aiperf.Options) (Plan, error) {
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
	b.plan.Deployment.Settings = settings(b.plan, on.Versions)
	b.commandSettings(b.plan.Deployment.Settings)
	b.plan.Deployment.Variables, b.plan.Deployment.Programs = Variables(b.plan, nil), on.Versions.byName()
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
	on      Installation
	options aiperf.Options
	rules   rules
	plan    Plan
	workers int // so far: each has ports of its own

	discoveryEnv []string // how a Dynamo process finds the others
	backends     []string // host:port of every server that takes requests
	faults       []error
}

// fault adds a fault of the profile.
func (b *builder) fault(format string, args ...any) {
	b.faults = append(b.faults, fmt.Errorf("%s: "+format, append([]any{b.p.Source}, args...)...))
}

func newBuilder(p profile.Profile, on Installation, o aiperf.Options) *builder {
	versions := on.Versions.with(p.Versions)
	b := &builder{p: p, on: on, options: o, rules: rulesFor(versions)}
	dir := Unplaced().Dir
	b.plan = Plan{
		Versions: versions,
		Name:     p.Name, Kind: p.Kind, Mode: p.Mode(), Engine: p.Engine, Simulated: p.Engine == "mocker",
		Model: modelName(p), GPUs: p.GPUs(), Hosts: b.hosts(),
		Inherit: on.Inherit, Dropped: on.Dropped, Dirs: []string{dir, filepath.Join(dir, "logs")},
		Choices: choose(p, on, b.rules), Deployment: deployment(p),
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
	at := Unplaced()
	s.Dir = at.Dir
	if len(b.plan.Hosts) == 0 {
		s.Host = ""
	}
	s.Log = logOf(s.Name)
	s.Env = append(bookkeeping(), s.Env...)
	if s.Role.Worker() {
		s.Variables = map[string]string{}
		maps.Copy(s.Variables, b.p.Env)
		maps.Copy(s.Variables, own)
	}
	if s.Role.Worker() || s.Role == Frontend {
		s.Env = append(s.Env, pairs(b.p.Env)...)
	}
	s.Env = ProgramEnv(s.Argv[0], b.on.Cache, append(s.Env, pairs(own)...))
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

// hardware is that of the installed vLLM, which may be another than the profile names.
func (b *builder) hardware() Hardware {
	if !RealGPUs(b.p.Engine, cmp.Or(b.on.Versions.VLLM, b.plan.Versions.VLLM)) {
		return Hardware{}
	}
	h := Hardware{Within: b.p.Timeouts.GPU}
	for _, s := range b.plan.Services {
		if s.Host == "" {
			h.Devices = append(h.Devices, s.Devices...)
		}
	}
	slices.Sort(h.Devices)
	h.Devices = slices.Compact(h.Devices)
	return h
}

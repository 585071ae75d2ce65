package plan

import (
	"cmp"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"topobench/internal/profile"
)

// draft gathers a plan while its parts are decided one after another.
type draft struct {
	p     profile.Profile
	s     Site
	rules rules
	plan  Plan
	seen  int // workers so far: each has ports of its own

	discoveryEnv []string // how a Dynamo process finds the others
	backends     []string // host:port of every server that takes requests
}

func newDraft(p profile.Profile, s Site) *draft {
	versions := s.Versions.with(p.Versions)
	return &draft{p: p, s: s, rules: rulesFor(versions), plan: Plan{
		Versions: versions,
		Name:     p.Name, Kind: p.Kind, Mode: p.Mode(), Engine: p.Engine, Simulated: p.Engine == "mocker",
		Model: served(p), GPUs: p.GPUs(), Dirs: []string{s.Dir, filepath.Join(s.Dir, "logs")},
		Deployment: deployment(p),
	}}
}

// served is the id that requests name: a model's id need not be its path.
func served(p profile.Profile) string {
	return cmp.Or(p.ServedName, p.Model)
}

// add appends a service with what all services have in common. Of its environment
// the last word is own, a worker's; before that the profile's, before that ours.
func (d *draft) add(s Service, own map[string]string) {
	s.Dir = d.s.Dir
	if !d.remote() {
		s.Host = ""
	}
	s.Log = filepath.Join(d.s.Dir, "logs", s.Name+".log")
	s.Env = append(bookkeeping(d.s), s.Env...)
	if s.Role.Worker() || s.Role == Frontend {
		s.Env = append(s.Env, pairs(d.p.Env)...)
	}
	s.Env = append(s.Env, pairs(own)...)
	s.Gate.Deadline, s.Gate.Stall = d.p.Timeouts.Ready, d.p.Timeouts.Stall
	if s.Signal == 0 {
		s.Signal = syscall.SIGTERM
	}
	s.Grace = grace(d.p.Timeouts, s.Role)
	if s.Role.Worker() {
		s.Nice = d.p.Nice
	}
	for i := range s.Ports {
		s.Ports[i].Service = s.Name
	}
	d.plan.Services = append(d.plan.Services, s)
}

// grace is how long a service may take to end by itself: the role's own, else that
// of workers and frontends; what keeps no GPU and no requests needs seconds.
func grace(t profile.Timeouts, r Role) time.Duration {
	own := map[Role]time.Duration{Frontend: t.Graces.Frontend, Prefill: t.Graces.Prefill, Decode: t.Graces.Decode,
		Aggregated: t.Graces.Aggregated, Balancer: t.Graces.Balancer, Etcd: t.Graces.Etcd, NATS: t.Graces.NATS}[r]
	switch {
	case own > 0:
		return own
	case r.Worker() || r == Frontend:
		return t.Grace
	default:
		return 5 * time.Second
	}
}

// discovery starts a private etcd and NATS, or points at those that run.
// All five URL flags of etcd are needed, else it fights over port 2380.
func (d *draft) discovery() {
	base, bind := portBase(d.p), d.bind(d.center())
	switch etcd := d.p.Discovery.Etcd; etcd {
	case "none", "":
		d.discoveryEnv = append(d.discoveryEnv, "DYN_DISCOVERY_BACKEND=file")
	case "start":
		client, peer := "http://"+at(bind, base+offsetEtcd), "http://"+at(bind, base+offsetEtcd+1)
		d.add(Service{Name: "etcd", Role: Etcd, Host: d.center(),
			Argv: []string{d.s.Programs.Etcd, "--data-dir", filepath.Join(d.s.Dir, "etcd"),
				"--listen-client-urls", client, "--advertise-client-urls", client,
				"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default=" + peer},
			Ports: []Port{{Use: "client", Number: base + offsetEtcd}, {Use: "peer", Number: base + offsetEtcd + 1}},
			Gate:  Gate{Kind: GateHTTP, Address: at(bind, base+offsetEtcd), Path: "/health"}}, nil)
		d.useEtcd(client)
	default:
		d.useEtcd(d.external(Etcd, etcd, "2379"))
	}
	d.nats(base)
}

// nats is the event plane where there is one; else ZMQ, which needs no server.
func (d *draft) nats(base int) {
	bind, server := d.bind(d.center()), d.p.Discovery.NATS
	switch server {
	case "none", "":
		d.discoveryEnv = append(d.discoveryEnv, "DYN_EVENT_PLANE=zmq")
		return
	case "start":
		port, monitor := base+offsetNATS, base+offsetNATS+1
		d.add(Service{Name: "nats", Role: NATS, Host: d.center(),
			Argv: []string{d.s.Programs.NATS, "-js", "-sd", filepath.Join(d.s.Dir, "nats"),
				"-a", bind, "-p", strconv.Itoa(port), "-m", strconv.Itoa(monitor)},
			Ports: []Port{{Use: "client", Number: port}, {Use: "monitor", Number: monitor}},
			Gate:  Gate{Kind: GateHTTP, Address: at(bind, monitor), Path: "/healthz"}}, nil)
		server = "nats://" + at(bind, port)
	default:
		server = d.external(NATS, server, "4222")
	}
	d.discoveryEnv = append(d.discoveryEnv, "NATS_SERVER="+server)
	if d.rules.files {
		d.discoveryEnv = append(d.discoveryEnv, "DYN_EVENT_PLANE=nats")
	}
}

// useEtcd: until 1.0 Dynamo knew nothing else.
func (d *draft) useEtcd(endpoints string) {
	d.discoveryEnv = append(d.discoveryEnv, "ETCD_ENDPOINTS="+endpoints)
	if d.rules.files {
		d.discoveryEnv = append(d.discoveryEnv, "DYN_DISCOVERY_BACKEND=etcd")
	}
}

// externalPatience is short: a server that is said to run answers at once.
const externalPatience = 10 * time.Second

// external notes a server that must answer before anything is started. Of etcd
// over plain HTTP the health is asked; else whether it listens. What is returned is
// the URL with its port: without one Dynamo's etcd client takes 80, or 443.
func (d *draft) external(role Role, server, port string) string {
	u, err := url.Parse(server)
	if err != nil {
		return server // the profile has checked it
	}
	if u.Port() == "" {
		u.Host = net.JoinHostPort(u.Hostname(), port)
	}
	gate := Gate{Kind: GateListens, Address: u.Host, Deadline: externalPatience}
	if u.Scheme == "http" {
		gate.Kind, gate.Path = GateHTTP, "/health"
	}
	d.plan.External = append(d.plan.External, Service{Name: string(role) + " at " + server, Role: role, Gate: gate})
	return u.String()
}

// finish hands the plan out.
func (d *draft) finish() Plan {
	d.plan.Hosts = d.hosts()
	d.plan.Hardware = d.hardware()
	d.plan.Deployment.Settings = settings(d.plan, d.s.Versions)
	d.plan.Deployment.Load = RequestsOf(d.plan.Load)
	d.plan.Deviations = d.deviations()
	return d.plan
}

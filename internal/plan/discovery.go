package plan

import (
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"time"
)

// discovery starts a private etcd and NATS, or points at running ones. Without all five
// URL flags two etcds would compete for port 2380.
func (b *builder) discovery() {
	base, center := portBase(b.p), b.center()
	bind, address := b.bind(center), b.address(center)
	switch b.plan.Choices.Etcd {
	case Absent:
		b.discoveryEnv = append(b.discoveryEnv, "DYN_DISCOVERY_BACKEND=file")
	case Started:
		client, peer := "http://"+at(address, base+offsetEtcd), "http://"+at(address, base+offsetEtcd+1)
		b.add(Service{Name: "etcd", Role: Etcd, Host: center,
			Argv: []string{b.on(center).Programs.Etcd, "--data-dir", filepath.Join(b.data(), "etcd"),
				"--listen-client-urls", "http://" + at(bind, base+offsetEtcd), "--advertise-client-urls", client,
				"--listen-peer-urls", "http://" + at(bind, base+offsetEtcd+1), "--initial-advertise-peer-urls", peer,
				"--initial-cluster", "default=" + peer},
			Env:   EtcdEnv(b.on(center).Arch),
			Ports: []Port{{Use: "client", Number: base + offsetEtcd}, {Use: "peer", Number: base + offsetEtcd + 1}},
			Gate:  Gate{Kind: GateHTTP, Address: at(address, base+offsetEtcd), Path: "/health"}}, nil)
		b.useEtcd(client)
	default:
		b.useEtcd(b.external(Etcd, b.p.Discovery.Etcd, "2379"))
	}
	b.nats(base)
}

// EtcdEnv is what etcd needs in its environment on an architecture, in Go's terms: before 3.5 it ends at once on any
// but amd64, unless a variable names that architecture.
func EtcdEnv(arch string) []string {
	if arch == "" || arch == "amd64" {
		return nil
	}
	return []string{"ETCD_UNSUPPORTED_ARCH=" + arch}
}

// nats is the event plane. Without it workers use ZMQ, which needs no server.
func (b *builder) nats(base int) {
	center, server := b.center(), b.p.Discovery.NATS
	bind, address := b.bind(center), b.address(center)
	switch b.plan.Choices.NATS {
	case Absent:
		b.discoveryEnv = append(b.discoveryEnv, "DYN_EVENT_PLANE=zmq")
		return
	case Started:
		port, monitor := base+offsetNATS, base+offsetNATS+1
		b.add(Service{Name: "nats", Role: NATS, Host: center,
			Argv: []string{b.on(center).Programs.NATS, "-c", b.natsConf(),
				"-js", "-sd", filepath.Join(b.data(), "nats"),
				"-a", bind, "-p", strconv.Itoa(port), "-m", strconv.Itoa(monitor)},
			Ports: []Port{{Use: "client", Number: port}, {Use: "monitor", Number: monitor}},
			Gate:  Gate{Kind: GateHTTP, Address: at(address, monitor), Path: "/healthz"}}, nil)
		server = "nats://" + at(address, port)
	default:
		server = b.external(NATS, server, "4222")
		b.plan.External[len(b.plan.External)-1].Gate.Payload = b.natsPayload()
	}
	b.discoveryEnv = append(b.discoveryEnv, "NATS_SERVER="+server)
	if b.plan.Choices.Planes {
		b.discoveryEnv = append(b.discoveryEnv, "DYN_EVENT_PLANE=nats")
	}
}

// data is the directory for the data of servers. The plan creates it.
func (b *builder) data() string {
	b.dirs(b.center(), Unplaced().Data)
	return Unplaced().Data
}

// useEtcd points Dynamo at etcd, its only discovery before 1.0.
func (b *builder) useEtcd(endpoints string) {
	b.discoveryEnv = append(b.discoveryEnv, "ETCD_ENDPOINTS="+endpoints)
	if b.plan.Choices.Planes {
		b.discoveryEnv = append(b.discoveryEnv, "DYN_DISCOVERY_BACKEND=etcd")
	}
}

// externalPatience is short: a running server answers at once.
const externalPatience = 10 * time.Second

// external notes a server that must answer before anything is started: etcd over plain HTTP is probed at /health,
// others need only listen. It returns the URL with its port, without which Dynamo's etcd client takes 80 or 443.
func (b *builder) external(role Role, server, port string) string {
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
	b.plan.External = append(b.plan.External, Service{Name: string(role) + " at " + server, Role: role, Gate: gate})
	return u.String()
}

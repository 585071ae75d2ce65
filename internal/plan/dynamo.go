package plan

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"

	"topobench/internal/profile"
)

// realm is one discovery space: a frontend and the workers it sees. Each launch
// has fresh ones, else the next frontend meets the ghosts of the last launch
// (keys of a killed worker live up to 10 s).
type realm struct{ namespace, keys string }

func (d *draft) realm(suffix string) realm {
	r := realm{namespace: d.s.Namespace + suffix, keys: filepath.Join(d.s.Dir, "kv"+suffix)}
	d.plan.Dirs = append(d.plan.Dirs, r.keys)
	return r
}

// dynamo plans frontends and workers of the engines mocker and dynamo. Where
// aggregated workers have a port each, that port is a frontend of their own, so
// that a balancer in front has the shape of the guide's baseline.
func (d *draft) dynamo() {
	if d.p.Frontend == nil {
		for i, w := range d.p.Aggregated {
			r := d.realm(fmt.Sprintf("-%d", i))
			d.frontend(fmt.Sprintf("frontend-%d", i), w.Port, r, Gate{Aggregate: 1})
			d.worker(Aggregated, i, w, r)
			d.backends = append(d.backends, address(w.Port))
		}
		return
	}
	r := d.realm("")
	port := d.p.Frontend.Port
	d.frontend("frontend", port, r, Gate{Prefill: instances(d.p.Prefill), Decode: instances(d.p.Decode), Aggregate: instances(d.p.Aggregated)})
	for _, group := range d.groups() {
		for i, w := range group.workers {
			d.worker(group.role, i, w, r)
		}
	}
	d.backends = []string{address(port)}
}

type group struct {
	role    Role
	workers []profile.Worker
}

func (d *draft) groups() []group {
	return []group{{Prefill, d.p.Prefill}, {Decode, d.p.Decode}, {Aggregated, d.p.Aggregated}}
}

// instances is how often the workers of a role register: once each.
func instances(workers []profile.Worker) int { return len(workers) }

// frontend's argv is the guide's; where it listens is told by the environment.
func (d *draft) frontend(name string, port int, r realm, g Gate) {
	argv := []string{d.s.Programs.Python, "-m", "dynamo.frontend", "--http-port", strconv.Itoa(port)}
	if d.p.Frontend != nil && d.p.Frontend.Router != "" {
		argv = append(argv, "--router-mode", d.p.Frontend.Router)
	}
	g.Kind, g.Address, g.Model, g.Namespace = GateFrontend, address(port), d.plan.Model, r.namespace
	d.add(Service{Name: name, Role: Frontend, Wave: 1, Argv: argv, Env: append(d.dynamoEnv(r), "DYN_HTTP_HOST="+loopback),
		Ports: []Port{{Use: "http", Number: port}}, Gate: g})
}

func (d *draft) worker(role Role, i int, w profile.Worker, r realm) {
	system := portBase(d.p) + offsetSystem + d.seen
	env := append(d.dynamoEnv(r), "DYN_SYSTEM_PORT="+strconv.Itoa(system), "DYN_SYSTEM_HOST="+loopback)
	if d.rules.statusOn {
		env = append(env, "DYN_SYSTEM_ENABLED=true")
	}
	s := Service{Name: fmt.Sprintf("%s-%d", role, i), Role: role, Wave: 1, Devices: w.Devices,
		Ports: []Port{{Use: "system", Number: system}}, Gate: Gate{Kind: GateWorker, Address: address(system)}}
	if d.p.Engine == "mocker" {
		s.Argv = d.mockerArgv(role, w)
	} else {
		s.Argv = d.dynamoVLLMArgv(role, w)
		var ports []Port
		env, ports = d.gpuEnv(env, role, w)
		s.Ports = append(s.Ports, ports...)
	}
	s.Env = append(env, pairs(w.Env)...)
	d.add(s)
	d.count(s.Name, system, "dynamo_component_requests_total")
	d.seen++
}

// count notes where a worker counts its requests, for the smoke.
func (d *draft) count(service string, port int, metric string) {
	d.plan.Smoke.Counters = append(d.plan.Smoke.Counters, Counter{Service: service, URL: httpURL(port) + "/metrics", Metric: metric})
}

// dynamoEnv is what frontend and workers of one realm share. Grace 0: the bench
// is over when they are stopped, nothing is in flight.
func (d *draft) dynamoEnv(r realm) []string {
	env := append(slices.Clone(d.discoveryEnv), "DYN_NAMESPACE="+r.namespace,
		"DYN_TCP_RPC_HOST="+loopback, "DYN_TCP_RESPONSE_STREAM_HOST="+loopback, "DYN_EVENT_PLANE_HOST="+loopback,
		"DYN_GRACEFUL_SHUTDOWN_GRACE_PERIOD_SECS=0")
	if d.rules.files {
		env = append(env, "DYN_FILE_KV="+r.keys, "DYN_REQUEST_PLANE=tcp")
	}
	if filepath.IsAbs(d.p.Model) {
		env = append(env, "HF_HUB_OFFLINE=1")
	}
	return env
}

func (d *draft) mockerArgv(role Role, w profile.Worker) []string {
	argv := []string{d.s.Programs.Python, "-m", "dynamo.mocker", "--model-path", d.p.Model}
	if d.plan.Model != d.p.Model {
		argv = append(argv, "--model-name", d.plan.Model)
	}
	argv = append(argv, d.rules.roleArgs(role)...)
	if w.DP > 1 {
		argv = append(argv, "--data-parallel-size", strconv.Itoa(w.DP))
	}
	return d.engineArgs(argv, w)
}

// engineArgs come last, so that the profile has the last word.
func (d *draft) engineArgs(argv []string, w profile.Worker) []string {
	return append(append(argv, d.p.EngineArgs...), w.EngineArgs...)
}

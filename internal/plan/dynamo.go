package plan

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

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
			d.frontend(Service{Name: fmt.Sprintf("frontend-%d", i), Host: w.Host, Gate: Gate{Aggregate: 1}}, w.Port, r)
			d.worker(Aggregated, i, w, r)
			d.backends = append(d.backends, at(d.bind(w.Host), w.Port))
		}
		return
	}
	r := d.realm("")
	front := d.p.Frontend
	d.frontend(Service{Name: "frontend", Host: front.Host,
		Gate: Gate{Prefill: instances(d.p.Prefill), Decode: instances(d.p.Decode), Aggregate: instances(d.p.Aggregated)}}, front.Port, r)
	for _, group := range d.groups() {
		for i, w := range group.workers {
			d.worker(group.role, i, w, r)
		}
	}
	d.backends = []string{at(d.bind(front.Host), front.Port)}
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

// frontend completes a service that has a name, a host and the instances that its
// gate waits for. Its argv is the guide's; where it listens is told by the environment.
func (d *draft) frontend(s Service, port int, r realm) {
	bind := d.bind(s.Host)
	argv := []string{d.s.Programs.Python, "-m", "dynamo.frontend", "--http-port", strconv.Itoa(port)}
	if d.p.Frontend != nil && d.p.Frontend.Router != "" {
		argv = append(argv, "--router-mode", d.p.Frontend.Router)
	}
	s.Role, s.Wave, s.Argv, s.Env = Frontend, 1, argv, append(d.dynamoEnv(r, bind), "DYN_HTTP_HOST="+bind)
	if size := option(d.p.EngineArgs, "block-size"); size != notGiven && d.routesByKV() {
		s.Env = append(s.Env, "DYN_KV_CACHE_BLOCK_SIZE="+size) // router and workers must agree
	}
	s.Ports = []Port{{Use: "http", Number: port}}
	s.Gate.Kind, s.Gate.Address, s.Gate.Model, s.Gate.Namespace = GateFrontend, at(bind, port), d.plan.Model, r.namespace
	d.add(s, nil)
}

func (d *draft) worker(role Role, i int, w profile.Worker, r realm) {
	system, bind := portBase(d.p)+offsetSystem+d.seen, d.bind(w.Host)
	env := append(d.dynamoEnv(r, bind), "DYN_SYSTEM_PORT="+strconv.Itoa(system), "DYN_SYSTEM_HOST="+bind)
	if d.rules.statusOn {
		env = append(env, "DYN_SYSTEM_ENABLED=true")
	}
	s := Service{Name: fmt.Sprintf("%s-%d", role, i), Role: role, Host: w.Host, Wave: 1, Devices: w.Devices,
		Ports: []Port{{Use: "system", Number: system}}, Gate: Gate{Kind: GateWorker, Address: at(bind, system)}}
	if d.p.Engine == "mocker" {
		s.Argv = d.mockerArgv(role, w)
	} else {
		s.Argv = d.dynamoVLLMArgv(role, w)
		var ports []Port
		env, ports = d.gpuEnv(env, role, w)
		s.Ports = append(s.Ports, ports...)
		if d.publishes(role) {
			s.Ports = append(s.Ports, Port{Use: "kv events", Number: d.eventPort()})
		}
		if d.publishes(role) && !d.rules.connector {
			env = append(env, "DYN_VLLM_KV_EVENT_PORT="+strconv.Itoa(d.eventPort()))
		}
	}
	s.Env = env
	d.add(s, w.Env)
	d.plan.Smoke.Counters = append(d.plan.Smoke.Counters, counter(s, "dynamo_component_requests_total"))
	if role == Decode && strings.Contains(option(s.Argv, "kv-transfer-config"), "NixlConnector") {
		d.plan.Smoke.Transfers = append(d.plan.Smoke.Transfers, counter(s, "vllm:nixl_xfer_time_seconds_count"))
	}
	d.seen++
}

// counter is a metric of a worker, told where its gate is.
func counter(s Service, metric string) Counter {
	return Counter{Service: s.Name, URL: "http://" + s.Gate.Address + "/metrics", Metric: metric}
}

// dynamoEnv is what frontend and workers of one realm share, and the address on
// which this one listens. Grace 0: the bench
// is over when they are stopped, nothing is in flight.
func (d *draft) dynamoEnv(r realm, bind string) []string {
	env := append(slices.Clone(d.discoveryEnv), "DYN_NAMESPACE="+r.namespace,
		"DYN_TCP_RPC_HOST="+bind, "DYN_TCP_RESPONSE_STREAM_HOST="+bind, "DYN_EVENT_PLANE_HOST="+bind,
		"DYN_GRACEFUL_SHUTDOWN_GRACE_PERIOD_SECS=0", "DYN_HTTP_GRACEFUL_SHUTDOWN_TIMEOUT_SECS=0")
	if d.rules.files {
		env = append(env, "DYN_FILE_KV="+r.keys, "DYN_REQUEST_PLANE=tcp")
	}
	return append(env, d.modelEnv()...)
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

package plan

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"topobench/internal/profile"
)

// discoveryScope is a frontend and the workers that it finds. Each launch has fresh ones:
// the keys of a killed worker live up to 10 s, and the next frontend would find them.
type discoveryScope struct{ namespace, keys string }

func (b *builder) scope(suffix string) discoveryScope {
	return discoveryScope{namespace: Unplaced().Namespace + suffix,
		keys: filepath.Join(Unplaced().Data, "kv"+suffix)}
}

// dynamo plans frontends and workers of the engines mocker and dynamo. Where aggregated workers have a port each, that
// port is a frontend of their own, so that a balancer in front has the shape of the guide's baseline.
func (b *builder) dynamo() {
	if b.p.Frontend == nil {
		// A frontend also takes the workers of every namespace that begins with its own, so all have the same length.
		digits := len(strconv.Itoa(len(b.p.Aggregated) - 1))
		for i, w := range b.p.Aggregated {
			scope := b.scope(fmt.Sprintf("-%0*d", digits, i))
			front := Service{Name: fmt.Sprintf("frontend-%d", i), Host: w.Host, Gate: Gate{Aggregate: 1}}
			b.frontend(front, w.Port, scope)
			b.worker(Aggregated, i, w, scope)
			b.backends = append(b.backends, at(b.address(w.Host), w.Port))
		}
		return
	}
	scope := b.scope("")
	front := b.p.Frontend
	b.frontend(Service{Name: "frontend", Host: front.Host,
		Gate: Gate{Prefill: len(b.p.Prefill), Decode: len(b.p.Decode), Aggregate: len(b.p.Aggregated)},
	}, front.Port, scope)
	for _, group := range groups(b.p) {
		for i, w := range group.workers {
			b.worker(group.role, i, w, scope)
		}
	}
	b.backends = []string{at(b.address(front.Host), front.Port)}
}

type group struct {
	role    Role
	workers []profile.Worker
}

func groups(p profile.Profile) []group {
	return []group{{Prefill, p.Prefill}, {Decode, p.Decode}, {Aggregated, p.Aggregated}}
}

// frontend completes a service that has a name, a host and the instances that its gate
// waits for. Its argv is the guide's; the address it listens on is in the environment.
func (b *builder) frontend(s Service, port int, scope discoveryScope) {
	argv := []string{b.on(s.Host).Programs.Python, "-m", "dynamo.frontend", "--http-port", strconv.Itoa(port)}
	if b.p.Frontend != nil && b.p.Frontend.Router != "" {
		argv = append(argv, "--router-mode", b.p.Frontend.Router)
	}
	s.Role, s.Wave, s.Argv = Frontend, 1, argv
	s.Env = append(b.dynamoEnv(scope, s.Host), "DYN_HTTP_HOST="+b.bind(s.Host))
	if size := option(b.p.EngineArgs, "block-size"); size != "" && b.plan.Choices.Router == "kv" {
		s.Env = append(s.Env, "DYN_KV_CACHE_BLOCK_SIZE="+size) // router and workers must agree
	}
	b.dirs(s.Host, scope.keys)
	env, ports := b.requestPorts(s.Host, false)
	s.Env, s.Ports = append(s.Env, env...), append([]Port{{Use: "http", Number: port}}, ports...)
	s.Gate.Kind, s.Gate.Address = GateFrontend, at(b.address(s.Host), port)
	s.Gate.Model, s.Gate.Namespace = b.plan.Model, scope.namespace
	b.add(s, nil)
}

func (b *builder) worker(role Role, i int, w profile.Worker, scope discoveryScope) {
	system := portBase(b.p) + offsetSystem + b.workers
	env := append(b.dynamoEnv(scope, w.Host), "DYN_SYSTEM_PORT="+strconv.Itoa(system),
		"DYN_SYSTEM_HOST="+b.bind(w.Host))
	fixed, ports := b.requestPorts(w.Host, true)
	env = append(env, fixed...)
	b.dirs(w.Host, scope.keys)
	if b.rules.needsSystemEnabled {
		env = append(env, "DYN_SYSTEM_ENABLED=true")
	}
	s := Service{Name: fmt.Sprintf("%s-%d", role, i), Role: role, Host: w.Host, Wave: 1, Devices: w.Devices,
		Ports: append([]Port{{Use: "system", Number: system}}, ports...),
		Gate:  Gate{Kind: GateWorker, Address: at(b.address(w.Host), system)},
		Env:   env, Options: b.optionsOf(w)}
	switch b.p.Engine {
	case "mocker":
		s.Argv = b.mockerArgv(role, w)
	case "command":
		b.command(&s, w)
	default:
		s.Argv = b.dynamoVLLMArgv(role, w)
		var ports []Port
		s.Env, ports = b.gpuEnv(env, role, w)
		s.Ports = append(s.Ports, ports...)
		if b.publishes(role) {
			s.Ports = append(s.Ports, Port{Use: "kv events", Number: b.eventPort()})
		}
		if b.publishes(role) && !b.rules.connector {
			s.Env = append(s.Env, "DYN_VLLM_KV_EVENT_PORT="+strconv.Itoa(b.eventPort()))
		}
	}
	b.add(s, w.Env)
	b.plan.Smoke.Counters = append(b.plan.Smoke.Counters, counter(s, "dynamo_component_requests_total"))
	// A command's transfers are counted where it is vLLM's; elsewhere the check is noted.
	if role == Decode && (b.p.Engine == "command" || strings.Contains(b.connector(role, w), "NixlConnector")) {
		b.plan.Smoke.Transfers = append(b.plan.Smoke.Transfers, counter(s, "vllm:nixl_xfer_time_seconds_count"))
	}
	b.workers++
}

// counter is a metric of a worker, at the address of its gate.
func counter(s Service, metric string) Counter {
	return Counter{Service: s.Name, Host: s.Host, URL: "http://" + s.Gate.Address + "/metrics", Metric: metric}
}

// dynamoEnv is what the frontend and workers of one scope share, and the address that this
// one listens on. The graces are 0: the load has ended when they are stopped.
func (b *builder) dynamoEnv(scope discoveryScope, host string) []string {
	bind := b.address(host) // which Dynamo announces too
	env := append(slices.Clone(b.discoveryEnv), "DYN_NAMESPACE="+scope.namespace,
		"DYN_TCP_RPC_HOST="+bind, "DYN_TCP_RESPONSE_STREAM_HOST="+bind, "DYN_EVENT_PLANE_HOST="+bind,
		"DYN_GRACEFUL_SHUTDOWN_GRACE_PERIOD_SECS=0", "DYN_HTTP_GRACEFUL_SHUTDOWN_TIMEOUT_SECS=0")
	if b.plan.Choices.Planes {
		env = append(env, "DYN_FILE_KV="+scope.keys, "DYN_REQUEST_PLANE=tcp")
	}
	return append(env, b.modelEnv()...)
}

func (b *builder) mockerArgv(role Role, w profile.Worker) []string {
	argv := []string{b.on(w.Host).Programs.Python, "-m", "dynamo.mocker", "--model-path", b.p.Model}
	if b.plan.Model != b.p.Model {
		argv = append(argv, "--model-name", b.plan.Model)
	}
	argv = append(argv, b.plan.Choices.RoleFlags.args(role)...)
	if w.DP > 1 {
		argv = append(argv, "--data-parallel-size", strconv.Itoa(w.DP))
	}
	return append(argv, b.engineArgs(w)...)
}

// engineArgs are the profile's, for all workers and then for this one. They follow ours: engines take the last of two.
func (b *builder) engineArgs(w profile.Worker) []string {
	return slices.Concat(b.p.EngineArgs, w.EngineArgs)
}

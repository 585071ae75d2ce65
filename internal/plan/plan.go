// Package plan decides how a topology is launched: argv, environment, GPUs, ports, files, order, gates and stop policy.
//
// Make is pure: one profile on one installation gives one plan, and no process is started or probed. A plan is made
// once; At places it for a launch, and the script that a person runs by hand is printed from the same value.
package plan

import (
	"syscall"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
)

// Role is the purpose of a service. The order of stopping follows from it.
type Role string

// Every role of a plan.
const (
	Etcd       Role = "etcd"
	NATS       Role = "nats"
	Frontend   Role = "frontend"
	Prefill    Role = "prefill"
	Decode     Role = "decode"
	Aggregated Role = "aggregated"
	Balancer   Role = "balancer"
)

// Roles are all roles, in the order of their start.
func Roles() []Role { return []Role{Etcd, NATS, Frontend, Prefill, Decode, Aggregated, Balancer} }

// StopOrder is the rank in which a role is stopped, lowest first: the load has
// ended by then, and workers deregister through etcd and NATS, which go last.
func (r Role) StopOrder() int {
	switch r {
	case Balancer:
		return 0
	case Frontend:
		return 1
	case Prefill, Decode, Aggregated:
		return 2
	default:
		return 3
	}
}

// Entrance reports whether requests come in through the role: once it no longer listens,
// no request reaches the services behind it.
func (r Role) Entrance() bool { return r == Balancer || r == Frontend }

// Worker reports whether services of the role are pinned to GPUs.
func (r Role) Worker() bool { return r == Prefill || r == Decode || r == Aggregated }

// Plan is everything that is started, in order, and the load that is put on it.
type Plan struct {
	Name       string               `json:"name"`
	Kind       string               `json:"kind"`
	Mode       string               `json:"mode"`
	Engine     string               `json:"engine"`
	Simulated  bool                 `json:"simulated"`          // the engine computes nothing
	Model      string               `json:"model"`              // the id that requests name
	Balancer   string               `json:"balancer,omitempty"` // configuration of nginx: guide, tuned or a path
	GPUs       int                  `json:"gpus"`
	Hardware   Hardware             `json:"hardware,omitzero"`
	Hosts      []Host               `json:"hosts,omitempty"` // empty: everything is on this machine
	Choices    Choices              `json:"choices"`
	Inherit    []string             `json:"inherit"` // names of the caller's variables that services receive
	Dropped    []string             `json:"dropped"` // names of those that no child receives
	Dirs       []string             `json:"dirs"`    // made before anything starts, 0700; the first is the placement's
	Files      []File               `json:"files"`
	Versions   Versions             `json:"versions"`
	External   []Service            `json:"external"` // servers of others: probed, never started or stopped
	Services   []Service            `json:"services"` // in order of start; waves ascend
	Load       aiperf.Load          `json:"load"`
	Smoke      Smoke                `json:"smoke"`
	Deployment artifacts.Deployment `json:"deployment"`
	Deviations []Deviation          `json:"deviations,omitempty"`
}

// Host is another machine of a plan.
type Host struct {
	Name      string   `json:"name"`
	Address   string   `json:"address"`             // where the others reach its servers
	Transport string   `json:"transport,omitempty"` // ssh or slurm
	Node      string   `json:"node,omitempty"`      // its name for ssh or srun; "" = Address
	User      string   `json:"user,omitempty"`      // of ssh
	Devices   []int    `json:"devices,omitempty"`   // its GPUs that the plan uses, each once, ascending
	Dirs      []string `json:"dirs,omitempty"`      // made there before anything starts, 0700
	Inherit   []string `json:"inherit,omitempty"`   // names of its login's variables that services receive
	Dropped   []string `json:"dropped,omitempty"`   // names of those that no child receives
}

// File is written before anything starts, mode 0600.
type File struct {
	Host string `json:"host,omitempty"` // name of a host; empty = this machine
	Path string `json:"path"`
	Text string `json:"text"`
}

// Service is one process of a plan.
type Service struct {
	Name    string   `json:"name"`
	Role    Role     `json:"role"`
	Host    string   `json:"host,omitempty"` // name of a host; empty = this machine
	Wave    int      `json:"wave"`           // services of a wave start together, after the gates of the wave before
	Argv    []string `json:"argv,omitempty"`
	Env     []string `json:"env,omitempty"`   // ours, then the profile's; the inherited ones come before
	Dir     string   `json:"dir,omitempty"`   // working directory
	Log     string   `json:"log,omitempty"`   // stdout and stderr, appended
	Check   []string `json:"check,omitempty"` // argv of a test that must pass before anything starts, such as nginx -t
	Devices []int    `json:"devices,omitempty"`
	// Options are the engine options of a worker that sides are compared by, as given to it.
	// An option that is absent is the engine's default.
	Options map[string]string `json:"options,omitempty"`
	// Variables are the variables that the profile gives a worker.
	Variables map[string]string `json:"variables,omitempty"`
	Ports     []Port            `json:"ports,omitempty"`
	Gate      Gate              `json:"gate,omitempty"`
	Signal    syscall.Signal    `json:"signal,omitempty"`   // of an orderly stop
	Grace     time.Duration     `json:"grace_ns,omitempty"` // between Signal and SIGKILL
	Nice      int               `json:"nice,omitempty"`
}

// Port is one number a service listens on, and for what.
type Port struct {
	Service string `json:"service"`
	Use     string `json:"use"`
	Number  int    `json:"number"`
}

// GateKind is how readiness is probed.
type GateKind string

// The kinds of gates.
const (
	GateHTTP     GateKind = "http"     // URL answers 200
	GateListens  GateKind = "listens"  // Address accepts; nothing is sent (never poll through the guide's nginx)
	GateWorker   GateKind = "worker"   // a Dynamo worker's system port reports generate as ready
	GateFrontend GateKind = "frontend" // our model, and the exact number of instances of each role
	GateVLLM     GateKind = "vllm"     // /health is 200 and /v1/models names our model
	GateServer   GateKind = "server"   // the same on the paths of the profile
)

// Gate is what must hold before the next wave starts.
type Gate struct {
	Kind      GateKind      `json:"kind"`
	Address   string        `json:"address,omitempty"` // host:port
	Path      string        `json:"path,omitempty"`    // for GateHTTP and GateServer
	Models    string        `json:"models,omitempty"`  // for GateServer: path of the list of models
	Model     string        `json:"model,omitempty"`
	Namespace string        `json:"namespace,omitempty"`
	Prefill   int           `json:"prefill,omitempty"`
	Decode    int           `json:"decode,omitempty"`
	Aggregate int           `json:"aggregate,omitempty"`   // instances, exactly
	Payload   int           `json:"payload,omitempty"`     // bytes of a message that NATS must take
	Deadline  time.Duration `json:"deadline_ns,omitempty"` // from the start of the service
	Stall     time.Duration `json:"stall_ns,omitempty"`    // a hint is printed when its log has not grown for this long
}

// Smoke is Round streamed completions at once through the addresses of the load,
// repeated until every counter has moved.
type Smoke struct {
	URLs []string `json:"urls"` // the load's addresses; a run sends to the load's own URLs
	// Direct are the servers behind a balancer. They get the first completions: a balancer
	// gives up on one that takes minutes, while the engine compiles its kernels.
	Direct   []string  `json:"direct,omitempty"`
	Counters []Counter `json:"counters"`
	// Transfers count KV caches that decode workers fetched from prefill workers. A
	// decode worker that serves without any computes its prompts itself.
	Transfers []Counter `json:"transfers,omitempty"`
	// Uncounted is why there are no counters: the profile switches them off, and notes that.
	Uncounted string        `json:"uncounted,omitempty"`
	Round     int           `json:"round"`       // completions sent at once: as many as the largest role has workers
	Patience  time.Duration `json:"patience_ns"` // with answers that are not 200: a router may lag behind discovery
	Deadline  time.Duration `json:"deadline_ns"` // the first handshake of each pair of workers takes 5-30 s
	// Absent is how long a server of others may refuse connections; 0 = the servers are ours.
	Absent time.Duration `json:"absent_ns,omitempty"`
}

// newSmoke is the smoke of addresses within a deadline, without counters.
func newSmoke(deadline time.Duration, urls ...string) Smoke {
	return Smoke{URLs: urls, Round: len(urls), Patience: min(30*time.Second, deadline), Deadline: deadline}
}

// Counter is the place where a worker counts its requests.
type Counter struct {
	Service string `json:"service"`
	Host    string `json:"host,omitempty"` // of the service; "" = this machine
	URL     string `json:"url"`            // Prometheus text
	Metric  string `json:"metric"`         // exact name; its label dynamo_endpoint, if any, must be "generate"
}

// Ports lists every port of the plan, in order of start.
func (p Plan) Ports() []Port {
	var all []Port
	for _, s := range p.Services {
		all = append(all, s.Ports...)
	}
	return all
}

// Waves splits services where the wave number changes.
func Waves(services []Service) [][]Service {
	var waves [][]Service
	for i, s := range services {
		if i == 0 || s.Wave != services[i-1].Wave {
			waves = append(waves, nil)
		}
		waves[len(waves)-1] = append(waves[len(waves)-1], s)
	}
	return waves
}

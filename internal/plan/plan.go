// Package plan decides how a topology is launched: argv, environment, GPUs,
// ports, files, order, gates and stop policy.
//
// Make is pure: the same profile at the same site gives the same plan, and
// nothing is started, opened or asked. What a person would type by hand is what
// Script prints, and what stack starts is the same value.
package plan

import (
	"syscall"
	"time"

	"topobench/internal/profile"
	"topobench/internal/result"
)

// Role says what a service is for. The order of stopping follows from it.
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

// Worker reports whether services of the role are pinned to GPUs.
func (r Role) Worker() bool { return r == Prefill || r == Decode || r == Aggregated }

// Plan is everything that is started, in order, and everything that is asked of it.
type Plan struct {
	Name       string `json:"name"`
	Kind       string `json:"kind"`
	Mode       string `json:"mode"`
	Engine     string `json:"engine"`
	Simulated  bool   // an engine that computes nothing: the chart must say so
	Model      string // the id requests name
	GPUs       int
	Inherit    []string // names of the caller's variables that children receive
	Dirs       []string // made before anything starts, 0700
	Files      []File
	Services   []Service // in order of start; waves ascend
	Load       Load
	Smoke      Smoke
	Deployment result.Deployment
	Deviations []Deviation
}

// File is written before anything starts, mode 0600.
type File struct{ Path, Text string }

// Service is one process of a plan.
type Service struct {
	Name    string
	Role    Role
	Wave    int // services of a wave start together, after the gates of the wave before
	Argv    []string
	Env     []string // ours, then the profile's; the inherited ones come before
	Dir     string   // working directory
	Log     string   // stdout and stderr, appended
	Check   []string // argv of a test that must pass before anything starts, such as nginx -t
	Devices []int
	Ports   []Port
	Gate    Gate
	Signal  syscall.Signal // of an orderly stop
	Grace   time.Duration  // between Signal and SIGKILL
	Nice    int
}

// Port is one number a service listens on, and for what.
type Port struct {
	Service string
	Use     string
	Number  int
}

// GateKind says how readiness is asked.
type GateKind string

// The kinds of gates.
const (
	GateHTTP     GateKind = "http"     // URL answers 200
	GateListens  GateKind = "listens"  // Address accepts; nothing is sent (never poll through the guide's nginx)
	GateWorker   GateKind = "worker"   // a Dynamo worker's system port says that generate is ready
	GateFrontend GateKind = "frontend" // our model, and the exact number of instances of each role
	GateVLLM     GateKind = "vllm"     // /health is 200 and /v1/models names our model
)

// Gate is what must hold before the next wave starts.
type Gate struct {
	Kind                       GateKind
	Address                    string // host:port
	Path                       string // for GateHTTP
	Model                      string
	Namespace                  string
	Prefill, Decode, Aggregate int           // instances, exactly
	Deadline                   time.Duration // from the start of the service
	Stall                      time.Duration // a hint when its log has not grown for so long
}

// Smoke is one streamed completion through the address of the load, repeated
// until every counter has moved.
type Smoke struct {
	URL      string
	Model    string
	ISL, OSL int
	Counters []Counter
	Deadline time.Duration
}

// Counter is the place where a worker counts its requests.
type Counter struct {
	Service string
	URL     string // Prometheus text
	Metric  string // exact name; its label dynamo_endpoint, if any, must be "generate"
}

// Programs are the executables a plan runs, each a path or a name on PATH.
type Programs struct{ Python, VLLM, AIPerf, Nginx, Etcd, NATS string }

// Site is what a profile cannot know: places, names and programs of one launch.
type Site struct {
	Dir       string // private directory of this topology: logs, rendered files
	Temp      string // TMPDIR of the children; short, since unix socket paths end at 107 bytes
	Namespace string // DYN_NAMESPACE, fresh for each launch, without dots
	Cookie    string // marks every process of the run
	Artifacts string // artifacts_N of this topology
	Programs  Programs
	Root      bool // nginx would drop to nobody, who cannot enter a private directory
	Seed      int  // aiperf's --random-seed; the guide's is 100
}

// Label is the name of the series: kind_mode, as plot_pareto.py makes it.
func (p Plan) Label() string { return p.Kind + "_" + p.Mode }

// Ports lists every port of the plan, in order of start.
func (p Plan) Ports() []Port {
	var all []Port
	for _, s := range p.Services {
		all = append(all, s.Ports...)
	}
	return all
}

// Make decides the launch of a profile at a site. Errors are faults of the
// profile that show only once ports are derived.
func Make(p profile.Profile, s Site) (Plan, error) {
	d := newDraft(p, s)
	d.discovery()
	switch p.Engine {
	case "vllm":
		d.vllmServers()
	default:
		d.dynamo()
	}
	if err := d.balancer(); err != nil {
		return Plan{}, err
	}
	d.load()
	plan := d.finish()
	return plan, checkPorts(p, plan.Ports())
}

// Package profile reads a topology profile: the YAML file with the engine, model, workers,
// GPUs and load that a person wishes to measure.
//
// Load and Parse either return a profile that is complete (defaults filled in, paths absolute) and consistent (no two
// workers on one GPU, no clashing ports), or every fault at once, each with line and column. Nothing is guessed: an
// unknown key, a double key or a number such as 1.5, 010 or 1_0 is a fault.
package profile

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Profile is one topology and the load it is measured with.
//
// The struct tags are the schema: yaml is the key, in the closed range of an integer (of each element of a list), one
// the closed set of words of a string, help the line in the manual.
type Profile struct {
	Name   string `yaml:"name" help:"name of the topology; required"`
	Kind   string `yaml:"kind" help:"label of the series, before _aggregated or _disaggregated; required"`
	Engine string `yaml:"engine" one:"dynamo|vllm|mocker|command" help:"program that serves the model; required"`
	Model  string `yaml:"model" help:"model id such as Qwen/Qwen3-0.6B, or a directory; required"`
	// ServedName and Tokenizer are empty when not given: both are then the model.
	ServedName string `yaml:"served_name" help:"id that requests name; the model if absent"`
	Tokenizer  string `yaml:"tokenizer" help:"aiperf's tokenizer, an id or a directory; the model if absent"`

	// Command is nil unless Engine is command.
	Command   *Command  `yaml:"command" help:"the server of engine command"`
	Discovery Discovery `yaml:"discovery" help:"how workers find each other"`
	// Frontend is nil for engine vllm, for engine command unless the profile has one or roles, and for aggregated
	// mockers with a port each, which get a frontend of their own on that port.
	Frontend *Frontend `yaml:"frontend" help:"Dynamo's HTTP server, unless a balancer replaces it"`
	Balancer *Balancer `yaml:"balancer" help:"NGINX in front of the workers, for aggregated ones"`

	Prefill    []Worker          `yaml:"prefill" help:"prefill workers; they need decode workers too"`
	Decode     []Worker          `yaml:"decode" help:"decode workers"`
	Aggregated []Worker          `yaml:"aggregated" help:"workers that do both; they exclude prefill and decode"`
	EngineArgs []string          `yaml:"engine_args" help:"arguments of every worker, before the worker's own"`
	Env        map[string]string `yaml:"env" help:"variables of workers and frontends, and HF_* for aiperf"`

	Load     Sweep           `yaml:"load" help:"requests of a cell, one for all profiles of a run but for args"`
	Evidence string          `yaml:"evidence" one:"required|noted" help:"noted: cells count without counters"`
	Timeouts Timeouts        `yaml:"timeouts" help:"limits of what can hang"`
	Hosts    map[string]Host `yaml:"hosts" help:"machines by name; one without an address is a place for --hosts"`

	// Kubernetes is nil unless the profile, or a flag, has a key of it.
	Kubernetes *Kubernetes `yaml:"kubernetes" help:"how the topology becomes objects of a cluster (--kube)"`

	// Programs: empty = looked for, a bare name = looked for on PATH, else an absolute path.
	Python string `yaml:"python" help:"Python that imports dynamo, for engine dynamo vllm too"`
	VLLM   string `yaml:"vllm" help:"vllm command"`
	AIPerf string `yaml:"aiperf" help:"aiperf command"`
	Nginx  string `yaml:"nginx" help:"nginx"`
	Etcd   string `yaml:"etcd" help:"etcd"`
	NATS   string `yaml:"nats" help:"nats-server"`

	PortBase int               `yaml:"port_base" in:"1024..32767" help:"first port that topobench chooses"`
	Nice     int               `yaml:"nice" in:"0..19" help:"niceness of the workers"`
	ShareGPU bool              `yaml:"share_gpu" help:"let two workers name the same GPU"`
	Versions map[string]string `yaml:"versions" help:"versions to plan for, instead of the installed ones"`

	X         struct{}          `yaml:"x" help:"place for YAML anchors; topobench ignores it"`
	Source    string            `yaml:"-"` // where it was read: a path, or "built-in NAME"
	Text      string            `yaml:"-"` // as a person wrote it
	ConfigsAt map[string]string `yaml:"-"` // file:line:column of each --config, by the path of its file
	KeysAt    map[string]string `yaml:"-"` // file:line:column of each key, in a profile with kubernetes
}

// Discovery is how workers find each other: "start" a private server, "none", or the URL of
// a running one. Etcd none means discovery by files.
type Discovery struct {
	Etcd string `yaml:"etcd" help:"start a private etcd, none (files), or a URL"`
	NATS string `yaml:"nats" help:"start a private NATS, none, or a URL"`
}

// Frontend is Dynamo's HTTP server. Router is its router mode, empty = its default.
type Frontend struct {
	Port   int    `yaml:"port" in:"1..32767" help:"port that requests go to"`
	Router string `yaml:"router" help:"Dynamo's router mode; Dynamo's default if absent"`
	Host   string `yaml:"host" help:"name below hosts; etcd and NATS run there too"`
}

// Balancer is NGINX before several aggregated workers. Config is "guide", "tuned" or the absolute path of a template.
type Balancer struct {
	Port   int    `yaml:"port" in:"1..32767" help:"port that requests go to"`
	Config string `yaml:"config" help:"guide (the guide's file), tuned, or the path of a template"`
	Host   string `yaml:"host" help:"name below hosts"`
}

// Worker is one GPU-pinned process. TP x PP x DP is the number of its devices. Count is 0 outside of this package: the
// short form of a role is expanded.
type Worker struct {
	Devices    []int             `yaml:"cuda_visible_devices" in:"0..1023" or:"UUIDs" help:"GPUs; nominal for mocker"`
	UUIDs      []string          `yaml:"-"` // instead of Devices
	Count      int               `yaml:"workers" in:"1..1024" help:"short form only: the number of equal workers"`
	TP         int               `yaml:"tensor_parallel" in:"1..1024" help:"GPUs that share a layer"`
	PP         int               `yaml:"pipeline_parallel" in:"1..1024" help:"stages of layers on GPUs of their own"`
	DP         int               `yaml:"data_parallel" in:"1..1024" help:"data-parallel ranks"`
	Port       int               `yaml:"port" in:"1..32767" help:"port of the worker's own server; chosen if absent"`
	Host       string            `yaml:"host" help:"name below hosts; this machine if absent"`
	EngineArgs []string          `yaml:"engine_args" help:"arguments of this worker"`
	Env        map[string]string `yaml:"env" help:"variables of this worker"`
}

// Width is the number of devices that the parallelisms need.
func (w Worker) Width() int { return w.TP * w.PP * w.DP }

// Sweep is the load: one run for each concurrency, in this order. ISL and OSL are input and output tokens of a request.
// Exact means perf.sh's own argv, Spread means requests to every server in turn, without a balancer.
type Sweep struct {
	ISL         int      `yaml:"isl" in:"1..1000000" help:"input tokens of a request"`
	OSL         int      `yaml:"osl" in:"1..1000000" help:"output tokens of a request"`
	Concurrency []int    `yaml:"concurrency" in:"1..4096" help:"requests at the same time; one cell for each"`
	Exact       bool     `yaml:"exact" help:"aiperf's arguments are those of perf.sh and no others"`
	Spread      bool     `yaml:"spread" help:"aiperf sends to every server in turn; no balancer"`
	Args        []string `yaml:"args" help:"arguments of aiperf profile, after topobench's; sides may differ"`
	SLO         string   `yaml:"slo" help:"limits such as ttft_p90=500ms,itl_p90=25ms (topobench help rules)"`
}

// Timeouts bound what can hang.
type Timeouts struct {
	Ready time.Duration `yaml:"ready" help:"for each service to become ready"`
	Stall time.Duration `yaml:"stall" help:"after which a log that does not grow is worth a hint"`
	Cell  time.Duration `yaml:"cell" help:"for one cell; derived from the load"`
	Grace time.Duration `yaml:"grace" help:"between the signal to stop and the kill, for workers and frontends"`
	GPU   time.Duration `yaml:"gpu" help:"for GPU memory to be free again after a teardown"`
	// Progress is how long no request of a cell may complete; 0 = derived from the load.
	Progress time.Duration `yaml:"progress" help:"without a completed request; derived from the load"`
	Graces   Graces        `yaml:"graces" help:"graces of single roles"`
}

// Graces are those of the roles that have one of their own; 0 = Timeouts.Grace, or of the balancer, etcd and NATS 5 s.
type Graces struct {
	Frontend   time.Duration `yaml:"frontend"`
	Prefill    time.Duration `yaml:"prefill"`
	Decode     time.Duration `yaml:"decode"`
	Aggregated time.Duration `yaml:"aggregated"`
	Balancer   time.Duration `yaml:"balancer"`
	Etcd       time.Duration `yaml:"etcd"`
	NATS       time.Duration `yaml:"nats"`
}

// Host is a machine. Without transport and address it is a place that --hosts or a Slurm allocation fills; a local one
// has no address.
type Host struct {
	Transport string `yaml:"transport" one:"local|ssh|slurm" help:"ssh; slurm (a node of the allocation); local"`
	Address   string `yaml:"address" help:"address at which the others reach its servers, and ssh the host"`
	// Node is what ssh or srun calls the machine; "" = Address.
	Node   string            `yaml:"node" help:"its name for ssh or srun, where the address is not that"`
	User   string            `yaml:"user" help:"user of ssh; that of ssh's configuration, or yourself, if absent"`
	Listen string            `yaml:"listen" help:"address that its servers bind, such as 0.0.0.0; address if absent"`
	Python string            `yaml:"python" help:"Python that imports dynamo, on this host"`
	Env    map[string]string `yaml:"env" help:"variables of its workers and frontends, over those of the profile"`
}

// Dynamo reports whether workers are Dynamo's: they have a frontend and find each other.
func (p Profile) Dynamo() bool {
	return p.Engine != "vllm" && (p.Engine != "command" || p.Frontend != nil)
}

// Mode is "aggregated" or "disaggregated", in upstream's spelling.
func (p Profile) Mode() string {
	if len(p.Prefill)+len(p.Decode) > 0 {
		return "disaggregated"
	}
	return "aggregated"
}

// Label names the series on the chart: kind_mode.
func (p Profile) Label() string { return p.Kind + "_" + p.Mode() }

// GPUs counts the distinct devices of all workers on all machines.
func (p Profile) GPUs() int {
	type gpu struct{ machine, device string }
	seen := map[gpu]bool{}
	for _, w := range p.workers() {
		for _, d := range w.GPUs() {
			seen[gpu{p.Machine(w.Host), d}] = true
		}
	}
	return len(seen)
}

// GPUs are the worker's devices as CUDA_VISIBLE_DEVICES names them.
func (w Worker) GPUs() []string {
	all := slices.Clone(w.UUIDs)
	for _, d := range w.Devices {
		all = append(all, strconv.Itoa(d))
	}
	return all
}

// Machine identifies a host whatever its name: "" is this machine, else the address. A host without an address is a
// machine of its own.
func (p Profile) Machine(host string) string {
	h, ok := p.Hosts[host]
	switch {
	case !ok:
		return host
	case h.Transport == Local:
		return ""
	default:
		return cmp.Or(h.Address, "host "+host)
	}
}

// namedWorker is a worker with the name messages use (prefill-0) and its place in the file (prefill[0]).
type namedWorker struct {
	Worker
	name, path string
}

// servers are the frontend, the balancer and all workers, each with its port and host.
func (p Profile) servers() []namedWorker {
	var all []namedWorker
	if f := p.Frontend; f != nil {
		all = append(all, namedWorker{Worker{Port: f.Port, Host: f.Host}, "frontend", "frontend"})
	}
	if b := p.Balancer; b != nil {
		all = append(all, namedWorker{Worker{Port: b.Port, Host: b.Host}, "balancer", "balancer"})
	}
	return append(all, p.workers()...)
}

// role is a key that lists workers, and the workers.
type role struct {
	name    string
	workers *[]Worker
}

func (p *Profile) roles() []role {
	return []role{{"prefill", &p.Prefill}, {"decode", &p.Decode}, {"aggregated", &p.Aggregated}}
}

// workers lists all workers, by role and then as written.
func (p Profile) workers() []namedWorker {
	var all []namedWorker
	for _, r := range p.roles() {
		for i, w := range *r.workers {
			all = append(all, namedWorker{w, fmt.Sprintf("%s-%d", r.name, i), index(r.name, i)})
		}
	}
	return all
}

// Package profile reads a topology profile: the YAML file with the engine, model, workers,
// GPUs and load that a person wishes to measure.
//
// Load and Parse either return a profile that is complete (defaults filled in,
// paths absolute) and consistent (no two workers on one GPU, no clashing ports),
// or every fault at once, each with line and column. Nothing is guessed: an
// unknown key, a double key or a number such as 1.5, 010 or 1_0 is a fault.
package profile

import "time"

// Profile is one topology and the load it is measured with.
//
// The struct tags are the schema: yaml is the key, in the closed range of an
// integer (of each element of a list), one the closed set of words of a string.
type Profile struct {
	Name   string `yaml:"name"`
	Kind   string `yaml:"kind"` // first half of the series' label: kind_mode
	Engine string `yaml:"engine" one:"dynamo|vllm|mocker"`
	Model  string `yaml:"model"` // an id such as Qwen/Qwen3-0.6B, or an absolute path
	// ServedName and Tokenizer are empty when not given: both are then the model.
	ServedName string `yaml:"served_name"`
	Tokenizer  string `yaml:"tokenizer"`

	Discovery Discovery `yaml:"discovery"`
	// Frontend is nil for engine vllm and for aggregated mockers with a port
	// each, which get a frontend of their own on that port.
	Frontend *Frontend `yaml:"frontend"`
	Balancer *Balancer `yaml:"balancer"` // nil: the load goes to the frontend or the only worker

	Prefill    []Worker          `yaml:"prefill"`
	Decode     []Worker          `yaml:"decode"`
	Aggregated []Worker          `yaml:"aggregated"`
	EngineArgs []string          `yaml:"engine_args"` // for every worker, before the worker's own
	Env        map[string]string `yaml:"env"`         // for every worker; ${ENV:NAME} is kept as text

	Load     Sweep           `yaml:"load"`
	Timeouts Timeouts        `yaml:"timeouts"`
	Hosts    map[string]Host `yaml:"hosts"`

	// Programs: empty = looked for, a bare name = looked for on PATH, else an absolute path.
	Python string `yaml:"python"`
	VLLM   string `yaml:"vllm"`
	AIPerf string `yaml:"aiperf"`
	Nginx  string `yaml:"nginx"`
	Etcd   string `yaml:"etcd"`
	NATS   string `yaml:"nats"`

	PortBase int               `yaml:"port_base" in:"1024..32000"` // first port chosen by plan; 0 = plan's own
	Nice     int               `yaml:"nice" in:"0..19"`            // of the workers
	ShareGPU bool              `yaml:"share_gpu"`                  // two workers may name one GPU
	Versions map[string]string `yaml:"versions"`                   // dynamo vllm aiperf nginx etcd nats

	X      struct{} `yaml:"x"` // a place for YAML anchors; it is not read
	Source string   `yaml:"-"` // where it was read: a path, or "built-in NAME"
}

// Discovery is how workers find each other: "start" a private server, "none", or the URL of
// a running one. Etcd none means discovery by files.
type Discovery struct {
	Etcd string `yaml:"etcd"` // start | none | http(s)://...
	NATS string `yaml:"nats"` // start | none | nats://...
}

// Frontend is Dynamo's HTTP server. Router is its router mode, empty = its default.
type Frontend struct {
	Port   int    `yaml:"port" in:"1..32767"`
	Router string `yaml:"router"`
	Host   string `yaml:"host"` // a key of Hosts; etcd and NATS are there too
}

// Balancer is NGINX before several aggregated workers. Config is "guide",
// "tuned" or the absolute path of a template.
type Balancer struct {
	Port   int    `yaml:"port" in:"1..32767"`
	Config string `yaml:"config"`
	Host   string `yaml:"host"` // a key of Hosts
}

// Worker is one GPU-pinned process. TP x DP is the number of its devices.
type Worker struct {
	Devices    []int             `yaml:"cuda_visible_devices" in:"0..1023"`
	TP         int               `yaml:"tensor_parallel" in:"1..1024"` // default 1
	DP         int               `yaml:"data_parallel" in:"1..1024"`   // default 1
	Port       int               `yaml:"port" in:"1..32767"`           // 0 = chosen by plan
	Host       string            `yaml:"host"`                         // a key of Hosts, "" = this machine
	EngineArgs []string          `yaml:"engine_args"`
	Env        map[string]string `yaml:"env"`
}

// Sweep is the load: one run for each concurrency, in this order. ISL and OSL
// are input and output tokens of a request. Exact means perf.sh's own argv, Spread means
// requests to every server in turn, without a balancer.
type Sweep struct {
	ISL         int   `yaml:"isl" in:"1..1000000"`
	OSL         int   `yaml:"osl" in:"1..1000000"`
	Concurrency []int `yaml:"concurrency" in:"1..4096"`
	Exact       bool  `yaml:"exact"`
	Spread      bool  `yaml:"spread"`
}

// Timeouts bound what can hang.
type Timeouts struct {
	Ready time.Duration `yaml:"ready"` // for each service to open its gate
	Stall time.Duration `yaml:"stall"` // a log that has not grown for so long is worth a hint
	Cell  time.Duration `yaml:"cell"`  // for one run; 0 = derived from the load
	Grace time.Duration `yaml:"grace"` // between the polite signal and the kill, of workers and frontends
	GPU   time.Duration `yaml:"gpu"`   // for GPU memory to be given back after the end
	// Progress is how long no request of a cell may complete; 0 = derived from the load.
	Progress time.Duration `yaml:"progress"`
	Graces   Graces        `yaml:"graces"`
}

// Graces are those of the roles that have one of their own; 0 = Timeouts.Grace, or
// of the balancer, etcd and NATS 5 s.
type Graces struct {
	Frontend   time.Duration `yaml:"frontend"`
	Prefill    time.Duration `yaml:"prefill"`
	Decode     time.Duration `yaml:"decode"`
	Aggregated time.Duration `yaml:"aggregated"`
	Balancer   time.Duration `yaml:"balancer"`
	Etcd       time.Duration `yaml:"etcd"`
	NATS       time.Duration `yaml:"nats"`
}

// Host is a machine. Address is what ssh, or srun's --nodelist, is given; a local host has none.
type Host struct {
	Transport string `yaml:"transport" one:"local|ssh|srun"`
	Address   string `yaml:"address"`
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
	type gpu struct {
		machine string
		device  int
	}
	seen := map[gpu]bool{}
	for _, w := range p.workers() {
		for _, d := range w.Devices {
			seen[gpu{p.Machine(w.Host), d}] = true
		}
	}
	return len(seen)
}

// Machine identifies a host whatever its name: "" is this machine, else the address.
func (p Profile) Machine(host string) string {
	h, ok := p.Hosts[host]
	switch {
	case !ok:
		return host
	case h.Transport == "local":
		return ""
	default:
		return h.Address
	}
}

package verdict

import "topobench/internal/aiperf"

// Load is the load as it was configured; 0 = unknown.
type Load struct {
	Requests    int // measured ones, without the warm-up
	Warmup      int
	OSL         int // output tokens of each request
	Concurrency int
	Args        bool // the profile gives aiperf further arguments
}

// Evidence is what was observed while a cell ran. A nil or empty field was not observed
// because it does not apply: an artifacts tree that another program wrote has none.
type Evidence struct {
	AIPerf     AIPerf
	Services   int         // that the plan started
	Died       string      // why the topology ended during the cell
	When       string      // of Unhealthy: in, or after
	Unhealthy  []Unhealthy // services that stopped serving
	Flapped    []Unhealthy // services that missed a probe after the cell and then answered
	Restarted  []string    // services that were restarted, with the proof
	Ended      []string    // processes of services that ran before the cell and not after it
	Unlisted   string      // why the processes of all services could not be listed
	Traffic    *Traffic
	Transfers  *Traffic // KV caches that decode workers fetched from prefill workers
	GPUs       *GPUs
	Client     *Client
	Records    *Records
	Kernel     *KernelLog
	Cluster    *ClusterEvents
	Nginx      *NginxLog
	Tunnel     string // that the load goes through
	Relaunched string // why this is not the first launch or attempt
	Drift      string // what had changed since the campaign began
}

// AIPerf is how aiperf ended.
type AIPerf struct {
	Problem  string        // "" = by itself with status 0
	Causes   string        // of failed requests, or its own last error
	NoExport string        // why its export could not be read
	Stalled  bool          // requests stopped completing
	Unseen   aiperf.Unseen // the longest time in which topobench did not run
}

// Unhealthy is a service that did not pass its health probe.
type Unhealthy struct {
	Service, Why string
	Late         bool // it accepted the probe and did not answer in time: it hangs, or is busy
}

func (u Unhealthy) String() string { return u.Service + ": " + u.Why }

// Traffic is how the requests of a cell were shared out.
type Traffic struct {
	Routing Routing
	Workers []Worker
	Unread  string // why the counters could not be read

	Uncounted string // why there are no counters; then there are no workers here either
}

// Routing is who chooses the worker of a request.
type Routing string

// The kinds of routing.
const (
	InTurn   Routing = "in turn"   // one frontend, round-robin
	ByRouter Routing = "by router" // one frontend, another mode
	Balanced Routing = "balanced"  // a balancer before the workers' own servers
	ByClient Routing = "by client" // aiperf goes round the workers' own servers
)

// Worker is what one worker counted in the cell, warm-up included.
type Worker struct {
	Service string
	Role    string
	Prefill bool // a router may leave it out
	Served  float64
}

// GPUs is what samples of the GPUs showed.
type GPUs struct {
	Devices    []int
	Where      string // the devices with their hosts, where these are other machines
	Samples    int
	Failed     int      // samples without an answer
	LastFailed bool     // the last sample was one of them
	Failure    string   // of the latest failed sample
	Attributed bool     // a sample showed processes of ours, so foreign ones are recognisable
	Foreign    []string // processes that are not ours
	Growth     []string // memory beyond the value after readiness that no known process explains
	NoMemory   bool     // the memory could not be read either
	Slowed     []string // throttle reasons, by GPU
	NoClocks   string   // why throttle reasons could not be read
}

// Client is the CPU use of aiperf's process tree while requests ran.
type Client struct {
	Seconds   float64 // CPU time, reaped children included
	Elapsed   float64 // seconds
	CPUs      float64 // that it may use: affinity and cgroup quota
	Periods   float64 // cgroup scheduling periods that ran
	Throttled float64 // of them, those in which the quota was used up
	Busiest   float64 // highest CPU share of one process, 1 = one CPU
	Process   string  // which one
	Unread    string  // why it could not be read
	Balancer  string  // nginx, whose CPU use could not be read; "" = it could, or there is none
}

// Records is what aiperf's records of single requests show.
type Records struct {
	aiperf.Summary
	Unread string // why they could not be read
}

// KernelLog is the kernel's messages about GPUs and memory.
type KernelLog struct {
	Messages []string
	Unread   string
}

// ClusterEvents are the events of a namespace of Kubernetes that came during a cell.
type ClusterEvents struct {
	Events []string // distinct
	Unread string
}

// NginxLog is the upstream faults that nginx logged.
type NginxLog struct {
	Faults  []string
	Ejected []string // servers that nginx stopped using
	Ejects  bool     // its configuration makes it stop using a server
	Unread  string   // why its log could not be read
}

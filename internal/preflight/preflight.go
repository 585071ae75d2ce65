// Package preflight checks everything that can be wrong before a run starts anything, and reports all faults at once.
//
// `run` stops on Report.Err. Starting an interpreter to probe its version is the only thing that a check does to
// the machine, besides raising this process's own limit on open files.
package preflight

import (
	"context"
	"errors"
	"maps"
	"slices"

	"topobench/internal/aiperf"
	"topobench/internal/host/gpu"
	"topobench/internal/plan"
	"topobench/internal/profile"
	"topobench/internal/programs"
)

// State is the result of a check.
type State string

// The states.
const (
	OK      State = "ok"
	Warning State = "warning" // the run starts, and may fail or be slow
	Failure State = "failure" // the run must not start
)

// Names of checks.
const (
	Comparability = "comparability"
	Disk          = "disk"
	Directories   = "directories"
	OpenFiles     = "open-files"
	GPUs          = "gpus"
	Allocation    = "allocation"
	Programs      = "programs"
	Versions      = "versions"
	Plan          = "plan"
	Ports         = "ports"
	Environment   = "environment"
	Model         = "model"
	Hosts         = "hosts"

	// The doctor's own.
	Discovery    = "discovery"
	NVLink       = "nvlink"
	Memlock      = "memlock"
	SharedMemory = "shared-memory"
	Governor     = "governor"
	NUMA         = "numa"
	Cgroup       = "cgroup"

	// Those of a cluster, of the doctor too.
	Context   = "context"
	Namespace = "namespace"
	Operator  = "operator"
	Rights    = "rights"
	Objects   = "objects"
	Nodes     = "nodes"
	Quota     = "quota"
	LoadImage = "load-image"
)

// Names are the checks with what each is about, for the manual.
func Names() [][2]string {
	return [][2]string{
		{Comparability, "one load and a label each for all profiles, and a baseline among them"},
		{Disk, "space for results, logs and temporary files, and where they are"},
		{Directories, "what the artifacts root, TMPDIR and HOME can do"},
		{OpenFiles, "the limit on open files against the highest concurrency"},
		{Programs, "programs and interpreters with their versions and paths"},
		{Versions, "versions of the profile against the installed ones"},
		{Plan, "whether the profile can be planned for these versions and this machine"},
		{Environment, "variables that env names"},
		{Model, "model and tokenizer"},
		{Hosts, "the other machines of the profiles, each of which makes these checks of its own part"},
		{GPUs, "GPUs with memory, power limit, clocks, persistence mode and users"},
		{Allocation, "the GPUs of the profile against those that the caller may use"},
		{Ports, "ports of the plan: free, not claimed by another run, out of the range of clients"},
		{Discovery, "etcd and NATS of others, by their URLs"},
		{NVLink, "links between the GPUs of one worker (nvidia-smi topo -m)"},
		{Memlock, "the limit on locked memory, where RDMA needs it"},
		{SharedMemory, "space in /dev/shm"},
		{Governor, "the policy for the clock of the CPUs"},
		{NUMA, "NUMA nodes of the GPUs against the CPUs of aiperf"},
		{Cgroup, "limits of the container or the job on CPUs, memory and processes"},
		{Context, "with --kube: the context of kubectl, and whether the API server answers"},
		{Namespace, "with --kube: the namespace, which must exist"},
		{Operator, "with --kube: the definition of Dynamo's graphs"},
		{Rights, "with --kube: the rights of the user, all missing ones at once"},
		{Objects, "with --kube: every object, checked by the API server"},
		{Nodes, "with --kube: GPUs of the nodes against those that a topology needs"},
		{Quota, "with --kube: quotas of the namespace that have no room for a topology"},
		{LoadImage, "with --kube: the image that aiperf runs in"},
	}
}

// Exit codes of a run that a failed check stops.
const (
	usageCode = 2
	BusyCode  = 6 // another process has a port or a GPU
)

// Check is one fact about the machine or the profiles.
type Check struct {
	Name   string `json:"check"` // one of the constants above
	State  State  `json:"state"`
	Found  string `json:"found"`            // what is there; for a Failure the reason why the run cannot start
	Remedy string `json:"remedy,omitempty"` // what to do next; "" if there is nothing to do, or if Found has it
	Code   int    `json:"exit_code"`        // of the run that this check stops; 0 unless State is Failure
}

// String is the check as a message for a person.
func (c Check) String() string {
	if c.Remedy == "" {
		return c.Found
	}
	return c.Found + "; " + c.Remedy
}

func ok(name, found string) Check { return Check{Name: name, State: OK, Found: found} }

func warn(name, found, remedy string) Check {
	return Check{Name: name, State: Warning, Found: found, Remedy: remedy}
}

func fail(name, found, remedy string) Check {
	return Check{Name: name, State: Failure, Found: found, Remedy: remedy, Code: usageCode}
}

// failed is a Failure for each error that err joins, or OK with found if err is nil.
func failed(name string, err error, found string) []Check {
	if err == nil {
		return []Check{ok(name, found)}
	}
	joined, several := err.(interface{ Unwrap() []error })
	if !several {
		return []Check{fail(name, err.Error(), "")}
	}
	var checks []Check
	for _, e := range joined.Unwrap() {
		checks = append(checks, failed(name, e, "")...)
	}
	return checks
}

// Error is a check that failed.
type Error struct{ Check Check }

func (e *Error) Error() string { return e.Check.String() }

// Request is what a command is about to run.
type Request struct {
	Profiles   []profile.Profile // with the load flags applied
	Launches   int               // of each profile; 0 = one
	Programs   programs.Paths    // the programs that flags name
	Baseline   string            // label of the series that the others are compared with; "" = the default
	Root       string            // where results are written
	Temp       string            // where runs have their private directories
	TempName   string            // the flag or variable that names another Temp
	TempPassed []string          // why stronger choices of Temp were passed over
	LogCap     uint64            // bytes that one log may have; 0 = any
	MinFree    uint64            // bytes that must be free for logs; 0 = disk space is not checked
	Environ    []string          // of this process
	Getenv     func(string) string
	Load       aiperf.Options // seed and fresh prompts
	AsRoot     bool           // nginx is started as root
	PortRange  string         // path of the range of ports that the kernel assigns to clients; "" = unknown
	MapGPUs    bool           // replace the GPUs of a profile by those of the allocation, in order
	Look       bool           // query the GPUs in any case

	Hosts map[string]Inspector // the other machines of the profiles, by name

	hub     map[atHub]error       // answers so far
	away    bool                  // this machine has parts only: another one runs aiperf
	answers map[string]HostAnswer // of the other machines
}

// Topology is a profile with the programs that it runs, their versions, and the plan that follows from them.
type Topology struct {
	Profile  profile.Profile
	Programs plan.Programs
	Versions plan.Versions
	Plan     plan.Plan       // without places
	Found    Places          // with where each program was found
	GPUMap   []string        // with Request.MapGPUs, a line for each GPU
	Parts    map[string]Part // of the other machines, by name

	unfit error // programs that are missing, cannot be probed, or lack a package
}

// Report is the result of all checks.
type Report struct {
	Checks     []Check
	Topologies []Topology // one for each profile if Err is nil
	NvidiaSMI  string     // its path; "" if there is none
	GPUs       gpu.State  // if they were queried

	GPUsUnknown string // why a query had no answer

	Hosts map[string]HostAnswer // of the other machines, by name
}

// All makes every check.
func All(ctx context.Context, r Request) Report {
	r.hub = map[atHub]error{}
	report := Report{Checks: slices.Concat(comparable(r.Profiles, r.Baseline), r.disk(), r.root(), r.temp(),
		r.surroundings(), r.openFiles())}
	answers := make(chan map[string]HostAnswer, 1)
	go func(r Request) { answers <- r.inspect(ctx) }(r)
	g := r.gpus(ctx)
	r.answers = <-answers
	parts := r.parts()
	for i, p := range r.Profiles {
		topology, checks := r.topology(ctx, p, g, parts[i])
		report.Checks = append(report.Checks, checks...)
		report.Topologies = append(report.Topologies, topology)
	}
	report.NvidiaSMI, report.GPUs, report.GPUsUnknown, report.Hosts = g.smi, g.state, g.unknown, r.answers
	report.Checks = append(report.Checks, g.checks(report.Topologies)...)
	for _, name := range slices.Sorted(maps.Keys(report.Hosts)) {
		report.Checks = append(report.Checks, On(name, report.Hosts[name].Checks)...)
	}
	return report
}

// Plans are those of the topologies.
func (r Report) Plans() (plans []plan.Plan) {
	for _, t := range r.Topologies {
		plans = append(plans, t.Plan)
	}
	return plans
}

// Err joins an *Error for each check that failed, or is nil. Two profiles that lack the same program have one.
func (r Report) Err() error {
	var faults []error
	seen := map[string]bool{}
	for _, c := range r.Checks {
		if text := c.String(); c.State == Failure && !seen[text] {
			seen[text] = true
			faults = append(faults, &Error{c})
		}
	}
	return errors.Join(faults...)
}

// Warnings are the checks with that state, each text once.
func (r Report) Warnings() []Check {
	var all []Check
	for _, c := range r.Checks {
		if c.State == Warning && !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	return all
}

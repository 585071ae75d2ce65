package verdict

import (
	"slices"

	"topobench/internal/aiperf"
)

// Absence is what a rule does without evidence.
type Absence string

// A rule either excludes a cell that it cannot check, because the number itself is in
// doubt, or notes a disturbance that it could have missed.
const (
	Excludes Absence = "excludes"
	Notes    Absence = "noted"
)

// Rule is one row of the table of rules.
type Rule struct {
	Name            CheckName
	Why             string
	Threshold       string // "" = none
	WithoutEvidence Absence
	EndsLaunch      bool // where it fails, the launch can measure no further cell
	judge           func(cell) []finding
}

// cell is the input of every rule.
type cell struct {
	e    Evidence
	m    aiperf.Measurement
	load Load
}

// finding is a check without its name. A rule that does not apply has none; one that lacks
// evidence reports Unchecked, and its column WithoutEvidence decides.
type finding struct {
	state  State
	detail string
}

// Rules is the table, in the order in which checks are reported: causes before their
// effects.
func Rules() []Rule {
	return []Rule{
		{WorkerDied, "a cell in which a process died measured a smaller deployment", "", Excludes, true, workerDied},
		{Stalled, "requests stopped completing", "see the load's limits", Excludes, true, stalled},
		{Workers, "every service must serve before, during and after the cell", "3 failed probes in a row",
			Excludes, true, workers},
		{Ejected, "nginx stopped using a server for 10000 s", "3 faults of one server", Excludes, true, ejected},
		{Tunnel, "a tunnel adds its delays and drops to those of the server", "", Notes, false, tunnel},
		{Suspended, "nothing was observed while topobench was suspended or without CPU time", "2 s", Excludes, false,
			suspended},
		{Restarted, "a restarted service lost its cache and its connections", "", Excludes, false, restarted},
		{Flap, "a service missed a health probe after the cell", "", Notes, false, flapped},
		{GPUUsers, "a foreign process on a GPU slows the engine", "1 GiB where processes are hidden",
			Notes, false, gpuUsers},
		{GPUClocks, "a GPU that throttles is slower", "", Notes, false, gpuClocks},
		{ClientCPU, "a client without CPU time measures itself",
			"90 % of its CPUs, 5 % of its periods throttled, 95 % of a CPU in one process", Notes, false, clientCPU},
		{Kernel, "the kernel reported a GPU fault or ran out of memory", "", Notes, false, kernel},
		{Cluster, "Kubernetes reported a fault in the namespace, or a change of the topology's pods", "", Notes, false,
			cluster},
		{Nginx, "nginx logged faults of its servers", "", Notes, false, nginx},
		{Relaunched, "the topology was restarted, or the cell measured again", "", Notes, false, relaunched},
		{Drift, "the campaign was continued after a change of its setup (run --resume --allow-drift)", "", Notes, false,
			drifted},
		{Run, "aiperf must end by itself with status 0", "", Excludes, false, run},
		{Result, "the export must be readable", "", Excludes, false, result},
		{Concurrency, "an export of another concurrency was moved or left over", "", Excludes, false, concurrency},
		{Flight, "fewer requests under way than configured are another load",
			"95 % of the smaller of concurrency and requests", Notes, false, inFlight},
		{Errors, "no request may fail", "", Excludes, false, readable(failures)},
		{Requests, "every request must complete", "", Excludes, false, readable(requests)},
		{Cancelled, "the run must not be cut short", "", Excludes, false, readable(cancelled)},
		{Spread, "each worker must serve its share, and no other client may use the workers",
			"half an equal share by aiperf, a tenth by a balancer, 1 request by a router; " +
				"110 % of what was sent", Excludes, false, spread},
		{Transfers, "a decode worker without KV caches from prefill workers computes the prompts itself", "",
			Notes, false, transfers},
		{OutputLen, "the mean output length must be the configured one", "2 %",
			Excludes, false, readable(outputLength)},
		{InterToken, "every request needs an inter-token latency, or the mean is of a biased few", "",
			Excludes, false, readable(interToken)},
		{SteadyState, "the first and the last requests run beside fewer others than the configured ones",
			"5 % between the throughput with 90 % of the requests under way and that of the cell; " + fromWaves,
			Notes, false, ofWaves(steadyState)},
		{Lockstep, "requests that start together wait for each other's prompts: TTFT is that of bursts",
			"1.3 from the first to the last quarter in most waves; " + fromWaves, Notes, false, ofWaves(lockstep)},
		{Numbers, "throughput and latency must be numbers greater than zero", "", Excludes, false, readable(positive)},
	}
}

// Of applies the table to one cell. m is zero where the export could not be read.
func Of(e Evidence, m aiperf.Measurement, load Load) Verdict {
	if load.Requests == 0 {
		load.Requests = m.Requests
	}
	var checks []Check
	for _, rule := range Rules() {
		for _, f := range rule.judge(cell{e, m, load}) {
			if f.state == Unchecked && rule.WithoutEvidence == Notes {
				f.state = NotMade
			}
			if !repeats(checks, f) {
				checks = append(checks, Check{rule.Name, f.state, f.detail})
			}
		}
	}
	return Sum(checks)
}

// repeats reports whether an earlier check gives the same reason: the end of an aiperf
// that was stopped because a worker died is no second fault.
func repeats(checks []Check, f finding) bool {
	return f.state == Invalid && slices.ContainsFunc(checks, func(c Check) bool {
		return c.State == Invalid && c.Detail == f.detail
	})
}

// LaunchFailure returns the check after which the launch can measure no further cell; ok
// is false if there is none.
func (v Verdict) LaunchFailure() (failed Check, ok bool) {
	for _, rule := range Rules() {
		if c, found := v.Find(rule.Name); found && rule.EndsLaunch && c.State == Invalid {
			return c, true
		}
	}
	return Check{}, false
}

// readable skips a rule on numbers where there is no export.
func readable(judge func(cell) []finding) func(cell) []finding {
	return func(c cell) []finding {
		if c.m.Metrics == nil {
			return nil
		}
		return judge(c)
	}
}

func one(state State, detail string) []finding { return []finding{{state, detail}} }

// when is for a rule that has nothing to report unless its condition is true.
func when(condition bool, state State, detail string) []finding {
	if !condition {
		return nil
	}
	return one(state, detail)
}

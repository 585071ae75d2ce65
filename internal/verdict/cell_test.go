package verdict

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/aiperf"
)

// configured fits good.
func configured() Load { return Load{Requests: 2, OSL: 10} }

func TestEveryRuleHasAReasonAndAnAbsence(t *testing.T) {
	seen := map[CheckName]bool{}
	for _, r := range Rules() {
		if r.Why == "" || (r.WithoutEvidence != Excludes && r.WithoutEvidence != Notes) || seen[r.Name] {
			t.Errorf("%+v", r)
		}
		seen[r.Name] = true
	}
}

// A tree that another program wrote has only aiperf's files: rules on evidence are absent.
func TestOfWithoutEvidenceHasOnlyRulesOnNumbers(t *testing.T) {
	v := Of(Evidence{}, good(), configured())
	var names []CheckName
	for _, c := range v.Checks {
		names = append(names, c.Name)
	}
	want := []CheckName{Errors, Requests, Cancelled, OutputLen, InterToken, Numbers}
	if diff := cmp.Diff(want, names); diff != "" || v.State != Valid {
		t.Errorf("%s, want (-), got (+):\n%s", v.State, diff)
	}
}

func TestSumKnowsEveryState(t *testing.T) {
	for _, row := range []struct {
		states  []State
		want    State
		reasons int
		noted   int
	}{
		{nil, Valid, 0, 0},
		{[]State{Valid, Note, NotMade, NotMade}, Valid, 0, 2},
		{[]State{Note, Unchecked, NotMade}, Unchecked, 1, 1},
		{[]State{Unchecked, Invalid, Invalid}, Invalid, 2, 0},
		{[]State{"great"}, Unchecked, 1, 0},
	} {
		var checks []Check
		for _, s := range row.states {
			checks = append(checks, Check{Run, s, "x"})
		}
		v := Sum(checks)
		if v.State != row.want || len(v.Reasons) != row.reasons || len(v.Noted()) != row.noted {
			t.Errorf("%v: got %s, %q, noted %v", row.states, v.State, v.Reasons, v.Noted())
		}
	}
}

func TestOfEvidence(t *testing.T) {
	sick := []Unhealthy{{Service: "a", Why: "x"}, {Service: "b", Why: "y"}}
	for _, row := range []struct {
		why   string
		e     Evidence
		name  CheckName
		state State // "" = the rule does not apply
		part  string
	}{
		{"all services were there", Evidence{Services: 2}, Workers, Valid, "all 2 services"},
		{"two left in the cell", Evidence{Services: 2, When: "after", Unhealthy: sick}, Workers, Invalid, "after the cell: a: x; b: y"},
		{"a service of another operator", Evidence{}, Workers, "", ""},
		{"F-30: a service died, in one line", Evidence{Services: 1, Died: "decode-0 died: exit 1\n  its last lines"}, WorkerDied, Invalid, "decode-0 died: exit 1"},
		{"F-52: suspended for a moment", Evidence{AIPerf: AIPerf{Unseen: aiperf.Unseen{For: 1900 * time.Millisecond, Stopped: true}}}, Suspended, "", ""},
		{"F-52: suspended", Evidence{AIPerf: AIPerf{Unseen: aiperf.Unseen{For: 2100 * time.Millisecond, Stopped: true}}}, Suspended, Invalid, "suspended for 2.1 s"},
		{"C03: throttled", Evidence{AIPerf: AIPerf{Unseen: aiperf.Unseen{For: 3 * time.Second, Throttled: 5 * time.Second}}}, Suspended, Invalid, "did not run for 3.0 s of the cell, in which its cgroup had used up its CPU quota"},
		{"stopped, and the load was throttled", Evidence{AIPerf: AIPerf{Unseen: aiperf.Unseen{For: 3 * time.Second, Throttled: 5 * time.Second, Stopped: true}}}, Suspended, Invalid, "suspended for 3.0 s"},
		{"neither", Evidence{AIPerf: AIPerf{Unseen: aiperf.Unseen{For: 3 * time.Second}}}, Suspended, Invalid, "gave it no CPU time"},
		{"F-32: restarted", Evidence{Restarted: []string{"a (pid 7)", "b"}}, Restarted, Invalid, "restarted in the cell: a (pid 7); b"},
		{"F-23: a late answer", Evidence{Flapped: sick[:1]}, Flap, Note, "a did not answer at once after the cell: x"},
		{"no GPU was sampled", Evidence{}, GPUUsers, "", ""},
		{"only ours", Evidence{GPUs: &GPUs{Devices: []int{0, 3}, Samples: 2, Attributed: true}}, GPUUsers, Valid, "only processes of the topology on GPU 0 3 in 2 samples"},
		{"a foreign process", Evidence{GPUs: &GPUs{Samples: 3, Attributed: true, Foreign: []string{"process 7", "process 8"}}}, GPUUsers, Invalid, "process 7; process 8"},
		{"a foreign process, seen before nvidia-smi hung",
			Evidence{GPUs: &GPUs{Samples: 2, Failed: 1, LastFailed: true, Foreign: []string{"process 7"}, Failure: "x"}}, GPUUsers, Invalid, "process 7"},
		{"nvidia-smi hung at last", Evidence{GPUs: &GPUs{Samples: 9, Failed: 1, LastFailed: true, Attributed: true, Failure: "GPUs\nunknown"}}, GPUUsers, NotMade,
			"9 samples, 1 without an answer: GPUs; unknown"},
		{"it hung once, and then no more", Evidence{GPUs: &GPUs{Samples: 9, Failed: 1, Attributed: true, Failure: "x"}}, GPUUsers, Valid, "in 9 samples, 1 without an answer"},
		{"it hung as often as it answered", Evidence{GPUs: &GPUs{Samples: 4, Failed: 2, Attributed: true, Failure: "x"}}, GPUUsers, Valid, ""},
		{"it hung more often than it answered", Evidence{GPUs: &GPUs{Samples: 3, Failed: 2, Attributed: true, Failure: "x"}}, GPUUsers, NotMade, "3 samples, 2 without an answer: x"},
		{"F-33: processes of ours are hidden", Evidence{GPUs: &GPUs{Samples: 2}}, GPUUsers, NotMade, "nvidia-smi shows no process of ours"},
		{"F-33: and memory grew", Evidence{GPUs: &GPUs{Samples: 2, Growth: []string{"GPU 0: 2048 MiB"}}}, GPUUsers, Invalid, "GPU 0: 2048 MiB"},
		{"F-33: and there is no memory to compare", Evidence{GPUs: &GPUs{Samples: 2, NoMemory: true}}, GPUUsers, NotMade, "neither processes of ours nor the memory"},
		{"there is no nvidia-smi", Evidence{GPUs: &GPUs{Failure: "nvidia-smi was not found"}}, GPUUsers, NotMade, "nvidia-smi was not found"},
		{"slow, and no worse for that", Evidence{GPUs: &GPUs{Samples: 2, Attributed: true, Slowed: []string{"GPU 0: a", "GPU 3: b"}}}, GPUClocks, Note, "GPU 0: a; GPU 3: b"},
		{"throttle reasons are unknown", Evidence{GPUs: &GPUs{Samples: 2, NoClocks: "no such field\nx"}}, GPUClocks, NotMade, "no such field"},
		{"the kernel is silent", Evidence{Kernel: &KernelLog{}}, Kernel, "", ""},
		{"the kernel log is not readable", Evidence{Kernel: &KernelLog{Unread: "permission denied"}}, Kernel, NotMade, "permission denied"},
		{"the kernel reported a fault", Evidence{Kernel: &KernelLog{Messages: []string{"NVRM: Xid", "oom"}}}, Kernel, Note, "kernel log: NVRM: Xid; oom"},
		{"a cluster without events", Evidence{Cluster: &ClusterEvents{}}, Cluster, "", ""},
		{"the events are not readable", Evidence{Cluster: &ClusterEvents{Unread: "forbidden\nx"}}, Cluster, NotMade, "cannot read the events of the cluster: forbidden"},
		{"the cluster had events", Evidence{Cluster: &ClusterEvents{Events: []string{"a", "b", "c", "d", "e", "f", "g"}}}, Cluster, Note, "events of the cluster: a; b; c; d; e; and 2 more"},
		{"nginx logged faults", Evidence{Nginx: &NginxLog{Faults: []string{"connect() failed", "x"}}}, Nginx, Note, "2 faults with its servers: connect() failed"},
		{"F-34: nginx keeps one out", Evidence{Nginx: &NginxLog{Ejected: []string{"h:1"}}}, Ejected, Invalid, "nginx sends nothing more to h:1"},
		{"a second launch", Evidence{Relaunched: "restarted"}, Relaunched, Note, "restarted"},
	} {
		v := Of(row.e, good(), configured())
		c, ok := v.Find(row.name)
		if c.State != row.state || ok != (row.state != "") || !strings.Contains(c.Detail, row.part) || strings.Contains(c.Detail, "\n") {
			t.Errorf("%s: %+v, want %s with %q", row.why, c, row.state, row.part)
		}
		if valid := row.state == "" || Worse(Valid, row.state) == Valid; (v.State == Valid) != valid {
			t.Errorf("%s: the verdict is %s %q", row.why, v.State, v.Reasons)
		}
	}
}

// One saturated process of 192 CPUs is half a percent of the machine, and the limit.
func TestF36C03ClientIsTheLimit(t *testing.T) {
	for _, row := range []struct {
		why string
		u   Client
		is  []string // nil: it is not the limit
	}{
		{"most of its CPUs are idle", Client{Seconds: 40, Elapsed: 10, CPUs: 192, Busiest: 0.4}, nil},
		{"91 % of all CPUs that it may use", Client{Seconds: 36.4, Elapsed: 10, CPUs: 4}, []string{"91 % of the 4 CPUs"}},
		{"90 %", Client{Seconds: 36, Elapsed: 10, CPUs: 4}, nil},
		{"one process of many CPUs", Client{Seconds: 9.8, Elapsed: 10, CPUs: 192, Busiest: 0.98, Process: "python (pid 7)"}, []string{"python (pid 7) used 98 % of one CPU"}},
		{"95 % of one CPU", Client{Seconds: 9.5, Elapsed: 10, CPUs: 192, Busiest: 0.95}, nil},
		{"its quota was used up in 6 % of the periods", Client{Seconds: 1, Elapsed: 10, CPUs: 2, Periods: 100, Throttled: 6}, []string{"6 % of the periods"}},
		{"in 5 %", Client{Seconds: 1, Elapsed: 10, CPUs: 2, Periods: 100, Throttled: 5}, nil},
		{"nothing was measured", Client{}, nil},
		{"two limits", Client{Seconds: 2, Elapsed: 1, CPUs: 2, Busiest: 1, Process: "p"}, []string{"100 % of the 2 CPUs", "p used 100 %"}},
	} {
		v := Of(Evidence{Client: &row.u}, good(), configured())
		c, ok := v.Find(ClientCPU)
		if ok != (row.is != nil) || v.State != Valid || ok && c.State != Note {
			t.Errorf("%s: %+v, %s", row.why, c, v.State)
		}
		for _, part := range row.is {
			if !strings.Contains(c.Detail, part) {
				t.Errorf("%s: %q, want %q", row.why, c.Detail, part)
			}
		}
	}
	v := Of(Evidence{Client: &Client{Unread: "no /proc"}}, good(), configured())
	if diff := cmp.Diff([]CheckName{ClientCPU}, v.Noted()); diff != "" || v.State != Valid {
		t.Errorf("unknown CPU use: %s, want (-), got (+):\n%s", v.State, diff)
	}
}

func TestLaunchFailure(t *testing.T) {
	a := []Unhealthy{{Service: "a", Why: "x"}}
	failed := good()
	failed.Errors = []aiperf.ErrorGroup{{Code: 500, Count: 1}}
	fewer, stopped, untimed := good(), good(), good()
	fewer.Metrics["request_count"].Stats["avg"] = 1
	stopped.Cancelled = true
	delete(untimed.Metrics["output_token_throughput_per_user"].Stats, "count")
	longer := good()
	longer.Metrics["output_sequence_length"].Stats["avg"] = 20
	for _, row := range []struct {
		why  string
		e    Evidence
		m    aiperf.Measurement
		want string // name and detail; "" = the next cell can be measured
	}{
		{"all is well", Evidence{Services: 1}, good(), ""},
		{"an invalid cell is no failed launch", Evidence{AIPerf: AIPerf{Problem: "aiperf exit 1"}}, good(), ""},
		{"F-30: a service died, in one line", Evidence{Died: "decode-0 died: exit 1\n  its last lines"}, good(), "worker-died: decode-0 died: exit 1"},
		{"F-31: requests complete no more", Evidence{AIPerf: AIPerf{Stalled: true, Problem: "stalled: 1s"}}, good(), "stalled: stalled: 1s"},
		{"F-23: health probes ended the cell", Evidence{When: "in", Unhealthy: a}, good(), "workers: in the cell: a: x"},
		{"health probes ended a cell that stalled", Evidence{When: "in", Unhealthy: a, AIPerf: AIPerf{Stalled: true, Problem: "stalled: 1s"}}, good(), "workers: in the cell: a: x"},
		{"a cell stalled, and a service is gone", Evidence{When: "after", Unhealthy: a, AIPerf: AIPerf{Stalled: true, Problem: "stalled: 1s"}}, good(), "stalled: stalled: 1s"},
		{"it is gone after the cell", Evidence{When: "after", Unhealthy: a}, good(), "workers: after the cell: a: x"},
		{"F-05: the engine behind a server died", Evidence{Ended: []string{"a lost process 7 (x)"}}, failed, "worker-died: a lost process 7 (x)"},
		{"a helper that ended is no engine", Evidence{Ended: []string{"a lost process 7 (cc1)"}}, good(), ""},
		{"nor where only the output is longer", Evidence{Ended: []string{"a lost process 7 (cc1)"}}, longer, ""},
		{"nor where latencies cannot be counted", Evidence{Ended: []string{"a lost process 7 (cc1)"}}, untimed, ""},
		{"it is one where a request is missing", Evidence{Ended: []string{"a lost process 7 (x)"}}, fewer, "worker-died: a lost process 7 (x)"},
		{"or where aiperf was cancelled", Evidence{Ended: []string{"a lost process 7 (x)"}}, stopped, "worker-died: a lost process 7 (x)"},
		{"or where aiperf failed", Evidence{Ended: []string{"a lost process 7 (x)"}, AIPerf: AIPerf{Problem: "aiperf exit 1"}}, good(), "worker-died: a lost process 7 (x)"},
		{"F-34: nginx keeps one out", Evidence{Nginx: &NginxLog{Ejected: []string{"h:1"}}}, good(), "ejected: nginx sends nothing more to h:1"},
	} {
		got := ""
		if c, ok := Of(row.e, row.m, configured()).LaunchFailure(); ok {
			got = string(c.Name) + ": " + c.Detail
		}
		if got != row.want {
			t.Errorf("%s: %q, want %q", row.why, got, row.want)
		}
	}
}

// The failure of a launch comes first, once; the other faults follow.
func TestFailureComesFirst(t *testing.T) {
	e := Evidence{Services: 1, Died: "a died: exit 1\nlog", AIPerf: AIPerf{Problem: "a died: exit 1", Causes: "5 x 500"}}
	v := Of(e, aiperf.Measurement{}, configured())
	if diff := cmp.Diff([]string{"a died: exit 1", "5 x 500"}, v.Reasons); diff != "" || v.Checks[0].Name != WorkerDied {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

// A load that was cut short has its cause in front, and each effect once.
func TestACauseComesBeforeItsEffects(t *testing.T) {
	cut, load := good(), configured()
	load.Requests = 20
	cut.Metrics["request_count"].Stats["avg"] = 17
	cut.Metrics["output_token_throughput_per_user"].Stats["count"] = 17
	cut.Cancelled = true
	cut.Errors = []aiperf.ErrorGroup{{Code: 504, Type: "Gateway Time-out", Count: 3, Message: "<html><title>504 Gateway Time-out</title></html>"}}
	failed := "requests failed: 3 x 504 Gateway Time-out"
	missing := "17 of 20 requests completed"
	for _, row := range []struct {
		why  string
		e    Evidence
		want []string
	}{
		{"requests failed", Evidence{}, []string{failed, missing, "the run was cancelled before its end"}},
		{"a service died", Evidence{Died: "a died: exit 1", AIPerf: AIPerf{Problem: "a died: exit 1", Causes: failed}},
			[]string{"a died: exit 1", failed, missing}},
		{"a worker served none because its requests failed", Evidence{Traffic: &Traffic{Routing: ByClient,
			Workers: []Worker{{Service: "a", Served: 20}, {Service: "b"}}}},
			[]string{failed, missing, "the run was cancelled before its end",
				"b served none of 20 requests (requests with warm-up: a 20, b 0)"}},
		{"a failed request was not answered by another server",
			Evidence{Traffic: &Traffic{Routing: InTurn, Workers: []Worker{{Service: "a", Served: 17}}}},
			[]string{failed, missing, "the run was cancelled before its end"}},
	} {
		if diff := cmp.Diff(row.want, Of(row.e, cut, load).Reasons); diff != "" {
			t.Errorf("%s: want (-), got (+):\n%s", row.why, diff)
		}
	}
}

func TestNginxFaultIsOneReadableLine(t *testing.T) {
	line := `upstream timed out (110: Connection timed out) while reading response header from upstream, client: 127.0.0.1, server: , ` +
		`request: "POST /v1/chat/completions HTTP/1.1", upstream: "http://127.0.0.1:8001/v1/chat/completions", host: "localhost:8000"`
	c := find(t, Of(Evidence{Nginx: &NginxLog{Faults: []string{line}}}, good(), configured()), Nginx)
	want := "nginx had 1 fault with its servers: upstream timed out (110: Connection timed out) " +
		"while reading response header from upstream (127.0.0.1:8001)"
	if c.Detail != want {
		t.Errorf("got %q, want %q", c.Detail, want)
	}
}

func TestOfTheEndOfAIPerf(t *testing.T) {
	for _, row := range []struct {
		why     string
		e       AIPerf
		m       aiperf.Measurement
		reasons []string
	}{
		{"a good export of an aiperf that failed does not count", AIPerf{Problem: "aiperf exit 1", Causes: "aiperf: cannot write"}, good(), []string{"aiperf: cannot write", "aiperf exit 1"}},
		{"no export: every request was refused", AIPerf{Problem: "aiperf exit 1", Causes: "24 x 400", NoExport: "no file"}, aiperf.Measurement{}, []string{"24 x 400", "aiperf exit 1"}},
		{"exit 0 and no export", AIPerf{NoExport: "no file"}, aiperf.Measurement{}, []string{"no file"}},
	} {
		v := Of(Evidence{AIPerf: row.e}, row.m, configured())
		if diff := cmp.Diff(row.reasons, v.Reasons); diff != "" || v.State != Invalid {
			t.Errorf("%s: %s, want (-), got (+):\n%s", row.why, v.State, diff)
		}
	}
}

func TestConcurrencyOfAnExport(t *testing.T) {
	for found, want := range map[int]State{0: Valid, 4: Valid, 8: Invalid} {
		m, a := good(), configured()
		m.Concurrency, a.Concurrency = found, 4
		if c := find(t, Of(Evidence{}, m, a), Concurrency); c.State != want {
			t.Errorf("%d: %+v", found, c)
		}
	}
}

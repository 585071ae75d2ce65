//go:build engines

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"topobench/internal/artifacts"
	"topobench/internal/programs"
	"topobench/internal/testbed"
	"topobench/profiles"
)

// enginesFixture is a fixture for real vLLM, which make engines installs in the cache.
func enginesFixture(t *testing.T) fixture {
	t.Helper()
	if _, err := os.Stat(filepath.Join(programs.CacheDir(os.Getenv), "vllm-0.31.0", ".complete")); err != nil {
		t.Fatalf("run make test-engines: %v", err)
	}
	f := aloneFixture(t)
	f.longer = 12 * time.Minute
	return f
}

// engine writes a built-in cpu profile with the test's ports.
func (f fixture) engine(name, base string, oldNew ...string) string {
	f.Helper()
	text, err := profiles.Read(name)
	f.check(err)
	return f.profile(name, string(text), append(oldNew, "port_base: "+base, "port_base: @00")...)
}

const (
	requests = 12*1 + 12*2 // of a sweep at concurrency 1 and 2: 10 measured and 2 warm-up requests per stream
	decodeTP = 2
)

// TestEnginesRun is the main job with real engines: vLLM behind nginx, Dynamo with
// prefill and decode, vLLM with two data-parallel engines.
func TestEnginesRun(t *testing.T) {
	f := enginesFixture(t)
	r := f.start("run", "run",
		f.engine("cpu-disagg", "25500", "18210", "@10"),
		f.engine("cpu-agg", "24000", "18200", "@20", "18201", "@21", "18202", "@22"),
		f.engine("cpu-dp", "27000", "18220", "@30"), "--osl", "48")
	r.checkTransfers("cpu-agg")
	r.checkReplaced("cpu-dp", func() {})
	r.ends(0)
	r.clean()

	cells := []string{"-concurrency1", "-concurrency2"}
	for i, config := range []string{
		`{"kind":"dynamo_cpu","model":"tiny","input_sequence_length":100,"output_sequence_length":48,"tensor_parallelism":0,"data_parallelism":0,` +
			`"prefill_tensor_parallelism":1,"prefill_data_parallelism":1,"decode_tensor_parallelism":2,"decode_data_parallelism":1,"mode":"disaggregated"`,
		`{"kind":"vllm_cpu","model":"tiny","input_sequence_length":100,"output_sequence_length":48,"tensor_parallelism":1,"data_parallelism":2,`,
		`{"kind":"vllm_dp_cpu","model":"tiny","input_sequence_length":100,"output_sequence_length":48,"tensor_parallelism":1,"data_parallelism":2,`,
	} {
		r.checkArtifacts(fmt.Sprintf("artifacts_%d", i), cells, config)
	}
	r.checkPictures()
	r.checkUpstream("dynamo_cpu_disaggregated,1.0", "dynamo_cpu_disaggregated,2.0",
		"vllm_cpu_aggregated,1.0", "vllm_cpu_aggregated,2.0", "vllm_dp_cpu_aggregated,1.0", "vllm_dp_cpu_aggregated,2.0")
}

// checkTransfers reads decode's counters until the next topology begins: prefill must have
// transferred each request's KV cache to each rank.
func (r *running) checkTransfers(next string) {
	r.Helper()
	transfers := func() float64 { return r.counter(r.ports+101, "vllm:nixl_xfer_time_seconds_count") }
	r.first("the first cell begins", func(e event) bool { return e.Event == "cell-begin" })
	before, after := transfers(), 0.0
	// aiperf needs seconds from the last answer to its end, so the last sample misses none.
	r.checkReplaced(next, func() { after = max(after, transfers()) })
	r.Logf("%v transfers by the smoke, %v by %d requests", before, after-before, requests)
	if before < decodeTP || after-before < requests*decodeTP {
		r.Errorf("decode made %v transfers in the smoke and %v for %d requests, want one per request and rank", before, after-before, requests)
	}
}

// checkReplaced waits until the next topology begins, and checks that no process of the one
// before is alive then. It samples once a second, because samples take CPU time from the
// engines.
func (r *running) checkReplaced(next string, sample func()) {
	r.Helper()
	seen, sampled := map[int]string{}, time.Time{}
	begins := func(e event) bool { return e.Event == "launch-begin" && e.Topology == next }
	r.await(next+" begins", func() bool {
		if slices.ContainsFunc(r.journal(), begins) {
			return true
		}
		if time.Since(sampled) > time.Second {
			for _, p := range r.left() {
				seen[p.PID] = p.Comm
			}
			sample()
			sampled = time.Now()
		}
		return false
	})
	delete(seen, r.cmd.Process.Pid)
	for _, p := range r.left() {
		if seen[p.PID] == p.Comm {
			r.Errorf("%s begins, and %v of the topology before is still alive", next, p)
		}
	}
	r.Logf("%s replaces %d processes", next, len(seen))
}

// After a kill of vLLM's API server its engine and workers would run forever (vLLM's issue
// 55510); the shepherd ends them. In the second launch topobench gets SIGTERM while vLLM warms
// up and its engine has no handler yet.
func TestEnginesServerKilledMidCell(t *testing.T) {
	f := enginesFixture(t)
	r := f.start("run", "run", f.engine("cpu-dp", "27000", "18220", "@30"), "--concurrency", "1", "--osl", "300")
	r.first("the cell begins", func(e event) bool { return e.Event == "cell-begin" })
	r.await("the engine has a request of the cell", func() bool {
		return f.counter(f.ports+30, "vllm:num_requests_running") > 0
	})
	for _, want := range []string{"VLLM::EngineCor", "VLLM::Worker"} {
		if !r.sees(want) {
			t.Fatalf("the test does not find %s: %v", want, r.left())
		}
	}
	_, killed := r.kills("aggregated-0")
	r.dies("aggregated-0", killed)
	r.startsAgain("aggregated-0") // after the proof that engine and workers are gone
	r.await("a worker is loading", func() bool { return r.sees("VLLM::Worker") })
	r.signal(syscall.SIGTERM)
	r.ends(143)
	r.clean()
}

// After a kill of a decode worker with NIXL in a cell, the attempt is invalid, the topology
// restarts, and the cell is measured again.
func TestEnginesDecodeKilledMidCell(t *testing.T) {
	f := enginesFixture(t)
	r := f.start("run", "run", f.engine("cpu-disagg", "25500", "18210", "@10"), "--concurrency", "1", "--osl", "40")
	r.first("the cell begins", func(e event) bool { return e.Event == "cell-begin" })
	r.await("decode has a request of the cell", func() bool {
		return f.counter(f.ports+101, "vllm:num_requests_running") > 0
	})
	_, killed := r.kills("decode-0")
	r.dies("decode-0", killed)
	lost := r.first("the topology fails", func(e event) bool { return e.Event == "launch-lost" })
	if lost.Class != "worker-died" {
		t.Errorf("the failure is %q", lost.Class)
	}
	stdout := r.ends(0)
	r.clean()
	if want := "cpu-disagg failed and was restarted once"; !strings.Contains(stdout, want) {
		t.Errorf("stdout lacks %q:\n%s", want, stdout)
	}
	verdict := r.read(filepath.Join(r.root, "artifacts_0", "-concurrency1", artifacts.SidecarName))
	for _, want := range []string{`"valid": true`, "attempt 1: decode-0 died: killed by signal 9 (not by topobench)"} {
		if !strings.Contains(verdict, want) {
			t.Errorf("the verdict of the second attempt lacks %s: %s", want, verdict)
		}
	}
}

// vLLM's API server is killed while its engine loads, and while it has no requests.
func TestEnginesServerKilledBeforeTheLoad(t *testing.T) {
	for _, row := range []struct {
		when string
		code int
		wait func(f fixture, r *running)
	}{
		{"loading", 4, func(f fixture, r *running) {
			r.await("the engine loads", func() bool { return r.sees("VLLM::EngineCor") })
		}},
		{"idle", 1, func(f fixture, r *running) { r.awaitUp(f.ports + 30) }},
	} {
		t.Run(row.when, func(t *testing.T) {
			f := enginesFixture(t)
			r := f.start("up", "up", f.engine("cpu-dp", "27000", "18220", "@30"))
			row.wait(f, r)
			_, killed := r.kills("aggregated-0")
			r.dies("aggregated-0", killed)
			r.ends(row.code)
			r.clean()
		})
	}
}

// sees reports whether a process of that name is alive.
func (r *running) sees(comm string) bool {
	return slices.ContainsFunc(r.left(), func(p testbed.Seen) bool { return strings.HasPrefix(p.Comm, comm) })
}

// F-01: if vLLM refuses to start, topobench prints vLLM's reason and the remedy.
func TestEnginesUnknownArgument(t *testing.T) {
	f := enginesFixture(t)
	r := f.start("run", "run", f.engine("cpu-dp", "27000", "18220", "@30", "dummy]", "dummy, --disable-log-requests]"))
	stdout := r.ends(4)
	r.clean()
	for _, want := range []string{"aggregated-0 died: exit 2", "unrecognized arguments: --disable-log-requests",
		"correct engine_args"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("stdout lacks %q:\n%s", want, stdout)
		}
	}
}

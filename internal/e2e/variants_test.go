//go:build real

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"topobench/internal/programs"
)

// TestLongVariants runs aggregated workers behind Dynamo's frontend, and servers over which
// aiperf spreads the requests itself. Each level has prompts of its own.
func TestLongVariants(t *testing.T) {
	f := newFixture(t)
	dynamo := f.builtIn("demo-agg-dynamo", "18001", "@10")
	urls := f.builtIn("demo-agg-urls", "18111", "@21", "18112", "@22")
	r := f.start("variants", "run", dynamo, urls, "--fresh-prompts", "--isl", "100", "--osl", "40", "--concurrency", "1,2", "--keep")
	for _, line := range []string{"demo-agg-dynamo: concurrency 1: ", "demo-agg-dynamo is gone",
		"demo-agg-urls: concurrency 1: ", "held: press Ctrl-C"} {
		r.await(line, func() bool { return strings.Contains(r.output(), line) })
	}
	// The warm-up and the measured requests of both levels, round robin, without the smoke.
	const half = (2 + 10 + 4 + 20) / 2
	for _, port := range []int{f.ports + 100, f.ports + 101} {
		if n := f.counter(port, "dynamo_component_requests_total"); n <= half {
			t.Errorf("the worker at port %d has served %g requests, want more than %d", port, n, half)
		}
	}
	r.signal(syscall.SIGINT)
	stdout := r.ends(0)
	r.clean()
	if !strings.Contains(stdout, "engine settings: the same on every side") {
		t.Errorf("stdout does not state that the sides have the same settings:\n%s", stdout)
	}
	for _, name := range []string{"artifacts_0", "artifacts_1"} {
		if shared := r.sharedPrompts(name); shared != 0 {
			t.Errorf("%s: with --fresh-prompts, %d prompts of the first level occur in the second", name, shared)
		}
	}
	r.checkUpstream("dynamo_mocker_aggregated,1.0", "dynamo_mocker_aggregated,2.0",
		"vllm_mocker_urls_aggregated,1.0", "vllm_mocker_urls_aggregated,2.0")
}

// TestLongRun is the main job with a ratio: both demo topologies at two levels.
func TestLongRun(t *testing.T) {
	r, stdout := newFixture(t).demo("1", "2")
	if !regexp.MustCompile(`(?m)^simulated: .*dynamo_mocker_disaggregated.*tok/s/user`).MatchString(stdout) {
		t.Errorf("stdout lacks an iso-latency sentence that begins with simulated:\n%s", stdout)
	}
	if shared := r.sharedPrompts("artifacts_0"); shared != 12 {
		t.Errorf("with one seed, %d of the 12 prompts of the first level occur in the second, want all", shared)
	}
}

// installed is the directory of an older version in the tool cache. Without it the
// test is skipped; in CI it fails.
func (f fixture) installed(name string) string {
	f.Helper()
	dir := filepath.Join(programs.CacheDir(os.Getenv), name)
	_, err := os.Stat(filepath.Join(dir, ".complete"))
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		f.Fatalf("run make tools: %v", err)
	default:
		f.Skipf("run make tools: %v", err)
	}
	return dir
}

const (
	noDiscovery = "discovery: {etcd: none, nats: none}"
	workers     = "prefill: [{cuda_visible_devices: [0]}]\ndecode: [{cuda_visible_devices: [1]}]"
	aggregated  = "aggregated: [{cuda_visible_devices: [0]}, {cuda_visible_devices: [1]}]"
)

// TestLongOlderDynamo runs one cell on each older Dynamo, with a discovery that it supports. The
// profile names the interpreter only, and topobench finds the version.
func TestLongOlderDynamo(t *testing.T) {
	for _, row := range []struct {
		version, line string
		profiles      func(f fixture, python string) []string
		labels        []string
	}{
		{"0.5.1", "versions: Dynamo 0.5.1, aiperf 0.13.0, etcd 3.*, NATS 2.*", func(f fixture, python string) []string {
			// Two workers that start at once upload the model at once, and one upload may fail.
			const one = "aggregated: [{cuda_visible_devices: [0]}]"
			return []string{f.disagg("agg", noDiscovery, "discovery: {etcd: start, nats: start}"+python, workers, one)}
		}, []string{"agg_aggregated,1.0"}},
		{"1.0.2", "versions: Dynamo 1.0.2, aiperf 0.13.0, NATS 2.*", func(f fixture, python string) []string {
			const nats, byPath = "discovery: {etcd: none, nats: start}", "model: ${CACHE}/models/tiny\n"
			return []string{f.disagg("agg", noDiscovery, nats+python, workers, aggregated, byPath+"served_name: tiny\n", byPath),
				f.disagg("split", noDiscovery, nats+python, byPath+"served_name: tiny\n", byPath)}
		}, []string{"agg_aggregated,1.0", "split_disaggregated,1.0"}},
	} {
		t.Run(row.version, func(t *testing.T) {
			f := newFixture(t)
			python := fmt.Sprintf("\npython: %q", filepath.Join(f.installed("dynamo-"+row.version), "bin", "python"))
			r := f.start("run", append([]string{"run"}, row.profiles(f, python)...)...)
			r.ends(0)
			r.clean()
			r.checkUpstream(row.labels...)
			r.checkLine(row.line)
		})
	}
}

// TestLongOlderAIPerf measures today's Dynamo with aiperf 0.9 and with the aiperf of the guide's
// time, which writes no records of requests.
func TestLongOlderAIPerf(t *testing.T) {
	f := newFixture(t)
	var profiles []string
	for _, version := range []string{"0.9.0", "0.1.1"} {
		aiperf := fmt.Sprintf("aiperf: %q\nload:", filepath.Join(f.installed("aiperf-"+version), "bin", "aiperf"))
		profiles = append(profiles, f.disagg("a"+strings.ReplaceAll(version, ".", ""), "load:", aiperf))
	}
	r := f.start("run", append([]string{"run"}, profiles...)...)
	r.ends(0)
	r.clean()
	for i, label := range []string{"a090", "a011"} { // plot_pareto.py cannot read 0.1.1's export with its nested metrics
		config := fmt.Sprintf(`{"kind":%q,"model":"tiny",`, label)
		r.checkArtifacts(fmt.Sprintf("artifacts_%d", i), []string{"-concurrency1"}, config)
	}
	r.checkLine("versions: Dynamo 1.6.1, aiperf 0.9.0 and 0.1.1")
}

// checkLine checks that the output has a line that matches pattern after its time.
func (r *running) checkLine(pattern string) {
	r.Helper()
	if !regexp.MustCompile(`(?m)^\[\+[\d.]+s\] ` + pattern + `$`).MatchString(r.output()) {
		r.Errorf("no line %q in\n%s", pattern, r.output())
	}
}

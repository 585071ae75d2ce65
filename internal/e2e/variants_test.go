//go:build real

package e2e_test

import (
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// TestLongVariants: aggregated workers behind Dynamo's frontend, and servers that
// aiperf goes round by itself. Each level has prompts of its own here.
func TestLongVariants(t *testing.T) {
	f := newFixture(t)
	dynamo := f.builtIn("demo-agg-dynamo", "18001", "@10")
	urls := f.builtIn("demo-agg-urls", "18111", "@21", "18112", "@22")
	r := f.start("variants", "run", dynamo, urls, "--fresh-prompts", "--isl", "100", "--osl", "40", "--concurrency", "1,2", "--keep")
	for _, said := range []string{"demo-agg-dynamo: concurrency 1: ", "demo-agg-dynamo is gone", "demo-agg-urls: concurrency 1: ", "held: press Ctrl-C"} {
		r.await(said, func() bool { return strings.Contains(r.output(), said) })
	}
	// The warm-up and the measured requests of both levels, by turns; the smoke comes on top.
	const half = (2 + 10 + 4 + 20) / 2
	for _, port := range []int{f.ports + 100, f.ports + 101} {
		if n := f.counter(port, "dynamo_component_requests_total"); n <= half {
			t.Errorf("the worker at port %d has served %g requests, want more than %d", port, n, half)
		}
	}
	r.signal(syscall.SIGINT)
	said := r.ends(0)
	r.clean()
	if !strings.Contains(said, "engine settings: the same on every side") {
		t.Errorf("stdout does not say that the sides are fair:\n%s", said)
	}
	for _, name := range []string{"artifacts_0", "artifacts_1"} {
		if shared := r.sharedPrompts(name); shared != 0 {
			t.Errorf("%s: the second level sends %d prompts of the first again, in spite of --fresh-prompts", name, shared)
		}
	}
	r.checkUpstream("dynamo_mocker_aggregated,1.0", "dynamo_mocker_aggregated,2.0", "vllm_mocker_urls_aggregated,1.0", "vllm_mocker_urls_aggregated,2.0")
}

// TestLongRun is the main job: both demo topologies at two levels, and so with a ratio.
func TestLongRun(t *testing.T) {
	r, said := newFixture(t).demo("1", "2")
	if !regexp.MustCompile(`(?m)^simulated: .*dynamo_mocker_disaggregated.*tok/s/user`).MatchString(said) {
		t.Errorf("stdout lacks an iso-latency sentence that begins with simulated:\n%s", said)
	}
	if shared := r.sharedPrompts("artifacts_0"); shared != 12 {
		t.Errorf("with the guide's one seed the second level sends %d of the first's 12 prompts again, want all", shared)
	}
}

package e2e_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestRealVariants: aggregated workers behind Dynamo's frontend, and servers that
// aiperf goes round by itself. Each level has prompts of its own here.
func TestRealVariants(t *testing.T) {
	b := newBed(t)
	dynamo := b.builtIn("demo-agg-dynamo", "18001", "@10")
	urls := b.builtIn("demo-agg-urls", "18111", "@21", "18112", "@22")
	r := b.start("variants", "run", dynamo, urls, "--fresh-prompts", "--isl", "100", "--osl", "40", "--concurrency", "1,2", "--keep")
	for _, said := range []string{"demo-agg-dynamo: concurrency 1: ", "demo-agg-dynamo is gone", "demo-agg-urls: concurrency 1: ", "held: press Ctrl-C"} {
		r.await(said, func() bool { return strings.Contains(r.output(), said) })
	}
	// The warm-up and the measured requests of both levels, by turns; the smoke comes on top.
	const half = (2 + 10 + 4 + 20) / 2
	for _, port := range []int{b.ports + 100, b.ports + 101} {
		if n := b.counter(port, "dynamo_component_requests_total"); n <= half {
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

// sharedPrompts counts the prompts that concurrency 1 and 2 have in common, by the
// data sets that aiperf wrote down.
func (r *running) sharedPrompts(artifacts string) int {
	r.Helper()
	first, second := r.prompts(artifacts, "-concurrency1"), r.prompts(artifacts, "-concurrency2")
	if len(first) != 12 || len(second) != 24 {
		r.Errorf("%s: %d and %d different prompts, want 12 and 24", artifacts, len(first), len(second))
	}
	shared := 0
	for prompt := range first {
		if second[prompt] {
			shared++
		}
	}
	return shared
}

func (r *running) prompts(artifacts, cell string) map[string]bool {
	r.Helper()
	var inputs struct {
		Data []struct {
			Payloads []struct {
				Messages []struct{ Content string }
			}
		}
	}
	r.check(json.Unmarshal([]byte(r.read(filepath.Join(r.root, artifacts, cell, "inputs.json"))), &inputs))
	prompts := map[string]bool{}
	for _, session := range inputs.Data {
		for _, payload := range session.Payloads {
			for _, message := range payload.Messages {
				prompts[message.Content] = true
			}
		}
	}
	return prompts
}

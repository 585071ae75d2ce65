package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/artifacts"
)

func TestOptionIsWhatTheEngineWouldTake(t *testing.T) {
	for _, row := range []struct{ why, args, name, want string }{
		{"nothing is given", "vllm serve m", "dtype", ""},
		{"a word behind it", "serve m --dtype bfloat16 --port 1", "dtype", "bfloat16"},
		{"joined", "--max-model-len=3500", "max-model-len", "3500"},
		{"joined with an = inside", "--quantization=a=b", "quantization", "a=b"},
		{"a flag", "--enforce-eager --port 1", "enforce-eager", "on"},
		{"a flag at the end", "--port 1 --enforce-eager", "enforce-eager", "on"},
		{"negated", "--no-enable-prefix-caching", "enable-prefix-caching", "off"},
		{"the last one counts", "--enable-prefix-caching --no-enable-prefix-caching --block-size 16 --block-size=32", "block-size", "32"},
		{"negated and then not", "--no-enable-prefix-caching --enable-prefix-caching", "enable-prefix-caching", "on"},
		{"underscores are dashes in a name, not in a value", "--kv_cache_dtype fp8_e4m3", "kv-cache-dtype", "fp8_e4m3"},
		{"the short form", "-q awq", "quantization", "awq"},
		{"a longer name is another option", "--max-model-len-extra 5 --dtypes x", "max-model-len", ""},
		{"the value of another option is none", "--model dtype --served-model-name block-size", "dtype", ""},
		{"a negative number is a value", "--max-num-batched-tokens -1", "max-num-batched-tokens", "-1"},
	} {
		if got := option(strings.Fields(row.args), row.name); got != row.want {
			t.Errorf("%s: %q, want %q", row.why, got, row.want)
		}
	}
}

// The guide's own sides differ in four settings, and nobody says so there.
func TestTheGuidesSidesDiffer(t *testing.T) {
	got := artifacts.CompareSettings([]artifacts.Deployment{builtInPlan(t, "disagg-1node").Deployment, builtInPlan(t, "agg-1node").Deployment})
	if diff := cmp.Diff([]string{"block-size", "gpu-memory-utilization", "max-model-len", "max-num-batched-tokens"}, got.Differ); diff != "" {
		t.Errorf("(-want +got): %s", diff)
	}
	if a, b := got.Sides[0], got.Sides[1]; a.Name != "disagg-1node" || a.Values["block-size"] != "default" || b.Values["block-size"] != "128" {
		t.Errorf("sides %+v and %+v", a, b)
	}
}

func TestSettingsOfUnequalWorkersNameTheRoles(t *testing.T) {
	p := textPlan(t, `{name: a, kind: k, engine: dynamo, model: m, load: {isl: 10, osl: 10}, engine_args: [--max-model-len, "4096"], versions: {vllm: 0.31.0},
  prefill: [{cuda_visible_devices: [0], engine_args: [--max-model-len=8192]}, {cuda_visible_devices: [1], engine_args: [--max-model-len=8192]}],
  decode: [{cuda_visible_devices: [2]}]}`)
	got := p.Deployment.Settings
	if got["max-model-len"] != "prefill 8192, decode 4096" || got["dtype"] != "default" || got["engine"] != "vLLM 0.31.0" {
		t.Errorf("settings %v", got)
	}
	mocker := builtInPlanFor(t, "demo-agg", Versions{Dynamo: "1.6.1"}).Deployment.Settings
	if mocker["engine"] != "Dynamo mocker 1.6.1" {
		t.Errorf("the mocker's engine is %q", mocker["engine"])
	}
}

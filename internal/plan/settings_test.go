package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/artifacts"
	"topobench/internal/profile"
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

// C01: every argument that one side has and the other has not, or otherwise, is listed.
func TestC01EveryArgumentIsCompared(t *testing.T) {
	side := func(name, args, env string) artifacts.Deployment {
		return textPlan(t, "{name: "+name+", kind: k, engine: vllm, model: m, load: {isl: 10, osl: 10}, aggregated: [{cuda_visible_devices: [0], port: 8001}], "+
			"engine_args: ["+args+"], env: {"+env+"}}").Deployment
	}
	known := map[string]string{"stream-interval": "1 (default)", "enable-expert-parallel": "off (default)"}
	for _, row := range []struct{ args, env, name, value string }{
		{"--max-num-seqs, '16'", "", "max-num-seqs", "16"},
		{`--speculative-config, '{"method":"ngram"}'`, "", "speculative-config", `{"method":"ngram"}`},
		{"--async-scheduling", "", "async-scheduling", "on"},
		{"--no-async-scheduling", "", "async-scheduling", "off"},
		{"--stream_interval=50", "", "stream-interval", "50"},
		{"--enable-expert-parallel", "", "enable-expert-parallel", "on"},
		{`-O3`, "", "-O3", "on"},
		{"--kv-transfer-config.kv_connector=X", "", "kv-transfer-config.kv_connector", "X"},
		{"--cudagraph-capture-sizes, '1', '2', '4'", "", "cudagraph-capture-sizes", "1 2 4"},
		{"--config, /not/read.yaml", "", "config", "/not/read.yaml"},
		{"--hf-token, abc", "", "hf-token", "(secret)"},
		{"", "VLLM_ATTENTION_BACKEND: FLASHINFER", "VLLM_ATTENTION_BACKEND", "FLASHINFER"},
		{"", "ANY_NAME: ''", "ANY_NAME", "empty"},
	} {
		for _, sides := range [][]artifacts.Deployment{{side("a", "", ""), side("b", row.args, row.env)}, {side("b", row.args, row.env), side("a", "", "")}} {
			got := artifacts.CompareSettings(sides)
			if diff := cmp.Diff([]string{row.name}, got.Differ); diff != "" {
				t.Errorf("%s %s (-want +got): %s", row.args, row.env, diff)
				continue
			}
			for _, s := range got.Sides {
				absent := map[bool]string{true: artifacts.Default, false: artifacts.NotSet}[row.env == ""]
				if value, is := known[row.name]; is {
					absent = value
				}
				if want := map[string]string{"a": absent, "b": row.value}[s.Name]; s.Values[row.name] != want {
					t.Errorf("%s %s: %s has %q, want %q", row.args, row.env, s.Name, s.Values[row.name], want)
				}
			}
		}
	}
}

// C01: the file that --config names is compared by its content; arguments win over it.
func TestC01AConfigurationFileIsCompared(t *testing.T) {
	of := func(args string, file map[string]string) map[string]string {
		on := installed()
		if file != nil {
			on.Configs = profile.EngineConfigs{"/c.yaml": file}
		}
		p, err := made(read(t, "p.yaml", "{name: a, kind: k, engine: vllm, model: m, load: {isl: 10, osl: 10}, aggregated: [{cuda_visible_devices: [0], port: 8001, engine_args: ["+args+"]}]}"), on, guide())
		if err != nil {
			t.Fatal(err)
		}
		return p.Deployment.Settings
	}
	got := of("--config, /c.yaml, --max-num-seqs=32", map[string]string{"max_num_seqs": "16", "max_model_len": "4096", "enforce-eager": "on", "api-key": "abc"})
	for name, want := range map[string]string{"max-num-seqs": "32", "max-model-len": "4096", "enforce-eager": "on", "api-key": "(secret)", "config": ""} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	same, other := of("--config, /c.yaml", map[string]string{"max_num_seqs": "16"}), of("--max-num-seqs, '16'", nil)
	if diff := cmp.Diff(same, other); diff != "" {
		t.Errorf("a file and the same arguments (-file +arguments): %s", diff)
	}
}

// A limit in the file is a limit of the load.
func TestALimitInAConfigurationFileRefusesTheLoad(t *testing.T) {
	on := installed()
	on.Configs = profile.EngineConfigs{"/c.yaml": {"max-model-len": "100"}}
	_, err := Make(read(t, "p.yaml", "{name: a, kind: k, engine: vllm, model: m, engine_args: [--config=/c.yaml], aggregated: [{cuda_visible_devices: [0], port: 8001}]}"), on, guide())
	if err == nil || !strings.Contains(err.Error(), "takes --max-model-len 100") {
		t.Errorf("got %v", err)
	}
}

func TestVariablesOfTheWorkers(t *testing.T) { // C02
	p := textPlan(t, `{name: a, kind: k, engine: dynamo, model: m, env: {NCCL_ALGO: Ring, MINE: x, HF_TOKEN: "${ENV:T}", DYN_LOG: "${ENV:L}"},
		prefill: [{cuda_visible_devices: [0], env: {UCX_TLS: tcp}}], decode: [{cuda_visible_devices: [1]}]}`)
	caller := []string{"NCCL_ALGO=Tree", "CUDA_HOME=/cuda", "UCX_TLS=all", "LD_LIBRARY_PATH=/lib", "HOME=/h", "PATH=/bin", "T=secret", "L=debug",
		"HF_ENDPOINT=https://me:pw@hub/x", "HUGGING=1", "HF_TOKEN=s", "VLLM_X_KEY=s", "NVIDIA_Y=nvapi-s", "CUDA_DEVICE_ORDER=FASTEST_FIRST",
		"CUDA_VISIBLE_DEVICES=7", "VLLM_PORT=1", "PYTHONUNBUFFERED=0", "TORCH=", "IB_X=1"}
	want := artifacts.Values{"NCCL_ALGO": "Ring", "MINE": "x", "DYN_LOG": "${ENV:L}", "CUDA_HOME": "/cuda", "UCX_TLS": "prefill tcp, decode all",
		"LD_LIBRARY_PATH": "/lib", "HF_ENDPOINT": "https://hub/x", "TORCH": "empty", "IB_X": "1"}
	if diff := cmp.Diff(want, Variables(p, caller)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	alone := artifacts.Values{"NCCL_ALGO": "Ring", "MINE": "x", "DYN_LOG": "${ENV:L}", "UCX_TLS": "prefill tcp, decode not set"}
	if diff := cmp.Diff(alone, p.Deployment.Variables); diff != "" {
		t.Errorf("a plan has the profile's only (-want +got):\n%s", diff)
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

package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/profile"
)

// A connector in engine_args, the worker's own before all workers', takes the
// place of ours: given twice, the order of the flags would decide.
func TestKVTransferConfigIsGivenOnce(t *testing.T) {
	const theirs = `{"kv_connector":"NixlConnector","kv_role":"kv_both","kv_buffer_device":"cpu"}`
	for _, row := range []struct {
		says        string
		all, decode []string
		want        []string // of decode-0
	}{
		{"none: ours", nil, nil, []string{"--kv-transfer-config", kvTransfer}},
		{"for all workers", []string{"--kv-transfer-config", theirs}, nil, []string{"--kv-transfer-config", theirs}},
		{"for decode alone", nil, []string{"--kv-transfer-config", theirs}, []string{"--kv-transfer-config", theirs}},
		{"in one word", []string{"--kv-transfer-config=" + theirs}, nil, []string{"--kv-transfer-config=" + theirs}},
	} {
		p := builtIn(t, "disagg-1node")
		p.EngineArgs, p.Decode[0].EngineArgs = row.all, row.decode
		var got []string
		argv := service(t, planned(t, p), "decode-0").Argv
		for i, arg := range argv {
			if strings.HasPrefix(arg, "--kv-transfer-config") {
				got = argv[i:]
				break
			}
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.says, diff)
		}
	}
}

// Transfers are asked of decode workers, and only where NIXL makes them.
func TestSmokeCountsTransfersOfDecode(t *testing.T) {
	want := []Counter{{Service: "decode-0", URL: "http://127.0.0.1:25601/metrics", Metric: "vllm:nixl_xfer_time_seconds_count"}}
	if diff := cmp.Diff(want, builtInPlan(t, "cpu-disagg").Smoke.Transfers); diff != "" {
		t.Errorf("cpu-disagg (-want +got):\n%s", diff)
	}
	for _, name := range []string{"demo-disagg", "cpu-agg", "cpu-dp"} {
		if got := builtInPlan(t, name).Smoke.Transfers; got != nil {
			t.Errorf("%s: %v, where nothing is transferred", name, got)
		}
	}
	p := builtIn(t, "disagg-1node")
	p.EngineArgs = []string{"--kv-transfer-config", `{"kv_connector":"LMCacheConnectorV1","kv_role":"kv_both"}`}
	if got := planned(t, p).Smoke.Transfers; got != nil {
		t.Errorf("another connector: %v", got)
	}
}

func TestLoadMustFitTheEngines(t *testing.T) {
	for _, row := range []struct {
		says     string
		isl, osl int
		args     []string
		want     string // "" = it fits
	}{
		{"to the last token", 1900, 84, []string{"--max-model-len", "2048"}, ""},
		{"one too many", 1901, 84, []string{"--max-model-len", "2048"}, "up to 2049 tokens (isl 1901, osl 84, 64 for the chat template), but aggregated-0 takes --max-model-len 2048"},
		{"in one word", 3000, 84, []string{"--max-model-len=2048"}, "--max-model-len 2048"},
		{"the last one counts", 1900, 84, []string{"--max-model-len", "16", "--max-model-len", "2048"}, ""},
		{"the engine decides", 30000, 1, nil, ""},
		{"in thousands", 3000, 84, []string{"--max-model-len", "2k"}, "--max-model-len 2000"},
		{"in units of 1024", 1900, 84, []string{"--max-model-len", "2K"}, ""},
		{"a part of them", 3000, 84, []string{"--max-model-len", "3.5k"}, ""},
		{"as in auto", 30000, 1, []string{"--max-model-len", "auto"}, ""},
		{"as in -1", 30000, 1, []string{"--max-model-len", "-1"}, ""},
	} {
		p := builtIn(t, "cpu-dp")
		p.EngineArgs = row.args
		p.Load = profile.Sweep{ISL: row.isl, OSL: row.osl, Concurrency: []int{1}}
		_, err := made(p, installed(), guide())
		switch {
		case row.want == "" && err != nil:
			t.Errorf("%s: %v", row.says, err)
		case row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)):
			t.Errorf("%s: error %v, want %q", row.says, err, row.want)
		}
	}
}

// One worker's limit is enough.
func TestLoadMustFitEachWorker(t *testing.T) {
	p := builtIn(t, "disagg-1node")
	p.Prefill[2].EngineArgs = []string{"--max-model-len", "3000"}
	if _, err := made(p, installed(), guide()); err == nil || !strings.Contains(err.Error(), "prefill-2 takes --max-model-len 3000") {
		t.Errorf("error %v, want prefill-2's limit", err)
	}
}

func TestEnginesTalkOnLoopback(t *testing.T) {
	for profile, name := range map[string]string{"cpu-agg": "aggregated-1", "cpu-dp": "aggregated-0", "cpu-disagg": "decode-0"} {
		s := service(t, builtInPlan(t, profile), name)
		if got := value(s, "VLLM_HOST_IP"); got != "127.0.0.1" {
			t.Errorf("%s of %s: VLLM_HOST_IP=%s", name, profile, got)
		}
		if got := value(s, "HF_HUB_OFFLINE"); got != "1" {
			t.Errorf("%s of %s asks the hub for a model that is a directory", name, profile)
		}
	}
}

// A router in kv mode hears from each worker that holds prompts, on a port of its own.
func TestRouterInKVModeHearsItsWorkers(t *testing.T) {
	text := `{name: a, kind: k, engine: dynamo, model: m, frontend: {router: kv}, engine_args: [--block-size, "32"],
		prefill: [{cuda_visible_devices: [0]}, {cuda_visible_devices: [1]}], decode: [{cuda_visible_devices: [2, 3], tensor_parallel: 2}]}`
	p := textPlan(t, text)
	events := map[string]bool{}
	for _, name := range []string{"prefill-0", "prefill-1", "decode-0"} {
		argv := service(t, p, name).Argv
		if i := slices.Index(argv, "--kv-events-config"); i >= 0 {
			events[argv[i+1]] = true
		} else if name != "decode-0" {
			t.Errorf("%s publishes nothing: %v", name, argv)
		}
	}
	if len(events) != 2 {
		t.Errorf("the endpoints are %v, want one of its own for each prefill and none for decode", events)
	}
	if got := value(service(t, p, "frontend"), "DYN_KV_CACHE_BLOCK_SIZE"); got != "32" {
		t.Errorf("the router thinks of blocks of %q", got)
	}
	on := installed()
	on.Versions.Dynamo = "0.9.1"
	old, err := made(read(t, "p.yaml", text), on, guide())
	if err != nil {
		t.Fatal(err)
	}
	if got := value(service(t, old, "prefill-1"), "DYN_VLLM_KV_EVENT_PORT"); got == "" || slices.Contains(service(t, old, "prefill-1").Argv, "--kv-events-config") {
		t.Errorf("Dynamo 0.9 takes the port by the environment: %q", got)
	}
}

// The frontend's own mode wins over the environment of the profile.
func TestRouterModeIsAChoice(t *testing.T) {
	for _, row := range []struct{ frontend, env, want string }{
		{"{}", "{}", ""},
		{"{router: kv}", "{}", "kv"},
		{"{}", "{DYN_ROUTER_MODE: kv}", "kv"},
		{"{router: random}", "{DYN_ROUTER_MODE: kv}", "random"},
	} {
		p := textPlan(t, "{name: a, kind: k, engine: dynamo, model: m, frontend: "+row.frontend+", env: "+row.env+", aggregated: [{cuda_visible_devices: [0]}]}")
		if p.Choices.Router != row.want {
			t.Errorf("frontend %s, env %s: %q, want %q", row.frontend, row.env, p.Choices.Router, row.want)
		}
		argv := service(t, p, "frontend").Argv
		if i := slices.Index(argv, "--router-mode"); (i >= 0) != (row.frontend != "{}") || i >= 0 && argv[i+1] != row.want {
			t.Errorf("frontend %s: %v", row.frontend, argv)
		}
	}
}

// C26: the engine gets the stages that the GPU count includes.
func TestC26PipelineParallelReachesTheEngine(t *testing.T) {
	const workers = ", aggregated: [{cuda_visible_devices: [0, 1, 2, 3], tensor_parallel: 2, pipeline_parallel: 2}]}"
	for engine, want := range map[string]bool{"vllm": true, "dynamo": true, "mocker": false} {
		p := textPlan(t, "{name: a, kind: b, model: m, engine: "+engine+workers)
		argv := strings.Join(service(t, p, "aggregated-0").Argv, " ")
		if strings.Contains(argv, "--tensor-parallel-size 2 --pipeline-parallel-size 2") != want {
			t.Errorf("engine %s: %s", engine, argv)
		}
		if d := p.Deployment; d.TP != 4 || d.DP != 1 || d.Workers[0].PP != 2 || d.NumGPUs != 4 {
			t.Errorf("engine %s: %+v", engine, d)
		}
	}
}

package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/aiperf"
)

// edit is what a row of the deviation table does to a command of the guide.
type edit struct{ id, from, to string }

const (
	transfer  = ` --kv-transfer-config {"kv_connector":"NixlConnector","kv_role":"kv_both"}`
	guidePD   = "python -m dynamo.vllm --model Qwen/Qwen3-0.6B"
	guideVLLM = "vllm serve Qwen/Qwen3-0.6B --block-size 128 --max-model-len 3500 --max-num-batched-tokens 3500" +
		" --tensor-parallel-size 4 --gpu-memory-utilization 0.95 --disable-log-requests --port "
)

func vllmEdits(port string) []edit {
	return []edit{
		{"log-requests", " --disable-log-requests", ""},
		{"loopback", " --port " + port, " --host 127.0.0.1 --port " + port},
	}
}

// The guide's commands, word for word, and the deviations that are allowed.
func TestCommandsAreTheGuides(t *testing.T) {
	prefill := []edit{{"roles", " --is-prefill-worker", " --disaggregation-mode prefill" + transfer}}
	for _, row := range []guideRow{
		{"disagg-1node", "frontend", "", "python -m dynamo.frontend --http-port 8000", nil},
		{"disagg-1node", "prefill-0", "0", guidePD + " --is-prefill-worker", prefill},
		{"disagg-1node", "prefill-3", "3", guidePD + " --is-prefill-worker", prefill},
		{"disagg-1node", "decode-0", "4,5,6,7", guidePD, []edit{
			{"decode-tp", "0.6B", "0.6B --tensor-parallel-size 4"},
			{"roles", "-size 4", "-size 4 --disaggregation-mode decode" + transfer}}},
		{"agg-1node", "aggregated-0", "0,1,2,3", guideVLLM + "8001", vllmEdits("8001")},
		{"agg-1node", "aggregated-1", "4,5,6,7", guideVLLM + "8002", vllmEdits("8002")},
	} {
		row.check(t, builtInPlan(t, row.profile))
	}
}

// The versions that the guide was written for need two edits, and no more.
func TestCommandsOfTheGuidesTimeAreTheGuides(t *testing.T) {
	loopback := func(port string) []edit {
		return []edit{{"loopback", " --port " + port, " --host 127.0.0.1 --port " + port}}
	}
	for _, row := range []guideRow{
		{"disagg-1node", "frontend", "", "python -m dynamo.frontend --http-port 8000", nil},
		{"disagg-1node", "prefill-0", "0", guidePD + " --is-prefill-worker", nil},
		{"disagg-1node", "prefill-1", "1", guidePD + " --is-prefill-worker", nil},
		{"disagg-1node", "prefill-2", "2", guidePD + " --is-prefill-worker", nil},
		{"disagg-1node", "prefill-3", "3", guidePD + " --is-prefill-worker", nil},
		{"disagg-1node", "decode-0", "4,5,6,7", guidePD, []edit{{"decode-tp", "0.6B", "0.6B --tensor-parallel-size 4"}}},
		{"agg-1node", "aggregated-0", "0,1,2,3", guideVLLM + "8001", loopback("8001")},
		{"agg-1node", "aggregated-1", "4,5,6,7", guideVLLM + "8002", loopback("8002")},
	} {
		row.check(t, builtInPlanFor(t, row.profile, guidesTime()))
	}
}

// Two nodes: the guide's commands on each, with the versions of its time.
func TestCommandsOfTwoNodesAreTheGuides(t *testing.T) {
	all := "0,1,2,3,4,5,6,7"
	server := strings.Replace(guideVLLM, "-size 4", "-size 8", 1) // "use --tensor-parallel-size 8"
	bound := func(port, address string) []edit {
		return []edit{{"bind-address", " --port " + port, " --host " + address + " --port " + port}}
	}
	rows := []guideRow{
		{"disagg-2node", "frontend", "", "python -m dynamo.frontend --http-port 8000", nil},
		{"disagg-2node", "decode-0", all, guidePD, []edit{{"decode-tp", "0.6B", "0.6B --tensor-parallel-size 8"}}},
		{"agg-2node", "aggregated-0", all, server + "8001", bound("8001", "192.0.2.10")},
		{"agg-2node", "aggregated-1", all, server + "8002", bound("8002", "192.0.2.11")},
	}
	for i := range 8 {
		rows = append(rows, guideRow{"disagg-2node", fmt.Sprintf("prefill-%d", i), strconv.Itoa(i), guidePD + " --is-prefill-worker", nil})
	}
	for _, row := range rows {
		row.check(t, builtInPlanFor(t, row.profile, guidesTime()))
	}
}

// guidesTime are the versions that the guide was written for.
func guidesTime() Versions { return Versions{Dynamo: "0.5", VLLM: "0.10", AIPerf: "0.1.1"} }

// guideRow is a command of the guide and the deviations that change it.
type guideRow struct {
	profile, service, gpus, guide string
	edits                         []edit
}

func (row guideRow) check(t *testing.T, p Plan) {
	t.Helper()
	s := service(t, p, row.service)
	want := row.guide
	for _, e := range row.edits {
		if !slices.ContainsFunc(p.Deviations, func(d Deviation) bool { return d.ID == e.id }) {
			t.Errorf("%s: the deviation %s is not in the plan's table", row.service, e.id)
		}
		if strings.Count(want, e.from) != 1 {
			t.Fatalf("%s: %q is not once in %q", row.service, e.from, want)
		}
		want = strings.Replace(want, e.from, e.to, 1)
	}
	if diff := cmp.Diff(strings.Fields(want), s.Argv); diff != "" {
		t.Errorf("%s of %s (-guide +plan):\n%s", row.service, row.profile, diff)
	}
	if got := value(s, "CUDA_VISIBLE_DEVICES"); got != row.gpus {
		t.Errorf("%s of %s sees the GPUs %q, want %q", row.service, row.profile, got, row.gpus)
	}
}

// cellDir is perf.sh's directory of a cell.
func cellDir(l aiperf.Load, c int) string { return fmt.Sprintf("%s/-concurrency%d", l.Artifacts, c) }

// perf.sh's aiperf command for a concurrency of 8.
var perfSH = []string{
	"aiperf", "profile",
	"--model", "Qwen/Qwen3-0.6B",
	"--tokenizer", "Qwen/Qwen3-0.6B",
	"--endpoint-type", "chat",
	"--endpoint", "/v1/chat/completions",
	"--streaming",
	"--url", "http://localhost:8000",
	"--synthetic-input-tokens-mean", "3000",
	"--synthetic-input-tokens-stddev", "0",
	"--output-tokens-mean", "150",
	"--output-tokens-stddev", "0",
	"--extra-inputs", "max_tokens:150",
	"--extra-inputs", "min_tokens:150",
	"--extra-inputs", "ignore_eos:true",
	"--extra-inputs", `{"nvext":{"ignore_eos":true}}`,
	"--concurrency", "8",
	"--request-count", "80",
	"--warmup-request-count", "16",
	"--num-dataset-entries", "96",
	"--random-seed", "100",
	"--artifact-dir", "artifacts_root/artifacts_0/-concurrency8",
	"--ui", "simple",
	"-H", "Authorization: Bearer NOT USED",
	"-H", "Accept: text/event-stream",
}

func TestExactLoadIsPerfSH(t *testing.T) {
	for _, name := range []string{"disagg-1node", "agg-1node"} {
		l := builtInPlan(t, name).Load
		if diff := cmp.Diff(perfSH, l.Argv(8, cellDir(l, 8))); diff != "" {
			t.Errorf("%s (-perf.sh +plan):\n%s", name, diff)
		}
		if diff := cmp.Diff([]int{1, 2, 4, 8, 16, 32, 64, 128, 256}, l.Concurrency); diff != "" {
			t.Errorf("%s: levels (-perf.sh +plan):\n%s", name, diff)
		}
	}
}

// "--url http://<node_0_ip_addr>:8000" is all that differs over two nodes.
func TestExactLoadOfTwoNodesIsPerfSH(t *testing.T) {
	want := slices.Clone(perfSH)
	want[slices.Index(want, "--url")+1] = "http://192.0.2.10:8000"
	for _, name := range []string{"disagg-2node", "agg-2node"} {
		l := builtInPlanFor(t, name, guidesTime()).Load
		if diff := cmp.Diff(want, l.Argv(8, cellDir(l, 8))); diff != "" {
			t.Errorf("%s (-perf.sh +plan):\n%s", name, diff)
		}
	}
}

func TestQuietLoadDiffersInWhatItsDeviationSays(t *testing.T) {
	exact := builtInPlan(t, "agg-1node").Load
	quiet := exact
	quiet.Exact = false
	want := strings.Join(exact.Argv(8, "d"), "\n")
	want = strings.Replace(want, "--ui\nsimple", "--ui\nnone\n--no-gpu-telemetry\n--no-server-metrics", 1)
	if diff := cmp.Diff(want, strings.Join(quiet.Argv(8, "d"), "\n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	quiet.Exact, quiet.NVExt = true, false
	want = strings.Replace(strings.Join(exact.Argv(8, "d"), "\n"), "--extra-inputs\n{\"nvext\":{\"ignore_eos\":true}}\n", "", 1)
	if diff := cmp.Diff(want, strings.Join(quiet.Argv(8, "d"), "\n")); diff != "" {
		t.Errorf("without nvext (-want +got):\n%s", diff)
	}
}

func TestFreshPromptsHaveASeedForEachLevel(t *testing.T) {
	l := builtInPlan(t, "demo-agg").Load
	l.FreshPrompts = true
	seeds := map[string]bool{}
	for _, c := range l.Concurrency {
		argv := l.Argv(c, "d")
		seeds[argv[slices.Index(argv, "--random-seed")+1]] = true
	}
	if len(seeds) != len(l.Concurrency) {
		t.Errorf("seeds %v for the levels %v", seeds, l.Concurrency)
	}
}

package artifacts

import (
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"topobench/internal/aiperf"
)

func TestParseDeploymentReadsUpstreamsFile(t *testing.T) {
	d, err := ReadDeployment("../aiperf/testdata/artifacts_root/artifacts_0/" + DeploymentName)
	if err != nil {
		t.Fatal(err)
	}
	want := Deployment{Kind: "dynamo_vllm", Model: "tiny", ISL: 300, OSL: 50,
		PrefillTP: 1, PrefillDP: 4, DecodeTP: 4, DecodeDP: 1, Mode: "disaggregated"}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
	if got, want := d.Label(), "dynamo_vllm_disaggregated"; got != want {
		t.Errorf("got label %s, want %s", got, want)
	}
	if got, err := d.GPUs(); got != 8 || err != nil {
		t.Errorf("got %d GPUs, %v, want 8", got, err)
	}
}

// ours uses every key.
var ours = Deployment{Kind: "vllm_serve", Model: "m", ISL: 1, OSL: 2, TP: 4, DP: 2, Mode: "aggregated",
	Name: "agg", Engine: "mocker", Simulated: true, NumGPUs: 8, Workers: []Worker{
		{Role: "aggregated", Devices: []int{0, 1, 2, 3}, TP: 4, DP: 1, Host: "a"},
		{Role: "aggregated", Devices: []int{4, 5, 6, 7}, TP: 4, DP: 1}},
	Settings:  map[string]string{"block-size": "128", "dtype": "default"},
	Load:      &Load{Seed: 100, FreshPrompts: true, Requests: 10, Warmup: 2, Extra: []string{"max_tokens:2", "ignore_eos:true"}},
	Variables: Values{"NCCL_DEBUG": "INFO"}, Programs: Values{"vLLM": "0.31.0"}, Machine: Values{GPUModel: "NVIDIA H100"}}

func TestDeploymentSurvivesWritingAndReading(t *testing.T) {
	data, err := json.Marshal(ours)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseDeployment("x", data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ours, got); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

func TestDeploymentWritesUpstreamsKeysFirst(t *testing.T) {
	data, err := json.Marshal(ours)
	if err != nil {
		t.Fatal(err)
	}
	rest := string(data)
	for _, key := range []string{"kind", "model", "input_sequence_length", "output_sequence_length", "tensor_parallelism",
		"data_parallelism", "prefill_tensor_parallelism", "prefill_data_parallelism", "decode_tensor_parallelism",
		"decode_data_parallelism", "mode", "name", "engine", "simulated", "num_gpus", "workers", "settings", "load", "variables", "programs", "machine"} {
		_, after, found := strings.Cut(rest, `"`+key+`":`)
		if !found {
			t.Fatalf("%s is missing or out of order in %s", key, data)
		}
		rest = after
	}
}

func TestParseDeploymentNamesEveryMissingKey(t *testing.T) {
	_, err := ParseDeployment("x", []byte(`{"kind": "k", "mode": "disaggregated", "decode_tensor_parallelism": 1}`))
	for _, key := range []string{"/model", "/input_sequence_length", "/output_sequence_length",
		"/prefill_tensor_parallelism", "/prefill_data_parallelism", "/decode_data_parallelism"} {
		if err == nil || !strings.Contains(err.Error(), `"`+key+`"`) {
			t.Errorf("%s is not named in: %v", key, err)
		}
	}
	if !errors.Is(err, aiperf.ErrNoKey) {
		t.Errorf("got %v, want %v", err, aiperf.ErrNoKey)
	}
}

func TestParseDeploymentNamesWrongValues(t *testing.T) {
	rows := []struct {
		sentence, pair string
		want           error
	}{
		{"a number in quotes", `"tensor_parallelism": "4"`, aiperf.ErrType},
		{"half a GPU", `"tensor_parallelism": 0.5`, aiperf.ErrType},
		{"fewer than no GPUs", `"tensor_parallelism": -4`, aiperf.ErrNegative},
		{"too many GPUs", `"tensor_parallelism": 1e12`, aiperf.ErrRange},
		{"null", `"tensor_parallelism": null`, aiperf.ErrType},
		{"a number for a name", `"kind": 4`, aiperf.ErrType},
		{"a word for yes", `"simulated": "yes"`, aiperf.ErrType},
		{"one worker instead of a list", `"workers": {}`, aiperf.ErrType},
		{"a device in quotes", `"workers": [{"cuda_visible_devices": ["0"]}]`, aiperf.ErrType},
		{"a setting that is a number", `"settings": {"block-size": 128}`, aiperf.ErrType},
		{"a seed in quotes", `"load": {"random_seed": "100"}`, aiperf.ErrType},
		{"a setting twice", `"settings": {"dtype": "a", "dtype": "b"}`, aiperf.ErrDuplicate},
		{"a key twice", `"mode": "aggregated", "mode": "disaggregated"`, aiperf.ErrDuplicate},
	}
	for _, row := range rows {
		if _, err := ParseDeployment("x", []byte("{"+row.pair+"}")); !errors.Is(err, row.want) {
			t.Errorf("%s: got %v, want %v", row.sentence, err, row.want)
		}
	}
}

func TestGPUsRefusesAWrongCount(t *testing.T) {
	rows := []struct {
		sentence string
		d        Deployment
		want     int // 0: an error
	}{
		{"aggregated: tensor x data", Deployment{Mode: "aggregated", TP: 4, DP: 2}, 8},
		{"disaggregated: both roles", Deployment{Mode: "disaggregated", PrefillTP: 1, PrefillDP: 4, DecodeTP: 4, DecodeDP: 1}, 8},
		{"num_gpus may agree", Deployment{Mode: "aggregated", TP: 4, DP: 2, NumGPUs: 8}, 8},
		{"num_gpus may not disagree", Deployment{Mode: "aggregated", TP: 4, DP: 2, NumGPUs: 6}, 0},
		{"perf.sh without --tensor-parallelism", Deployment{Mode: "aggregated", DP: 2}, 0},
		{"perf.sh without --decode-tp", Deployment{Mode: "disaggregated", PrefillTP: 1, PrefillDP: 4}, 0},
		{"perf.sh without --prefill-dp", Deployment{Mode: "disaggregated", PrefillTP: 1, DecodeTP: 4, DecodeDP: 1}, 0},
		{"a mode nobody knows", Deployment{Mode: "agg", TP: 4, DP: 2}, 0},
	}
	for _, row := range rows {
		got, err := row.d.GPUs()
		if got != row.want || (err == nil) != (row.want > 0) {
			t.Errorf("%s: got %d, %v, want %d", row.sentence, got, err, row.want)
		}
	}
}

func TestReadDeploymentRefusesOtherThanRegularFiles(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]error{dir: aiperf.ErrNotFile, "/dev/zero": aiperf.ErrNotFile,
		filepath.Join(dir, "none"): fs.ErrNotExist} {
		if _, err := ReadDeployment(path); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", path, err, want)
		}
	}
}

// The two forms of extra inputs in exports, and the plan, are written alike.
func TestExtraInputsAreWrittenAlike(t *testing.T) {
	exports, err := filepath.Glob("../aiperf/testdata/versions/*/-concurrency2/" + aiperf.ExportName)
	if err != nil || len(exports) < 8 {
		t.Fatalf("%d exports, %v", len(exports), err)
	}
	for _, path := range exports {
		m, err := aiperf.Read(path)
		if got, want := ExtraInputs(m.Extra), "ignore_eos:true, max_tokens:15, min_tokens:15"; err != nil || got != want {
			t.Errorf("%s: %q (%v), want %q", path, got, err, want)
		}
	}
	m, err := aiperf.Read("../aiperf/testdata/artifacts_root/artifacts_0/-concurrency2/" + aiperf.ExportName) // 0.13
	if got, want := ExtraInputs(m.Extra), "ignore_eos:true, max_tokens:50, min_tokens:50"; err != nil || got != want {
		t.Errorf("aiperf %s: %q (%v), want %q", m.AIPerf, got, err, want)
	}
	nested := map[string]string{"nvext": `{"b": 1.0, "a": true}`, "max_tokens": "5"}
	if got, want := ExtraInputs(nested), `max_tokens:5, nvext:{"a":true,"b":1}`; got != want {
		t.Errorf("nested extra inputs %q, want %q", got, want)
	}
	planned := Load{Extra: []string{"max_tokens:5", `{"nvext":{"ignore_eos":true}}`}}
	if got, want := planned.ExtraInputs(), `max_tokens:5, nvext:{"ignore_eos":true}`; got != want {
		t.Errorf("planned extra inputs %q, want %q", got, want)
	}
}

func TestArgumentsAreWrittenByOption(t *testing.T) {
	l := Load{Args: []string{"--request-rate", "5", "-v", "--goodput", "a:1 b:2", "--audio-format=wav"}}
	if got, want := l.Arguments(), "--audio-format=wav, --goodput a:1 b:2, --request-rate 5, -v"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := (Load{}).Arguments(); got != "none" {
		t.Errorf("no argument is %q", got)
	}
}

// FuzzDeployment checks that no input causes a panic, and that an accepted one can be written
// and read back unchanged, and has GPUs or an error.
func FuzzDeployment(f *testing.F) {
	f.Add(recorded(f, "artifacts_root", "artifacts_0", DeploymentName))
	f.Add(recorded(f, "artifacts_root", "artifacts_1", DeploymentName))
	f.Add([]byte(`{"kind": "", "workers": [{"cuda_visible_devices": [0], "tensor_parallel": 1.0}]}`))
	f.Add([]byte(`{"kind": "", "settings": {"block-size": "128"}}`))
	f.Add([]byte(`{"kind": "", "load": {"random_seed": 100, "extra_inputs": ["ignore_eos:true"]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := ParseDeployment("x", data)
		if err != nil {
			return
		}
		if gpus, err := d.GPUs(); (gpus > 0) != (err == nil) {
			t.Fatalf("%d GPUs, %v", gpus, err)
		}
		written, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseDeployment("x", written)
		if err != nil || !cmp.Equal(d, again, cmpopts.EquateEmpty()) {
			t.Fatalf("%v: %s", err, cmp.Diff(d, again, cmpopts.EquateEmpty()))
		}
	})
}

// What one file has and another lacks is a difference only if that other records such values.
func TestCompleteKnowsWhatAFileRecords(t *testing.T) {
	old := Deployment{Name: "old", Settings: Values{"dtype": "auto"}}
	bare := Deployment{Name: "bare", Settings: Values{"dtype": "auto"}, Variables: Values{}, Programs: Values{"vLLM": "1"}, Machine: Values{"host": "a"}}
	full := Deployment{Name: "full", Settings: Values{"dtype": "auto", "max-num-seqs": "16"}, Variables: Values{"NCCL_DEBUG": "INFO"},
		Programs: Values{"vLLM": "2", "nginx": "1"}, Machine: Values{"host": "b", GPUModel: "NVIDIA H100"}}
	for _, row := range []struct {
		why    string
		sides  []Deployment
		differ []string
		want   Values // of the first side
	}{
		{"both record everything", []Deployment{bare, full}, []string{"NCCL_DEBUG", "host", "max-num-seqs", "vLLM"},
			Values{"dtype": "auto", "max-num-seqs": Default, "NCCL_DEBUG": NotSet, "vLLM": "1", "host": "a"}},
		{"a script's file, which records the profile's variables only", []Deployment{{Name: "s", Settings: old.Settings, Variables: Values{}}, full},
			[]string{"NCCL_DEBUG", "max-num-seqs"}, Values{"dtype": "auto", "max-num-seqs": Default}},
		{"an older file", []Deployment{old, full}, []string{"NCCL_DEBUG", "max-num-seqs"}, Values{"dtype": "auto"}},
	} {
		got := CompareSettings(row.sides)
		if diff := cmp.Diff(row.differ, got.Differ); diff != "" {
			t.Errorf("%s: differ (-want +got): %s", row.why, diff)
		}
		if diff := cmp.Diff(row.want, got.Sides[0].Values); diff != "" {
			t.Errorf("%s: values (-want +got): %s", row.why, diff)
		}
	}
	data, err := json.Marshal(bare)
	again, readErr := ParseDeployment("x", []byte(strings.Replace(string(data), `"mode":""`, `"mode":"aggregated"`, 1)))
	if err != nil || readErr != nil || again.Variables == nil {
		t.Errorf("no variable is not the same as none recorded: %v %v %s", err, readErr, data)
	}
}

func TestCompareSettings(t *testing.T) {
	side := func(name, block, dtype string) Deployment {
		return Deployment{Name: name, Settings: map[string]string{"block-size": block, "dtype": dtype}}
	}
	upstreams := Deployment{Kind: "dynamo", Mode: "aggregated"}
	for _, row := range []struct {
		why         string
		deployments []Deployment
		sides       int
		differ      []string
	}{
		{"nothing to compare", nil, 0, []string{}},
		{"one side", []Deployment{side("a", "16", "auto")}, 1, []string{}},
		{"the same on both", []Deployment{side("a", "16", "auto"), side("b", "16", "auto")}, 2, []string{}},
		{"one setting differs", []Deployment{side("a", "16", "auto"), side("b", "128", "auto")}, 2, []string{"block-size"}},
		{"the third differs, in both, sorted", []Deployment{side("a", "16", "auto"), side("b", "16", "auto"), side("c", "1", "half")}, 3,
			[]string{"block-size", "dtype"}},
		{"perf.sh writes no settings, so it is no side", []Deployment{side("a", "16", "auto"), upstreams}, 1, []string{}},
		{"a repeat is one side", []Deployment{side("a", "16", "auto"), side("a", "16", "auto")}, 1, []string{}},
		{"a repeat with another setting is not", []Deployment{side("a", "16", "auto"), side("a", "32", "auto")}, 2,
			[]string{"block-size"}},
		{"a setting that one side lacks differs", []Deployment{side("a", "16", "auto"), {Name: "b", Settings: map[string]string{"dtype": "auto"}}}, 2,
			[]string{"block-size"}},
	} {
		got := CompareSettings(row.deployments)
		if diff := cmp.Diff(row.differ, got.Differ); diff != "" || len(got.Sides) != row.sides {
			t.Errorf("%s: %d sides, want %d; differ (-want +got): %s", row.why, len(got.Sides), row.sides, diff)
		}
	}
	if got := CompareSettings([]Deployment{{Kind: "k", Mode: "m", Settings: map[string]string{"a": "b"}}}).Sides[0].Name; got != "k_m" {
		t.Errorf("the side of a topology without a name is %q, want its label", got)
	}
}

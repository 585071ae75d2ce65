package profile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheFaultOfAnEngineConfigHasItsLine(t *testing.T) {
	dir := t.TempDir()
	p := mustParse(t, valid+"engine_args: [--config, "+dir+"/none,\n  --config="+dir+"/other]\n")
	_, err := ReadEngineConfigs(p)
	line := strings.Count(valid, "\n") + 1
	for _, want := range []string{fmt.Sprintf("%s:%d:25: cannot read --config %s/none", p.Source, line, dir),
		fmt.Sprintf("%s:%d:3: cannot read --config %s/other", p.Source, line+1, dir)} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
}

func TestEngineConfigsAreRead(t *testing.T) { // C01
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good.yaml", "max-model-len: 4096\nenforce_eager: true\nasync-scheduling: false\ndtype: bfloat16\n"+
		"cudagraph-capture-sizes: [1, 2]\ncompilation-config: {mode: 3}\ngpu-memory-utilization: 0.9\n")
	p := Profile{Source: "p.yaml", EngineArgs: []string{"--config", good, "--max-num-seqs", "16"}, Aggregated: []Worker{{}, {}}}
	got, err := ReadEngineConfigs(p)
	want := EngineConfigs{good: {"max-model-len": "4096", "enforce_eager": "on", "async-scheduling": "off", "dtype": "bfloat16",
		"cudagraph-capture-sizes": "[1,2]", "compilation-config": `{"mode":3}`, "gpu-memory-utilization": "0.9"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if got, err := ReadEngineConfigs(Profile{Aggregated: []Worker{{EngineArgs: []string{"--config-format", "x"}}}}); len(got) > 0 || err != nil {
		t.Errorf("no file is named: %v, %v", got, err)
	}
	bad := Profile{Source: "p.yaml", Aggregated: []Worker{{EngineArgs: []string{"--config=" + dir + "/none"}}, {EngineArgs: []string{"--config", "here.yaml"}},
		{EngineArgs: []string{"--config", write("odd.yaml", "- a\n")}}, {EngineArgs: []string{"--config", write("tp.yaml", "tensor_parallel_size: 2\n")}}}}
	_, err = ReadEngineConfigs(bad)
	bad.Aggregated = append(bad.Aggregated, bad.Aggregated...)
	if _, again := ReadEngineConfigs(bad); again == nil || again.Error() != err.Error() {
		t.Errorf("a file that two workers name has its faults twice: %v", again)
	}
	for _, part := range []string{"p.yaml: cannot read --config " + dir + "/none: no such file", "here.yaml: workers run in directories of their own: write an absolute path",
		"odd.yaml: yaml", "tensor_parallel_size in --config " + dir + "/tp.yaml is derived from the worker's tensor_parallel"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v lacks %q", err, part)
		}
	}
}

// A file that takes away a gate or the counters is refused as the argument itself would be.
func TestEngineConfigsThatTakeAwayEvidence(t *testing.T) {
	for _, row := range []struct{ line, want string }{
		{"root-path: /x", "root-path in --config FILE closes a gate: with it vLLM moves every page"},
		{"ssl_keyfile: a", "ssl_keyfile in --config FILE closes a gate"},
		{"api-key: abc", "api-key in --config FILE closes a gate: with it vLLM answers 401"},
		{"headless: true", "headless in --config FILE closes a gate"},
		{"disable_log_stats: true", "disable_log_stats in --config FILE takes away the counters"},
		{"disable-log-stats: false", ""},
		{"headless: false", ""},
		{"task: generate", ""},
	} {
		path := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(path, []byte(row.line), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := ReadEngineConfigs(Profile{Engine: "vllm", Aggregated: []Worker{{EngineArgs: []string{"--config", path}}}})
		want := strings.ReplaceAll(row.want, "FILE", path)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", row.line, err, want)
		}
	}
}

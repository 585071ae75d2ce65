package profiles_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/profile"
	"topobench/profiles"
)

func parse(t *testing.T, name string) profile.Profile {
	t.Helper()
	data, err := profiles.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	reader := profile.Reader{Getenv: func(name string) string { return map[string]string{"HOME": "/home/someone"}[name] }}
	p, err := reader.Parse("built-in "+name, data)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestEachBuiltInProfileIsWithoutFaultAndNamedAsItsFile(t *testing.T) {
	want := []string{"agg-1node", "demo-agg", "demo-disagg", "disagg-1node"}
	if diff := cmp.Diff(profiles.Names(), want); diff != "" {
		t.Error(diff)
	}
	for _, name := range profiles.Names() {
		p := parse(t, name)
		if p.Name != name || p.Source != "built-in "+name {
			t.Errorf("%s: Name %q, Source %q", name, p.Name, p.Source)
		}
		if p.GPUs() != 8 {
			t.Errorf("%s: %d GPUs, want the guide's 8", name, p.GPUs())
		}
	}
}

func TestGuideProfilesAskForTheGuidesLoad(t *testing.T) {
	want := profile.Sweep{ISL: 3000, OSL: 150, Concurrency: []int{1, 2, 4, 8, 16, 32, 64, 128, 256}, Exact: true}
	for name, label := range map[string]string{
		"disagg-1node": "dynamo_vllm_disaggregated", "agg-1node": "vllm_serve_aggregated",
	} {
		p := parse(t, name)
		if diff := cmp.Diff(p.Load, want); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if p.Label() != label || p.Model != "Qwen/Qwen3-0.6B" {
			t.Errorf("%s: label %s, model %s", name, p.Label(), p.Model)
		}
	}
}

func TestGuideBaselineHasTheGuidesArguments(t *testing.T) {
	got := strings.Join(parse(t, "agg-1node").EngineArgs, " ")
	want := "--block-size 128 --max-model-len 3500 --max-num-batched-tokens 3500 --gpu-memory-utilization 0.95"
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestDemosShareTheLoadAndTheModelAndNoPort(t *testing.T) {
	disagg, agg := parse(t, "demo-disagg"), parse(t, "demo-agg")
	if diff := cmp.Diff(disagg.Load, agg.Load); diff != "" {
		t.Error(diff)
	}
	for _, p := range []profile.Profile{disagg, agg} {
		if p.Model != "/home/someone/.cache/topobench/models/tiny" || p.ServedName != "tiny" {
			t.Errorf("%s: model %s served as %s", p.Name, p.Model, p.ServedName)
		}
	}
	if agg.Frontend != nil {
		t.Error("demo-agg: the mockers behind the balancer have a frontend each, none in common")
	}
	ports := []int{disagg.Frontend.Port, agg.Balancer.Port, agg.Aggregated[0].Port, agg.Aggregated[1].Port}
	slices.Sort(ports)
	if n := len(slices.Compact(ports)); n != 4 {
		t.Errorf("ports %v: want four different ones", ports)
	}
}

func TestUnknownBuiltInProfileNamesThoseThereAre(t *testing.T) {
	for _, name := range []string{"nope", "../go", "", "agg-1node.yaml"} {
		if _, err := profiles.Read(name); err == nil || !strings.Contains(err.Error(), "demo-disagg") {
			t.Errorf("Read(%q): %v", name, err)
		}
	}
}

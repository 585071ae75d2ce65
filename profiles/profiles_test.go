package profiles_test

import (
	"maps"
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
	reader := profile.Reader{Cache: "/cache", Getenv: func(name string) string { return map[string]string{"HOME": "/home/someone"}[name] }}
	p, err := reader.Parse("built-in "+name, data)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestEachBuiltInProfileIsWithoutFaultAndNamedAsItsFile(t *testing.T) {
	gpus := map[string]int{
		"agg-1node": 8, "disagg-1node": 8, "agg-2node": 16, "disagg-2node": 16, "agg-dynamo-1node": 8,
		"llama70b-agg": 4, "llama70b-disagg-1node": 8, "llama70b-disagg-2node": 16,
		"cpu-agg": 2, "cpu-disagg": 3, "cpu-dp": 2,
		"demo-agg-2node": 16, "demo-disagg-2node": 16,
		"demo-agg": 8, "demo-agg-dynamo": 8, "demo-agg-urls": 8, "demo-disagg": 8,
	}
	if diff := cmp.Diff(profiles.Names(), slices.Sorted(maps.Keys(gpus))); diff != "" {
		t.Error(diff)
	}
	for _, name := range profiles.Names() {
		p := parse(t, name)
		if p.Name != name || p.Source != "built-in "+name {
			t.Errorf("%s: Name %q, Source %q", name, p.Name, p.Source)
		}
		if p.GPUs() != gpus[name] {
			t.Errorf("%s: %d GPUs, want %d", name, p.GPUs(), gpus[name])
		}
	}
}

func TestGuideProfilesAskForTheGuidesLoad(t *testing.T) {
	want := profile.Sweep{ISL: 3000, OSL: 150, Concurrency: []int{1, 2, 4, 8, 16, 32, 64, 128, 256}, Exact: true}
	for name, label := range map[string]string{
		"disagg-1node": "dynamo_vllm_disaggregated", "agg-1node": "vllm_serve_aggregated",
		"disagg-2node": "dynamo_vllm_disaggregated", "agg-2node": "vllm_serve_aggregated",
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
	want := "--block-size 128 --max-model-len 3500 --max-num-batched-tokens 3500 --gpu-memory-utilization 0.95"
	for _, name := range []string{"agg-1node", "agg-2node"} {
		if got := strings.Join(parse(t, name).EngineArgs, " "); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

// The sides differ in prefill and decode, and in nothing else.
func TestTheFairBaselineHasAllOfDisagg1node(t *testing.T) {
	fair, other := parse(t, "agg-dynamo-1node"), parse(t, "disagg-1node")
	if fair.Mode() != "aggregated" || len(fair.Aggregated) != 2 || fair.Aggregated[0].TP != 4 || fair.GPUs() != other.GPUs() {
		t.Errorf("%s: %+v on %d GPUs", fair.Mode(), fair.Aggregated, fair.GPUs())
	}
	fair.Name, fair.Source, fair.Text = other.Name, other.Source, other.Text
	fair.Aggregated, other.Prefill, other.Decode = nil, nil, nil
	if diff := cmp.Diff(other, fair); diff != "" {
		t.Error(diff)
	}
}

// Dynamo's catalogue measures 16 requests a GPU: each ladder has that point, and the sides have one load.
func TestCatalogueProfilesHaveTheCataloguesPoints(t *testing.T) {
	load, labels := parse(t, "llama70b-agg").Load, map[string]bool{}
	for _, name := range []string{"llama70b-agg", "llama70b-disagg-1node", "llama70b-disagg-2node"} {
		p := parse(t, name)
		labels[p.Label()] = true
		if diff := cmp.Diff(load, p.Load); diff != "" || load.ISL != 8192 || load.OSL != 1024 {
			t.Errorf("%s: isl %d, osl %d\n%s", name, load.ISL, load.OSL, diff)
		}
		if !slices.Contains(load.Concurrency, 16*p.GPUs()) || p.Model != "RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic" {
			t.Errorf("%s: %s at %v on %d GPUs", name, p.Model, load.Concurrency, p.GPUs())
		}
	}
	if len(labels) != 3 {
		t.Errorf("labels %v: three topologies on one chart need three", labels)
	}
}

func TestDemosShareTheLoadAndTheModelAndNoPort(t *testing.T) {
	var ports []int
	labels := map[string]bool{}
	first := parse(t, "demo-disagg")
	for _, name := range []string{"demo-disagg", "demo-agg", "demo-agg-dynamo", "demo-agg-urls", "demo-disagg-2node", "demo-agg-2node"} {
		p := parse(t, name)
		p.Load.Spread = first.Load.Spread // how it is sent, not what
		if diff := cmp.Diff(first.Load, p.Load); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		labels[p.Label()] = true
		if p.Frontend != nil {
			ports = append(ports, p.Frontend.Port)
		}
		if p.Balancer != nil {
			ports = append(ports, p.Balancer.Port)
		}
		for _, w := range p.Aggregated {
			ports = append(ports, w.Port)
		}
		if p.Model != "/cache/models/tiny" || p.ServedName != "tiny" {
			t.Errorf("%s: model %s served as %s", p.Name, p.Model, p.ServedName)
		}
	}
	if len(labels) != 6 {
		t.Errorf("labels %v: all demos can stand on one chart", labels)
	}
	ports = slices.DeleteFunc(ports, func(port int) bool { return port == 0 })
	slices.Sort(ports)
	if n := len(slices.Compact(slices.Clone(ports))); n != 11 || len(ports) != 11 {
		t.Errorf("ports %v: want eleven different ones", ports)
	}
}

func TestOnlyBalancedMockersHaveFrontendsOfTheirOwn(t *testing.T) {
	for name, common := range map[string]bool{"demo-agg": false, "demo-agg-urls": false, "demo-agg-dynamo": true} {
		if p := parse(t, name); (p.Frontend != nil) != common {
			t.Errorf("%s: a frontend in common is there: %t, want %t", name, p.Frontend != nil, common)
		}
	}
}

func TestUnknownBuiltInProfileNamesThoseThereAre(t *testing.T) {
	for _, name := range []string{"nope", "../go", "", "agg-1node.yaml"} {
		if _, err := profiles.Read(name); err == nil || !strings.Contains(err.Error(), "demo-disagg") {
			t.Errorf("Read(%q): %v", name, err)
		}
	}
}

// --hosts and an allocation give the machines: no profile names one of its own.
func TestProfilesOverHostsHaveNoAddress(t *testing.T) {
	for _, name := range []string{"agg-2node", "disagg-2node", "llama70b-disagg-2node", "demo-agg-2node", "demo-disagg-2node"} {
		if diff := cmp.Diff([]string{"node0", "node1"}, parse(t, name).Unplaced()); diff != "" {
			t.Errorf("%s: hosts without an address (-want +got): %s", name, diff)
		}
	}
}

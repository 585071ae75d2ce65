package profile

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestAbsentKeysHaveTheirDefaults(t *testing.T) {
	got := mustParse(t, valid)
	want := Profile{
		Name: "a", Kind: "b", Engine: "vllm", Model: "m", Source: "/etc/profiles/p.yaml", Text: valid,
		Discovery:  Discovery{Etcd: "none", NATS: "none"},
		Aggregated: []Worker{{Devices: []int{0}, TP: 1, PP: 1, DP: 1}},
		Load:       Sweep{ISL: 3000, OSL: 150, Concurrency: []int{1, 2, 4, 8, 16, 32, 64, 128, 256}},
		Timeouts:   Timeouts{Ready: 30 * time.Minute, Stall: 5 * time.Minute, Grace: 30 * time.Second, GPU: 2 * time.Minute},
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Error(diff)
	}
}

func TestDefaultsDependOnTheEngine(t *testing.T) {
	for _, c := range []struct {
		why, text string
		discovery Discovery
		frontend  *Frontend
		balancer  *Balancer
	}{
		{"Dynamo starts etcd and NATS, and has a frontend", head("dynamo") + "aggregated: [{cuda_visible_devices: [0]}]\n",
			Discovery{"start", "start"}, &Frontend{Port: 8000}, nil},
		{"half a discovery keeps the other half", head("dynamo") + "aggregated: [{cuda_visible_devices: [0]}]\ndiscovery: {nats: none}\nfrontend: {router: kv}\n",
			Discovery{"start", "none"}, &Frontend{Port: 8000, Router: "kv"}, nil},
		{"mockers find each other by files", head("mocker") + "prefill: [{cuda_visible_devices: [0]}]\ndecode: [{cuda_visible_devices: [1]}]\n",
			Discovery{"none", "none"}, &Frontend{Port: 8000}, nil},
		{"a lone mocker with a port is its own frontend", head("mocker") + "aggregated: [{cuda_visible_devices: [0], port: 9}]\n",
			Discovery{"none", "none"}, nil, nil},
		{"so are mockers behind a balancer", head("mocker") + "balancer: {}\naggregated: [{cuda_visible_devices: [0], port: 9}]\n",
			Discovery{"none", "none"}, nil, &Balancer{Port: 8000, Config: "guide"}},
		{"URLs are kept", head("dynamo") + "aggregated: [{cuda_visible_devices: [0]}]\ndiscovery: {etcd: 'https://h:2379', nats: 'nats://h'}\n",
			Discovery{"https://h:2379", "nats://h"}, &Frontend{Port: 8000}, nil},
	} {
		p := mustParse(t, c.text)
		diff := cmp.Diff(p.Discovery, c.discovery) + cmp.Diff(p.Frontend, c.frontend) + cmp.Diff(p.Balancer, c.balancer)
		if diff != "" {
			t.Errorf("%s:\n%s", c.why, diff)
		}
	}
}

func TestAnchorsAndMergeKeysAreFollowed(t *testing.T) { // F-87
	p := mustParse(t, head("dynamo")+`x:
  worker: &worker {tensor_parallel: 2, engine_args: [--a], any: &n 7}
  other: &other {engine_args: [--b], env: {A: b}}
  whole: &whole {tensor_parallel: 2, engine_args: [--a]}
nice: *n
prefill: [{<<: [*whole, *other], cuda_visible_devices: [0, 1]}]
decode: [{<<: *whole, cuda_visible_devices: [2], tensor_parallel: 1}]
`)
	want := []Worker{{Devices: []int{0, 1}, TP: 2, PP: 1, DP: 1, EngineArgs: []string{"--a"}, Env: map[string]string{"A": "b"}},
		{Devices: []int{2}, TP: 1, PP: 1, DP: 1, EngineArgs: []string{"--a"}}}
	if diff := cmp.Diff(append(p.Prefill, p.Decode...), want); diff != "" || p.Nice != 7 {
		t.Errorf("nice %d\n%s", p.Nice, diff)
	}
	row{"a bad key in an anchor used twice is one fault, where it is written", head("dynamo") +
		"x: &w {tensor: 1}\nprefill: [{<<: *w, cuda_visible_devices: [0]}]\ndecode: [{<<: *w, cuda_visible_devices: [1]}]\n",
		"5:8", words("tensor")}.check(t)
}

func TestTextIsTakenAsWritten(t *testing.T) { // F-88
	p := mustParse(t, valid+"served_name: \"$(touch x); 'a' \\n b\"\nversions: {vllm: 0.10}\n"+
		"engine_args: [128, on, 1_0, \"a b\", '', \"--x=${ENV:Y}\"]\n")
	if diff := cmp.Diff(p.EngineArgs, []string{"128", "on", "1_0", "a b", "", "--x=${ENV:Y}"}); diff != "" {
		t.Error(diff)
	}
	if p.ServedName != "$(touch x); 'a' \n b" || p.Versions["vllm"] != "0.10" {
		t.Errorf("served_name %q, versions %v", p.ServedName, p.Versions)
	}
}

func TestModeLabelAndGPUsAreDerived(t *testing.T) {
	p := mustParse(t, strings.Replace(head("dynamo"), "kind: b", "kind: dynamo_vllm", 1)+
		"prefill: [{cuda_visible_devices: [0]}, {cuda_visible_devices: [1]}]\ndecode: [{cuda_visible_devices: [4, 5, 6, 7], data_parallel: 2, tensor_parallel: 2}]\n")
	if p.Mode() != "disaggregated" || p.Label() != "dynamo_vllm_disaggregated" || p.GPUs() != 6 {
		t.Errorf("%s, %s, %d GPUs", p.Mode(), p.Label(), p.GPUs())
	}
}

func TestAllFaultsOfAProfileAreToldAtOnce(t *testing.T) {
	data, err := os.ReadFile("testdata/broken.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, err = atHome.Parse("broken.yaml", data)
	if err == nil {
		t.Fatal("a broken profile was taken")
	}
	const golden = "testdata/broken.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(err.Error()+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, readErr := os.ReadFile(golden)
	if readErr != nil {
		t.Fatal(readErr)
	}
	if diff := cmp.Diff(err.Error()+"\n", string(want)); diff != "" {
		t.Error(diff)
	}
}

func TestLoadReadsAFileAndSaysWhenItCannot(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "p.yaml")
	if err := os.WriteFile(path, []byte(strings.Replace(valid, "model: m", "model: ./m", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := Reader{}.Load(path)
	if err != nil || p.Source != path || p.Model != filepath.Join(dir, "m") {
		t.Errorf("source %q, model %q, error %v", p.Source, p.Model, err)
	}
	for _, bad := range []string{filepath.Join(dir, "none.yaml"), dir} {
		_, err := Reader{}.Load(bad)
		if err == nil || !strings.HasPrefix(err.Error(), "cannot read the profile: ") || !strings.Contains(err.Error(), bad) {
			t.Errorf("Load(%s): %v", bad, err)
		}
		if _, ok := errors.AsType[Faults](err); ok {
			t.Errorf("Load(%s): a file that cannot be read is no fault of the profile", bad)
		}
	}
}

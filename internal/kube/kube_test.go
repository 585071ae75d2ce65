package kube

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/profile"
)

// demo brings the tiny model into the pods.
func demo(settings ...string) []string {
	return append([]string{image, "kubernetes.model_storage.host_path=/cache/models"}, settings...)
}

func TestManifestsOfBuiltInProfiles(t *testing.T) {
	for name, settings := range map[string][]string{
		"demo-disagg": demo(), "demo-agg": demo(), "disagg-1node": {image},
		"agg-1node": {"kubernetes.image=vllm/vllm-openai:v0.10.2"},
	} {
		t.Run(name, func(t *testing.T) { golden(t, name+".yaml", manifests(made(t, builtIn(t, name, settings...)))) })
	}
}

func TestScriptOfTheDemo(t *testing.T) {
	var b strings.Builder
	topologies := []Topology{made(t, builtIn(t, "demo-disagg", demo("kubernetes.namespace=bench", "kubernetes.context=lab")...)),
		made(t, builtIn(t, "demo-agg", demo("kubernetes.namespace=bench", "kubernetes.context=lab")...))}
	if err := Script(&b, "artifacts_root", topologies); err != nil {
		t.Fatal(err)
	}
	golden(t, "demo.sh", b.String())
}

func TestProfilesOfOneScriptShareTheirPlace(t *testing.T) {
	err := Script(io.Discard, "r", []Topology{made(t, builtIn(t, "demo-disagg", demo("kubernetes.namespace=a")...)), made(t, builtIn(t, "demo-agg", demo()...))})
	if err == nil || !strings.Contains(err.Error(), "kubernetes of demo-disagg and demo-agg have another context, namespace") {
		t.Error(err)
	}
}

// Every key of kubernetes reaches the pods.
func TestKeysOfKubernetesReachThePods(t *testing.T) {
	p := read(t, "p.yaml", `name: full.name
kind: k
engine: dynamo
model: m
prefill: {workers: 2, engine_args: [--a], env: {OWN: w}}
decode: [{cuda_visible_devices: [2, 3], tensor_parallel: 2}, {cuda_visible_devices: [4]}]
env: {ALL: e}
kubernetes:
  image: r/i:1.6.1
  load_image: r/load:1
  pull_secret: pull
  hf_token_secret: hf
  node_selector: {gpu: h100}
  tolerations: [{key: nvidia.com/gpu, operator: Exists, effect: NoSchedule}]
  model_storage: {pvc: models, mount: /models}
  shared_memory: 16Gi
  pod:
    hostNetwork: true
    volumes: [{name: scratch, emptyDir: {}}]
    containers:
    - {name: main, volumeMounts: [{name: scratch, mountPath: /scratch}], resources: {requests: {cpu: "8"}}}
`)
	topology := made(t, p)
	job, err := Load("run-1", []Topology{topology}, 3600e9, []string{"sleep", "3600"})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "full.yaml", job.Text+manifests(topology))
}

// Two machines' GPUs of one number are different GPUs, and workers of one port do not clash: pods have addresses.
func TestHostsFallAway(t *testing.T) {
	for name, gpus := range map[string]int{"disagg-2node": 16, "agg-2node": 16, "llama70b-disagg-2node": 16} {
		topology := made(t, builtIn(t, name, image))
		limits := 0
		for _, o := range values(t, topology) {
			limits += limitsOf(t, o)
		}
		if topology.Plan.GPUs != gpus || topology.Plan.Deployment.NumGPUs != gpus || limits != gpus {
			t.Errorf("%s: %d GPUs in the plan, %d in the deployment, %d in the limits, want %d", name, topology.Plan.GPUs,
				topology.Plan.Deployment.NumGPUs, limits, gpus)
		}
		if len(topology.Plan.Hosts) > 0 {
			t.Errorf("%s: hosts %v", name, topology.Plan.Hosts)
		}
	}
}

// limitsOf counts the GPUs of an object: replicas x limit.
func limitsOf(t *testing.T, o object) (all int) {
	t.Helper()
	count := func(replicas, container any) {
		if resources, is := container.(object)["resources"].(object); is {
			n := 0
			if _, err := fmt.Sscan(at(t, resources, "limits", gpuResource).(string), &n); err != nil {
				t.Fatal(err)
			}
			all += replicas.(int) * n
		}
	}
	switch o["kind"] {
	case graphKind:
		for _, c := range at(t, o, "spec", "components").(list) {
			count(at(t, c, "replicas"), at(t, c, "podTemplate", "spec", "containers", 0))
		}
	case "Deployment":
		count(at(t, o, "spec", "replicas"), at(t, o, "spec", "template", "spec", "containers", 0))
	}
	return all
}

// Every object has the label of the run and the Job as its owner; every name fits.
func TestObjectsAreOwnedAndNamed(t *testing.T) {
	long := strings.Repeat("long-", 11) + "name.1"
	for _, p := range []profile.Profile{builtIn(t, "demo-disagg", demo("name="+long)...), builtIn(t, "demo-agg", demo("name="+long)...)} {
		topology, err := Make(p, nil, "20261130-150000-"+strings.Repeat("x", 60), guide())
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range values(t, topology) {
			meta := at(t, o, "metadata").(object)
			owner := at(t, meta, "ownerReferences", 0).(object)
			run := at(t, meta, "labels", RunLabel).(string)
			if owner["kind"] != "Job" || owner["uid"] != Owner || owner["name"] != JobName(run) || len(run) > 63 {
				t.Errorf("%s: owner %v, run %s", meta["name"], owner, run)
			}
			for _, called := range []string{meta["name"].(string), owner["name"].(string)} {
				if len(called) > 63 {
					t.Errorf("%q has %d characters", called, len(called))
				}
			}
		}
		if len(topology.Name) > longestGraph {
			t.Errorf("the graph's name %s leaves no room for its components", topology.Name)
		}
	}
}

func TestNamesFitEveryKindOfObject(t *testing.T) {
	for _, c := range []struct {
		most        int
		text, begin string // begin is all of it, or ends before a hash
	}{
		{63, "demo-agg-nginx", "demo-agg-nginx"}, {63, "4p1d", "t-4p1d-"}, {63, "a.b_C", "a-b-c-"}, {12, "abcdefghijklm", "abcde-"},
		{63, "", "t-"}, {63, "--", "t-"}, {10, "abc-------", "abc-"},
	} {
		got := name(c.most, c.text)
		if len(got) > c.most || !strings.HasPrefix(got, c.begin) || c.begin == c.text && got != c.text || strings.Contains(got, "--") || strings.HasSuffix(got, "-") {
			t.Errorf("name(%d, %q) is %q", c.most, c.text, got)
		}
	}
	if a, b := name(63, "a.b"), name(63, "a_b"); a == b {
		t.Errorf("a.b and a_b are both %s", a)
	}
}

// A pod has none of the addresses, ports, GPUs and directories that topobench chooses on a machine.
func TestPodsHaveNothingOfAMachine(t *testing.T) {
	text := manifests(made(t, builtIn(t, "disagg-1node", image))) + manifests(made(t, builtIn(t, "agg-1node", image)))
	for _, word := range []string{"CUDA_VISIBLE_DEVICES", "127.0.0.1", "VLLM_PORT", "ETCD_ENDPOINTS", "NATS_SERVER", "TMPDIR", "\x00", "SIDE_CHANNEL"} {
		if strings.Contains(text, word) {
			t.Errorf("a manifest has %q", word)
		}
	}
}

func TestFaultsOfAClusterAreReportedAtOnce(t *testing.T) {
	p := read(t, "p.yaml", `name: a
kind: k
engine: dynamo
model: /models/m
aggregated: [{cuda_visible_devices: [0], env: {TOKEN: "${ENV:MINE}"}}]
env: {KEY: "${ENV:OTHER}"}
kubernetes: {model_storage: {pvc: p, mount: /elsewhere}}
`)
	_, err := Make(p, nil, "r", guide())
	for _, want := range []string{"p.yaml:4:8: model /models/m is a directory", "p.yaml:5:55: TOKEN would have the value of MINE",
		"p.yaml:6:12: KEY would have the value of OTHER", "p.yaml:7:13: kubernetes.image is missing"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in\n%v", want, err)
		}
	}
	p = read(t, "p.yaml", "name: a\nkind: k\nengine: command\nmodel: m\naggregated: {workers: 1, port: 8001}\ncommand: {argv: [s, '{port}', '{log}']}\n", "kubernetes.image=i")
	if _, err := Make(p, nil, "r", guide()); err == nil || !strings.Contains(err.Error(), "p.yaml:6:17: a pod has no file for {log}") {
		t.Errorf("{log}: %v", err)
	}
	p = builtIn(t, "disagg-1node", "kubernetes.image=r/vllm-runtime:0.9.0")
	if _, err := Make(p, nil, "r", guide()); err == nil || !strings.Contains(err.Error(), "Dynamo 0.9.0 has no discovery through Kubernetes") {
		t.Errorf("Dynamo 0.9: %v", err)
	}
}

func TestTheTagOfAnImageIsTheVersion(t *testing.T) {
	for tag, want := range map[string]string{"nvcr.io/nvidia/vllm-runtime:1.6.1": "1.6.1", "localhost:5000/r/i": "", "i:v1.2.0": "v1.2.0",
		"i@sha256:ab": "", "r:1/i:1.5.0@sha256:ab": "1.5.0", "i:my-tag": "my-tag"} {
		if got := tagOf(tag); got != want {
			t.Errorf("the tag of %s is %q, want %q", tag, got, want)
		}
	}
	for _, c := range []struct{ profile, image, dynamo, vllm string }{
		{"disagg-1node", "i:my-tag", "", ""}, {"disagg-1node", "r/vllm-runtime:1.5.0", "1.5.0", ""},
		{"agg-1node", "vllm/vllm-openai:v0.10.2", "", "0.10.2"}, {"agg-1node", "r/vllm-runtime:1.5.0", "", ""},
	} {
		v := installation(flat(builtIn(t, c.profile, "kubernetes.image="+c.image))).Versions
		if string(v.Dynamo) != c.dynamo || string(v.VLLM) != c.vllm {
			t.Errorf("%s with %s: Dynamo %q, vLLM %q", c.profile, c.image, v.Dynamo, v.VLLM)
		}
	}
}

func TestMergeKeepsNamedItemsApart(t *testing.T) {
	under := object{"a": 1, "l": list{object{"name": "x", "v": 1}, object{"name": "y"}}, "keep": "k"}
	over := object{"a": 2, "l": list{object{"name": "x", "w": 2}, object{"name": "z"}}}
	want := object{"a": 2, "keep": "k", "l": list{object{"name": "x", "v": 1, "w": 2}, object{"name": "y"}, object{"name": "z"}}}
	if diff := cmp.Diff(any(want), merge(under, over)); diff != "" {
		t.Error(diff)
	}
}

// The rows for a cluster replace those for a machine.
func TestDeviationsOfACluster(t *testing.T) {
	for name, baseline := range map[string]bool{"disagg-1node": false, "agg-1node": true} {
		ids := map[string]bool{}
		for _, d := range made(t, builtIn(t, name, image)).Plan.Deviations {
			ids[d.ID] = true
		}
		if ids["loopback"] || ids["private-services"] || !ids["cluster-load"] || !ids["smoke"] || ids["cluster-baseline"] != baseline {
			t.Errorf("%s: %v", name, ids)
		}
	}
}

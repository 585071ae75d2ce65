package kube

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/profile"
)

// The GPUs are those of the manifests, with the fields that a profile adds.
func TestDemandsOfManifests(t *testing.T) {
	mocker := "kubernetes.model_storage.host_path=/cache/models"
	for _, c := range []struct {
		why      string
		topology Topology
		want     string
		pods     int
		gpus     int
	}{
		{"a graph", made(t, builtIn(t, "disagg-1node", image)), "4 pods with 1 GPU, 1 pod with 4 GPUs", 6, 8},
		{"servers", made(t, builtIn(t, "agg-1node", image)), "2 pods with 4 GPUs", 3, 8},
		{"mockers", made(t, builtIn(t, "demo-agg", image, mocker)), "", 3, 0},
		{"fields of a profile", made(t, builtIn(t, "demo-agg", image, mocker, `kubernetes.pod={containers: [{name: main, resources: {limits: {nvidia.com/gpu: "9"}}}]}`)),
			"2 pods with 9 GPUs", 3, 18},
	} {
		demands := c.topology.demands()
		pods, gpus := demands.total()
		if demands.String() != c.want || pods != c.pods || gpus != c.gpus {
			t.Errorf("%s: %q, %d pods, %d GPUs", c.why, demands, pods, gpus)
		}
	}
}

// Pods fit if each has a node with room, and not only if the sum suffices.
func TestDemandsFitOnNodes(t *testing.T) {
	for _, c := range []struct {
		why     string
		demands demands
		nodes   []int
		want    bool
	}{
		{"exactly", demands{{4, 1}, {1, 4}, {2, 0}}, []int{8}, true},
		{"one too many", demands{{5, 1}, {1, 4}}, []int{8}, false},
		{"the largest first", demands{{4, 1}, {1, 4}}, []int{4, 4}, true},
		{"a pod of nine", demands{{1, 9}}, []int{8, 8}, false},
		{"the sum suffices, and no node", demands{{3, 5}}, []int{8, 8}, false},
		{"no GPU", demands{{3, 0}}, nil, true},
	} {
		if got := c.demands.fit(c.nodes); got != c.want {
			t.Errorf("%s: %v", c.why, got)
		}
	}
}

func TestNodesThatTakePods(t *testing.T) {
	nodes := func(rest string) nodeObject {
		all, err := readNodes([]byte(`{"items": [{"metadata": {"name": "n", "labels": {"zone": "a"}}, ` + rest + `}]}`))
		if err != nil {
			t.Fatal(err)
		}
		return all[0]
	}
	const ready, tainted = `"status": {"conditions": [{"type": "Ready", "status": "True"}]}`, `"spec": {"taints": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}]}`
	tolerations := func(t ...profile.Toleration) profile.Kubernetes { return profile.Kubernetes{Tolerations: t} }
	for _, c := range []struct {
		why  string
		node nodeObject
		of   profile.Kubernetes
		want bool
	}{
		{"ready", nodes(ready), profile.Kubernetes{}, true},
		{"not ready", nodes(strings.Replace(ready, "True", "Unknown", 1)), profile.Kubernetes{}, false},
		{"cordoned", nodes(ready + `, "spec": {"unschedulable": true}`), profile.Kubernetes{}, false},
		{"selected", nodes(ready), profile.Kubernetes{NodeSelector: map[string]string{"zone": "a"}}, true},
		{"not selected", nodes(ready), profile.Kubernetes{NodeSelector: map[string]string{"zone": "b"}}, false},
		{"a taint", nodes(ready + "," + tainted), profile.Kubernetes{}, false},
		{"a taint that only discourages", nodes(ready + "," + strings.Replace(tainted, "NoSchedule", "PreferNoSchedule", 1)), profile.Kubernetes{}, true},
		{"a taint that is tolerated", nodes(ready + "," + tainted), tolerations(profile.Toleration{Key: "nvidia.com/gpu", Operator: "Exists", Effect: "NoSchedule"}), true},
		{"another effect", nodes(ready + "," + tainted), tolerations(profile.Toleration{Key: "nvidia.com/gpu", Operator: "Exists", Effect: "NoExecute"}), false},
		{"another value", nodes(ready + "," + tainted), tolerations(profile.Toleration{Key: "nvidia.com/gpu", Value: "present"}), false},
		{"every taint", nodes(ready + "," + tainted), tolerations(profile.Toleration{Operator: "Exists"}), true},
	} {
		if got := c.node.takes(c.of); got != c.want {
			t.Errorf("%s: %v", c.why, got)
		}
	}
}

func TestQuotasWithoutRoom(t *testing.T) {
	all, err := readQuotas([]byte(`{"items": [{"metadata": {"name": "q"}, "status": {"hard": {"pods": "10", "requests.nvidia.com/gpu": "8", "requests.cpu": "4"},
		"used": {"pods": "4", "requests.nvidia.com/gpu": "1"}}}]}`))
	if err != nil || len(all) != 1 {
		t.Fatalf("%v, %+v", err, all)
	}
	if diff := cmp.Diff([]string{"the quota q has room for 6 pods", "the quota q has room for 7 requests.nvidia.com/gpu"}, all[0].lacks(7, 8)); diff != "" {
		t.Error(diff)
	}
	if got := all[0].lacks(6, 7); got != nil {
		t.Errorf("with room: %q", got)
	}
	if _, err := readQuotas([]byte("[")); err == nil {
		t.Error("no fault")
	}
}

package kube

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	gpuNode = `{"kind": "Node", "metadata": {"name": "n1", "labels": {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3", "nvidia.com/gpu.memory": "81559",
		"nvidia.com/cuda.driver.major": "550", "nvidia.com/cuda.driver.minor": "54", "nvidia.com/cuda.driver.rev": "15",
		"node.kubernetes.io/instance-type": "p5.48xlarge", "kubernetes.io/os": "linux"}},
		"status": {"allocatable": {"cpu": "8", "nvidia.com/gpu": "8"}, "nodeInfo": {"kernelVersion": "6.8.0", "containerRuntimeVersion": "containerd://1.7.2", "osImage": "Ubuntu 24.04", "kubeletVersion": "v1.33.1"}}}`
	plainNode = `{"kind": "Node", "metadata": {"name": "n0"}, "status": {"nodeInfo": {"kernelVersion": "6.8.0"}}}`
)

// A label has the model, the memory and the driver of GPUs; a fact that a node lacks is absent.
func TestNodesAreDescribed(t *testing.T) {
	nodes, err := readNodes([]byte(`{"kind": "List", "items": [` + gpuNode + "," + plainNode + "]}"))
	if err != nil || len(nodes) != 2 {
		t.Fatalf("%v, %+v", err, nodes)
	}
	want := Node{Name: "n1", Facts: map[string]string{"GPU model": "NVIDIA-H100-80GB-HBM3", "GPU memory": "81559 MiB", "GPUs": "8", "driver": "550.54.15",
		"instance type": "p5.48xlarge", "kernel": "6.8.0", "container runtime": "containerd://1.7.2", "system": "Ubuntu 24.04", "kubelet": "v1.33.1"},
		Labels: map[string]string{"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3", "nvidia.com/gpu.memory": "81559", "nvidia.com/cuda.driver.major": "550",
			"nvidia.com/cuda.driver.minor": "54", "nvidia.com/cuda.driver.rev": "15", "node.kubernetes.io/instance-type": "p5.48xlarge"}}
	if diff := cmp.Diff(want, nodes[1].describe()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(Node{Name: "n0", Facts: map[string]string{"kernel": "6.8.0"}, Labels: map[string]string{}}, nodes[0].describe()); diff != "" {
		t.Error(diff)
	}
	newer := nodes[1]
	newer.Metadata.Labels["nvidia.com/cuda.driver-version.full"] = "580.65.06"
	if got := newer.describe().Facts["driver"]; got != "580.65.06" {
		t.Errorf("the driver is %s", got)
	}
}

// kubectl prints one node without a list.
func TestASingleNodeIsRead(t *testing.T) {
	nodes, err := readNodes([]byte(gpuNode))
	if err != nil || len(nodes) != 1 || nodes[0].Metadata.Name != "n1" {
		t.Errorf("%v, %+v", err, nodes)
	}
	for _, output := range []string{"", "[]", `{"kind": "Node", "metadata": 1}`} {
		if _, err := readNodes([]byte(output)); err == nil {
			t.Errorf("no fault in %q", output)
		}
	}
}

func TestImagesAreNamedByDigest(t *testing.T) {
	for _, c := range []struct{ image, id, want string }{
		{"nvcr.io/nvidia/vllm-runtime:1.6.1", "nvcr.io/nvidia/vllm-runtime@sha256:ab", "nvcr.io/nvidia/vllm-runtime@sha256:ab"},
		{"r/i:1", "docker-pullable://r/i@sha256:ab", "r/i@sha256:ab"},
		{"localhost/nginx:1", "sha256:ab", "localhost/nginx:1 (sha256:ab)"},
		{"", "sha256:ab", "sha256:ab"},
	} {
		if got := digest(c.image, c.id); got != c.want {
			t.Errorf("%s, %s: %s", c.image, c.id, got)
		}
	}
}

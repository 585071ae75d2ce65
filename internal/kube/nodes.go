package kube

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"topobench/internal/text"
)

// Node is a node of a cluster.
type Node struct {
	Name   string
	Facts  map[string]string // kernel, container runtime, GPU model and the like, without those that are not known
	Labels map[string]string // those about GPUs, and the instance type
}

// nodeObject is a node as far as it is recorded and checked.
type nodeObject struct {
	Metadata metadata `json:"metadata"`
	Spec     struct {
		Cordoned bool    `json:"unschedulable"`
		Taints   []taint `json:"taints"`
	} `json:"spec"`
	Status struct {
		Allocatable map[string]string `json:"allocatable"`
		Conditions  []condition       `json:"conditions"`
		Info        struct {
			Kernel  string `json:"kernelVersion"`
			System  string `json:"osImage"`
			Runtime string `json:"containerRuntimeVersion"`
			Kubelet string `json:"kubeletVersion"`
		} `json:"nodeInfo"`
	} `json:"status"`
}

// readNodes reads the output of kubectl get nodes -o json, in the order of their names. For a single name that is no
// list.
func readNodes(data []byte) ([]nodeObject, error) {
	var all struct {
		Kind  string       `json:"kind"`
		Items []nodeObject `json:"items"`
	}
	var one nodeObject
	err := json.Unmarshal(data, &all)
	if err == nil && all.Kind == "Node" {
		err = json.Unmarshal(data, &one)
		all.Items = []nodeObject{one}
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the output of kubectl: %w", err)
	}
	slices.SortFunc(all.Items, func(a, b nodeObject) int { return cmp.Compare(a.Metadata.Name, b.Metadata.Name) })
	return all.Items, nil
}

// Nodes have labels of NVIDIA's GPU feature discovery and of Kubernetes.
const (
	gpuLabels     = "nvidia.com/"
	instanceLabel = "node.kubernetes.io/instance-type"
)

// describe keeps what a measurement depends on.
func (n nodeObject) describe() Node {
	of, info := n.Metadata.Labels, n.Status.Info
	described := Node{Name: n.Metadata.Name, Facts: map[string]string{}, Labels: map[string]string{}}
	for name, value := range of {
		if strings.HasPrefix(name, gpuLabels) || name == instanceLabel {
			described.Labels[text.OneLine(name)] = text.OneLine(value)
		}
	}
	memory := ""
	if mib := of[gpuLabels+"gpu.memory"]; mib != "" {
		memory = mib + " MiB"
	}
	for name, value := range map[string]string{
		"GPU model": of[gpuLabels+"gpu.product"], "GPUs": n.Status.Allocatable[gpuResource], "GPU memory": memory,
		"driver": n.driver(), "instance type": of[instanceLabel], "kernel": info.Kernel, "system": info.System,
		"container runtime": info.Runtime, "kubelet": info.Kubelet,
	} {
		if value = text.OneLine(value); value != "" {
			described.Facts[name] = value
		}
	}
	return described
}

// driver is the version of the GPU driver. Older releases of the feature discovery have it in three parts.
func (n nodeObject) driver() string {
	of := n.Metadata.Labels
	parts := []string{of[gpuLabels+"cuda.driver.major"], of[gpuLabels+"cuda.driver.minor"],
		of[gpuLabels+"cuda.driver.rev"]}
	parts = slices.DeleteFunc(parts, func(part string) bool { return part == "" })
	return cmp.Or(of[gpuLabels+"cuda.driver-version.full"], strings.Join(parts, "."))
}

// Nodes are those that the pods of a stack run on. A user may lack the right of the cluster to read them.
func (s *Stack) Nodes(ctx context.Context) ([]Node, error) {
	names := text.Distinct(text.Each(s.Pods, func(p Pod) string { return p.Node }))
	out, err := s.cluster.do(ctx, "", append([]string{"get", "nodes", "-o", "json"}, names...)...)
	if err != nil {
		return nil, err
	}
	read, err := readNodes(out)
	var nodes []Node
	for _, n := range read {
		nodes = append(nodes, n.describe())
	}
	return nodes, err
}

// Admitted are the topology's own objects and its pods as the cluster has them, with all defaults and their status, as
// YAML.
func (s *Stack) Admitted(ctx context.Context) (string, error) {
	out, err := s.cluster.do(ctx, "", "get", s.Topology.kinds()+",pods", "-o", "yaml", "-l", s.label())
	return string(out), err
}

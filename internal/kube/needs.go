package kube

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"topobench/internal/profile"
	"topobench/internal/text"
)

// demand is a number of pods that need the same number of GPUs.
type demand struct{ pods, gpus int }

type demands []demand

// demands are those of a topology's pods, by its manifests: kubernetes.pod may have limits of its own.
func (t Topology) demands() (all demands) {
	for _, o := range slices.Concat(t.Waves...) {
		switch o.Kind {
		case graphKind:
			graph, _ := Read(t.Name, []byte(o.Text)) // Make has read it
			for _, c := range graph.components {
				all = append(all, demand{c.replicas * c.nodes, c.gpus})
			}
		case "Deployment":
			all = append(all, demand{1, gpusOf(o.Text)})
		}
	}
	return all
}

// gpusOf is the limit of the pod of a Deployment.
func gpusOf(deployment string) (gpus int) {
	documents, _ := profile.Documents("", []byte(deployment))
	for _, d := range documents {
		for _, c := range d.At("spec", "template", "spec", "containers").Items() {
			n, _ := c.At("resources", "limits", gpuResource).Count(0)
			gpus += n
		}
	}
	return gpus
}

// String has the pods with GPUs: "4 pods with 1 GPU, 1 pod with 4 GPUs"; "" = none has any.
func (all demands) String() string {
	pods := map[int]int{}
	for _, d := range all {
		pods[d.gpus] += d.pods
	}
	delete(pods, 0)
	var parts []string
	for _, gpus := range slices.Sorted(maps.Keys(pods)) {
		parts = append(parts, fmt.Sprintf("%s with %s", text.Count(pods[gpus], "pod", "pods"),
			text.Count(gpus, "GPU", "GPUs")))
	}
	return strings.Join(parts, ", ")
}

// total is the number of pods, and of their GPUs.
func (all demands) total() (pods, gpus int) {
	for _, d := range all {
		pods, gpus = pods+d.pods, gpus+d.pods*d.gpus
	}
	return pods, gpus
}

// fit places the largest pods first, each on the first node with room.
func (all demands) fit(nodes []int) bool {
	free := slices.Clone(nodes)
	slices.SortFunc(free, func(a, b int) int { return cmp.Compare(b, a) })
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b demand) int { return cmp.Compare(b.gpus, a.gpus) })
	for _, d := range all {
		for range d.pods {
			at := slices.IndexFunc(free, func(n int) bool { return n >= d.gpus })
			if d.gpus > 0 && at < 0 {
				return false
			}
			if d.gpus > 0 {
				free[at] -= d.gpus
			}
		}
	}
	return true
}

// gpus are those that a node gives to pods.
func (n nodeObject) gpus() int {
	count, _ := strconv.Atoi(n.Status.Allocatable[gpuResource])
	return count
}

// takes reports whether a node takes pods of a profile: it is ready, has the labels that the profile selects, and no
// taint that the profile does not tolerate.
func (n nodeObject) takes(k profile.Kubernetes) bool {
	if n.Spec.Cordoned || conditionOf(n.Status.Conditions, "Ready").Status != "True" {
		return false
	}
	for label, value := range k.NodeSelector {
		if n.Metadata.Labels[label] != value {
			return false
		}
	}
	return !slices.ContainsFunc(n.Spec.Taints, func(t taint) bool {
		return t.Effect != "PreferNoSchedule" && !slices.ContainsFunc(k.Tolerations, t.tolerated)
	})
}

type taint struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Effect string `json:"effect"`
}

func (t taint) tolerated(by profile.Toleration) bool {
	return (by.Key == "" || by.Key == t.Key) && (by.Effect == "" || by.Effect == t.Effect) &&
		(by.Operator == "Exists" || by.Value == t.Value)
}

// quotaObject is a ResourceQuota.
type quotaObject struct {
	Metadata metadata `json:"metadata"`
	Status   struct {
		Hard map[string]string `json:"hard"`
		Used map[string]string `json:"used"`
	} `json:"status"`
}

func readQuotas(data []byte) ([]quotaObject, error) {
	var all struct {
		Items []quotaObject `json:"items"`
	}
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, fmt.Errorf("cannot read the output of kubectl: %w", err)
	}
	return all.Items, nil
}

// lacks is what a quota has no room for; pods has the pod of the load too.
func (q quotaObject) lacks(pods, gpus int) (all []string) {
	for _, of := range []struct {
		resource string
		wanted   int
	}{{"pods", pods}, {"count/pods", pods}, {"requests." + gpuResource, gpus}} {
		hard, err := strconv.Atoi(q.Status.Hard[of.resource])
		used, _ := strconv.Atoi(q.Status.Used[of.resource])
		if err == nil && used+of.wanted > hard {
			all = append(all, fmt.Sprintf("the quota %s has room for %d %s", q.Metadata.Name, max(0, hard-used),
				of.resource))
		}
	}
	return all
}

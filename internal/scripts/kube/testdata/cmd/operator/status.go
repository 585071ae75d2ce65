package main

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func number(o object, path ...string) int64 {
	n, _, _ := unstructured.NestedInt64(o, path...)
	return n
}

// status writes the counts of the components and the condition Ready.
func (o *operator) status(g *unstructured.Unstructured, components list) error {
	counts, waiting := object{}, []string{}
	for _, c := range components {
		component := c.(object)
		full := childOf(g.GetName(), component)
		d, err := o.client.Resource(deployments()).Namespace(g.GetNamespace()).Get(context.Background(), full,
			metav1.GetOptions{})
		if err != nil {
			return err
		}
		count := object{"componentKind": "Deployment", "componentNames": list{full}}
		done := number(d.Object, "status", "observedGeneration") >= d.GetGeneration()
		for _, key := range []string{"replicas", "updatedReplicas", "readyReplicas", "availableReplicas"} {
			n := number(d.Object, "status", key)
			count[key] = n
			done = done && n == number(d.Object, "spec", "replicas")
		}
		if !done {
			waiting = append(waiting, full+": Waiting for rollout")
		}
		counts[component["name"].(string)] = count
	}
	return o.write(g, counts, waiting)
}

// lie makes the mistakes that a status can have while Ready is true: one of an earlier generation, or without a
// component. A test chooses one by an annotation.
func lie(kind string, status object) {
	switch kind {
	case "generation":
		status["observedGeneration"] = status["observedGeneration"].(int64) - 1
	case "component":
		delete(status["components"].(object), "prefill")
	default:
		return
	}
	ready := status["conditions"].(list)[0].(object)
	ready["status"], ready["reason"], status["state"] = "True", "all_resources_are_ready", "successful"
}

func (o *operator) write(g *unstructured.Unstructured, counts object, waiting []string) error {
	ready := object{"type": "Ready", "status": "True", "reason": "all_resources_are_ready",
		"message": "All resources are ready", "observedGeneration": g.GetGeneration(),
		"lastTransitionTime": time.Now().UTC().Format(time.RFC3339)}
	state := "successful"
	if len(waiting) > 0 {
		state = "pending"
		ready["status"], ready["reason"] = "False", "some_resources_are_not_ready"
		ready["message"] = strings.Join(waiting, "; ")
	}
	old, _, _ := unstructured.NestedMap(g.Object, "status")
	conditions, _ := old["conditions"].(list)
	if len(conditions) > 0 && conditions[0].(object)["status"] == ready["status"] {
		ready["lastTransitionTime"] = conditions[0].(object)["lastTransitionTime"]
	}
	now := object{"state": state, "observedGeneration": g.GetGeneration(), "conditions": list{ready},
		"components": counts}
	lie(g.GetAnnotations()["topobench/lie"], now)
	if reflect.DeepEqual(old, now) {
		return nil
	}
	data, err := json.Marshal(object{"status": now})
	if err == nil {
		_, err = o.client.Resource(graphs()).Namespace(g.GetNamespace()).Patch(context.Background(), g.GetName(),
			"application/merge-patch+json", data, metav1.PatchOptions{}, "status")
	}
	return err
}

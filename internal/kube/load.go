package kube

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"topobench/internal/plan"
	"topobench/internal/profile"
)

// Load is the Job of the pod that aiperf runs in. It is created first, and every other object is owned by it: when its
// pod ends, or its deadline passes, Kubernetes' own garbage collector deletes the run. command keeps the pod running.
func Load(run string, topologies []Topology, deadline time.Duration, command []string) (Object, error) {
	run = name(longest, run)
	first := topologies[0]
	k := *first.Profile.Kubernetes
	c := object{"name": LoadContainer, "image": cmp.Or(k.LoadImage, k.Image), "command": texts(command)}
	values := list{}
	for _, kv := range first.Plan.Load.Env {
		// A name without a value is not inherited by a process: a pod inherits nothing. With the id of the run, later
		// runs and clean would kill its processes where the node is this machine.
		if name, value, set := strings.Cut(kv, "="); set && name != "PATH" && name != plan.RunVariable {
			values = append(values, object{"name": name, "value": value})
		}
	}
	c["env"] = slices.CompactFunc(values, func(a, b any) bool { return a.(object)["name"] == b.(object)["name"] })
	spec := podSpec(k, c)
	spec["restartPolicy"], spec["terminationGracePeriodSeconds"] = "Never", 1
	labels := object{RunLabel: run, roleLabel: "load"}
	text, err := profile.YAML(object{"apiVersion": "batch/v1", "kind": "Job",
		"metadata": object{"name": JobName(run), "labels": labels},
		"spec": object{"backoffLimit": 0, "ttlSecondsAfterFinished": 0,
			"activeDeadlineSeconds": int(deadline / time.Second),
			"template":              object{"metadata": object{"labels": labels}, "spec": spec}}})
	return Object{Kind: "Job", Name: JobName(run), Text: text}, err
}

// LoadContainer is the container of the pod of the load.
const LoadContainer = "load"

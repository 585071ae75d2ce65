package kube

import (
	"slices"

	"topobench/internal/plan"
)

// onMachines are deviations that a cluster does not have: its pods have addresses, directories and discovery of their
// own.
func onMachines(id string) bool {
	return slices.Contains([]string{"loopback", "bind-address", "named-gpus", "private-services", "external-services",
		"file-discovery", "zmq-events", "bookkeeping", "kernel-cache", "planes", "nginx-paths", "nginx-user",
		"nixl-ports", "local-model", "load-env"}, id)
}

// Deviations are those that every cluster has, and then that of a baseline.
func Deviations() []plan.Deviation {
	return []plan.Deviation{
		{ID: "cluster-load",
			Guide: "kubectl port-forward, and perf.sh on the own machine",
			Done:  "aiperf in a pod of the cluster, without a GPU",
			Why:   "one tunnel through the API server carries all requests of a port-forward, and is measured too"},
		{ID: "cluster-owner",
			Guide: "kubectl apply, and nothing that deletes",
			Done:  "kubectl create; every object is owned by the Job of the load and has the label " + RunLabel,
			Why:   "the end of that Job deletes all of the run, and an object of another owner is never changed"},
		{ID: "cluster-ready",
			Guide: "kubectl wait --for=condition=ready",
			Done:  "the observed generation, and the count of each component, too",
			Why:   "the condition can be true of an earlier generation, or of an empty spec"},
		{ID: "cluster-baseline",
			Guide: "vllm serve and NGINX on the own machine",
			Done:  "a Deployment and a Service for each server, and NGINX with the same configuration before them",
			Why:   "the guide has no baseline on Kubernetes, and both sides must run on the same nodes"},
	}
}

// deviations are the rows of a plan that a cluster has too, and those of a cluster.
func deviations(t Topology, of []plan.Deviation) []plan.Deviation {
	all := slices.DeleteFunc(slices.Clone(of), func(d plan.Deviation) bool { return onMachines(d.ID) })
	return append(all, slices.DeleteFunc(Deviations(), func(d plan.Deviation) bool {
		return d.ID == "cluster-baseline" && t.Profile.Frontend != nil
	})...)
}

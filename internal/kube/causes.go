package kube

import (
	"fmt"
	"strings"

	"topobench/internal/text"
)

// CauseKind is why a pod does not become ready.
type CauseKind string

// The kinds of causes.
const (
	Unschedulable CauseKind = "unschedulable"
	Volume        CauseKind = "volume"
	ImagePull     CauseKind = "image pull"
	Configuration CauseKind = "configuration"
	CrashLoop     CauseKind = "crash"
	OutOfMemory   CauseKind = "out of memory"
	Quota         CauseKind = "quota"
	Admission     CauseKind = "admission"
	Evicted       CauseKind = "evicted"
	Restarted     CauseKind = "restarted"
	Moved         CauseKind = "moved"
)

// Cause is why a topology does not become ready, or no longer is.
type Cause struct {
	Kind CauseKind
	Name string // of the pod, or of the Deployment that has none
	Text string
	Next string // what to do; "" = nothing that is known
}

func (c Cause) String() string {
	line := fmt.Sprintf("%s: %s", c.Name, c.Text)
	if c.Next != "" {
		line += ": " + c.Next
	}
	return line
}

// Lasting reports whether waiting does not help. Pods wait for GPUs and volumes of an earlier topology for some
// seconds, and a registry may fail once.
func (c Cause) Lasting() bool {
	return c.Kind != Unschedulable && c.Kind != Volume && c.Kind != ImagePull
}

// causes are those of the topology's pods, and of pods that were refused.
func (t Topology) causes(s Snapshot, own []podObject) (causes []Cause) {
	for _, p := range own {
		if c, found := podCause(s, p); found {
			causes = append(causes, c)
		}
	}
	for _, d := range s.deployments {
		labels := d.Metadata.Labels
		if labels[topologyLabel] != t.Name && labels[graphLabel] != t.Name {
			continue
		}
		if refused := conditionOf(d.Status.Conditions, "ReplicaFailure"); refused.Status == "True" {
			causes = append(causes, refusal(d.Metadata.Name, refused.Message))
		}
	}
	return causes
}

// refusal is why the API server did not admit a pod.
func refusal(name, message string) Cause {
	c := Cause{Admission, name, text.OneLine(message), "an admission rule of the cluster refuses the pod"}
	if strings.Contains(message, "exceeded quota") {
		c.Kind, c.Next = Quota, "the namespace has no room for it: kubectl describe quota"
	}
	return c
}

// podCause is why one pod is not ready.
func podCause(s Snapshot, p podObject) (Cause, bool) {
	name := p.Metadata.Name
	if p.Status.Phase == "Failed" && p.Status.Reason == "Evicted" {
		return Cause{Evicted, name, text.OneLine(p.Status.Message), "the node lacks room"}, true
	}
	if c := conditionOf(p.Status.Conditions, "PodScheduled"); c.Status == "False" && c.Reason == "Unschedulable" {
		return unschedulable(name, c.Message), true
	}
	for _, c := range p.Status.Containers {
		if cause, found := containerCause(name, c); found {
			return cause, true
		}
	}
	if conditionOf(p.Status.Conditions, "Ready").Status == "True" {
		return Cause{}, false
	}
	for _, e := range s.events {
		if e.Involved.UID == p.Metadata.UID && (e.Reason == "FailedMount" || e.Reason == "FailedAttachVolume") {
			return Cause{Volume, name, text.OneLine(e.Message), "compare kubernetes.model_storage with the nodes"}, true
		}
	}
	return Cause{}, false
}

// unschedulable words the scheduler's message. Behind "preemption:" it repeats itself.
func unschedulable(name, message string) Cause {
	message, _, _ = strings.Cut(message, " preemption:")
	c := Cause{Unschedulable, name, text.OneLine(message), ""}
	switch lower := strings.ToLower(message); {
	case strings.Contains(lower, "persistentvolumeclaim"):
		c.Kind, c.Next = Volume, "compare kubernetes.model_storage.pvc with kubectl get pvc"
	case strings.Contains(lower, "insufficient "+gpuResource):
		c.Next = "no node has as many free GPUs as a worker needs"
	case strings.Contains(lower, "taint"):
		c.Next = "add kubernetes.tolerations"
	case strings.Contains(lower, "affinity/selector"):
		c.Next = "compare kubernetes.node_selector with kubectl get nodes --show-labels"
	}
	return c
}

// containerCause is why a container does not run.
func containerCause(pod string, c containerStatus) (Cause, bool) {
	ended := c.State.Terminated
	if ended == nil {
		ended = c.Last.Terminated
	}
	waiting := c.State.Waiting
	switch {
	case ended != nil && !c.Ready && ended.Reason == "OOMKilled":
		return Cause{OutOfMemory, pod, c.Name + " used more memory than its limit",
			"raise resources.limits.memory in kubernetes.pod"}, true
	case ended != nil && !c.Ready:
		return Cause{CrashLoop, pod, fmt.Sprintf("%s ended with code %d, %s", c.Name, ended.ExitCode,
			text.Count(c.Restarts, "restart", "restarts")), "kubectl logs --previous " + pod + " -c " + c.Name}, true
	case waiting == nil:
		return Cause{}, false
	case strings.Contains(waiting.Reason, "Image"):
		return Cause{ImagePull, pod, text.OneLine(waiting.Reason + " " + waiting.Message),
			"compare kubernetes.image and kubernetes.pull_secret with the registry"}, true
	case waiting.Reason == "CreateContainerConfigError" || waiting.Reason == "CreateContainerError" ||
		waiting.Reason == "RunContainerError":
		return Cause{Configuration, pod, text.OneLine(waiting.Message), ""}, true
	}
	return Cause{}, false
}

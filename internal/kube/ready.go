package kube

import (
	"fmt"
	"maps"
	"slices"
)

// graphLabel is on everything that the operator makes for a graph.
const graphLabel = "nvidia.com/dynamo-graph-deployment-name"

// Readiness is whether a topology is ready at the time of a snapshot, and what is missing.
type Readiness struct {
	Waiting  []string       // what is not as wanted yet; none = ready
	Causes   []Cause        // why that will not change by itself
	Restarts map[string]int // of each pod's containers, by the name of the pod
	Started  bool           // every pod is there and ready
}

// Ready reports whether nothing is missing.
func (r Readiness) Ready() bool { return len(r.Waiting) == 0 && len(r.Causes) == 0 }

// Judge compares a snapshot with what is wanted up to a wave. before are the restarts of an earlier snapshot: a pod
// that restarted since, or that is another one, is a cause; nil = this is the first.
//
// The condition Ready of a graph is necessary, and never enough: it can be true of an earlier generation, of an empty
// spec, or of a component that is missing.
func (t Topology) Judge(s Snapshot, wave int, before map[string]int) Readiness {
	r := Readiness{Restarts: map[string]int{}}
	pods := 0
	for _, w := range t.Ready {
		if w.Wave > wave {
			continue
		}
		pods += w.Replicas
		if w.Component == "" {
			r.deployment(s, w)
		} else {
			r.component(s, w)
		}
	}
	own := t.pods(s)
	r.Started = len(own) == pods
	for _, p := range own {
		r.Restarts[p.Metadata.Name] = restarts(p)
		if conditionOf(p.Status.Conditions, "Ready").Status != "True" {
			r.wait("pod %s is not ready", p.Metadata.Name)
			r.Started = false
		}
	}
	if len(own) != pods {
		r.wait("there are %d pods, not %d", len(own), pods)
	}
	r.Causes = append(t.causes(s, own), changed(before, r.Restarts)...)
	return r
}

func (r *Readiness) wait(format string, args ...any) {
	r.Waiting = append(r.Waiting, fmt.Sprintf(format, args...))
}

// pods are the topology's own that are not being deleted.
func (t Topology) pods(s Snapshot) (own []podObject) {
	for _, p := range s.pods {
		labels := p.Metadata.Labels
		if (labels[topologyLabel] == t.Name || labels[graphLabel] == t.Name) && p.Metadata.Deleted == nil {
			own = append(own, p)
		}
	}
	return own
}

func restarts(p podObject) (n int) {
	for _, c := range p.Status.Containers {
		n += c.Restarts
	}
	return n
}

func (r *Readiness) deployment(s Snapshot, w Wanted) {
	d, there := s.deployments[w.Name]
	switch {
	case !there:
		r.wait("deployment %s is not there", w.Name)
	case d.Metadata.Generation > d.Status.Observed:
		r.wait("deployment %s: generation %d is not observed yet", w.Name, d.Metadata.Generation)
	default:
		r.counts("deployment "+w.Name, d.Status.counts, w.Replicas)
	}
}

func (r *Readiness) component(s Snapshot, w Wanted) {
	g, there := s.graphs[w.Name]
	ready := conditionOf(g.Status.Conditions, "Ready")
	of, counted := g.Status.Components[w.Component]
	switch {
	case !there:
		r.wait("graph %s is not there", w.Name)
	case g.Metadata.Generation > g.Status.Observed:
		r.wait("graph %s: generation %d is not observed yet", w.Name, g.Metadata.Generation)
	case !counted:
		r.wait("graph %s: its status lacks %s", w.Name, w.Component)
	default:
		r.counts(w.Component, of, w.Replicas)
		if ready.Status != "True" {
			r.wait("graph %s is not ready: %s", w.Name, ready.Reason)
		}
	}
}

// counts: all four numbers are those of the spec.
func (r *Readiness) counts(name string, of counts, wanted int) {
	for _, n := range []struct {
		what string
		n    int
	}{{"replicas", of.Replicas}, {"updated", of.Updated}, {"ready", of.Ready}, {"available", of.Available}} {
		if n.n != wanted {
			r.wait("%s: %d of %d %s", name, n.n, wanted, n.what)
			return
		}
	}
}

// changed are pods that restarted, came or went between two snapshots.
func changed(before, now map[string]int) (causes []Cause) {
	if before == nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(now)) {
		earlier, known := before[name]
		switch {
		case !known:
			causes = append(causes, Cause{Moved, name, "it came in place of another pod", ""})
		case now[name] > earlier:
			causes = append(causes, Cause{Restarted, name, fmt.Sprintf("it restarted, %d times in all", now[name]), ""})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, there := now[name]; !there {
			causes = append(causes, Cause{Moved, name, "it is gone", ""})
		}
	}
	return causes
}

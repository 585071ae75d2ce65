package kube

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"topobench/internal/testbed"
)

// podText is a pod of topology g as kubectl prints it.
func podText(name, rest string) string {
	return `{"kind": "Pod", "metadata": {"name": "` + name + `", "uid": "u-` + name + `", "labels": {"topobench/topology": "g"}` + rest + `}}`
}

func event(kind, pod string) string { return `{"type": "` + kind + `", "object": ` + pod + `}` }

// known are the names of the pods of a watch.
func known(w *watch) string {
	s, known := w.snapshot()
	if !known {
		return "unknown"
	}
	var names []string
	for _, p := range s.pods {
		names = append(names, p.Metadata.Name)
	}
	return strings.Join(names, " ")
}

// A watch begins with a list, which lacks the pods that are gone since an earlier watch, and folds what follows.
func TestAWatchFoldsChanges(t *testing.T) {
	w := (&Cluster{}).newWatch()
	w.begin(podsOf(t, podText("old", "")).pods)
	w.set(nil) // that watch has ended
	in, out := io.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.read(in, func() ([]podObject, error) { return podsOf(t, podText("a", "")+","+podText("b", "")).pods, nil })
	}()
	for _, step := range []struct{ event, want string }{
		{event("ADDED", podText("a", "")), "a b"},
		{event("ADDED", podText("c", "")), "a b c"},
		{event("DELETED", podText("a", "")), "b c"},
		{event("BOOKMARK", `{"kind": "Pod"}`), "b c"},
	} {
		if _, err := io.WriteString(out, step.event); err != nil {
			t.Fatal(err)
		}
		deadline := time.After(10 * time.Second)
		for known(w) != step.want {
			select {
			case <-w.changed:
			case <-deadline:
				t.Fatalf("after %s: %s, want %s", step.event, known(w), step.want)
			}
		}
	}
	if _, err := io.WriteString(out, event("ERROR", `{"kind": "Status", "code": 410}`)); err != nil {
		t.Fatal(err)
	}
	<-ended
}

// A watch whose list cannot be read does not know the pods.
func TestAWatchWithoutAListIsUnknown(t *testing.T) {
	w := (&Cluster{}).newWatch()
	w.read(strings.NewReader(event("ADDED", podText("a", ""))), func() ([]podObject, error) { return nil, errors.New("gone") })
	if got := known(w); got != "unknown" {
		t.Error(got)
	}
}

// Another list is due after a change, while only the status of the graph is missing, now and then, and always without a
// watch.
func TestListsAreDue(t *testing.T) {
	now, w := time.Now(), (&Cluster{}).newWatch()
	if !w.due(Readiness{}, now) || !(*watch)(nil).due(Readiness{}, now) {
		t.Error("not without a watch")
	}
	w.begin(nil)
	if !w.due(Readiness{}, now) || w.due(Readiness{}, now) {
		t.Error("not once after a change")
	}
	if !w.due(Readiness{Started: true}, now) || !w.due(Readiness{}, now.Add(-looksApart-time.Second)) {
		t.Error("not while the status is missing, or not now and then")
	}
}

// A stack observes its watch: a pod that is deleted ends it, and a watch that ends does not.
func TestAStackEndsWithItsPods(t *testing.T) {
	topology := Topology{Name: "g", Waves: [][]Object{{}}}
	s := &Stack{Topology: topology, cluster: &Cluster{Kubectl: Kubectl{Program: "/no/such/kubectl"}}, restarts: map[string]int{"a": 0}}
	s.pods = s.cluster.newWatch()
	s.ctx, s.cancel = context.WithCancelCause(t.Context())
	s.pods.begin(podsOf(t, podText("a", "")).pods)
	s.running.Go(s.observe)
	s.pods.set(nil)
	s.pods.begin(podsOf(t, podText("a", "")).pods)
	if s.ctx.Err() != nil {
		t.Fatal(s.ctx.Err())
	}
	s.pods.fold(change{"MODIFIED", podsOf(t, podText("a", `, "deletionTimestamp": "2026-11-30T15:30:00Z"`)).pods[0]})
	select {
	case <-s.ctx.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("it goes on")
	}
	s.running.Wait()
	if cause := context.Cause(s.ctx).Error(); !strings.Contains(cause, "a: it is gone") {
		t.Error(cause)
	}
}

// The kubectl of a watch ends with its context. One that ends by itself, as when the API server goes away, is followed
// by another.
func TestAWatchRunsOneKubectl(t *testing.T) {
	testbed.Audit(t)
	dir := t.TempDir()
	list, over := filepath.Join(dir, "list"), filepath.Join(dir, "over")
	program := filepath.Join(dir, "kubectl")
	script := `#!/bin/sh
case "$*" in
*--watch*) echo '` + event("ADDED", podText("a", "")) + `'; [ -e "` + over + `" ] || { until [ -e "` + over + `" ]; do sleep 0.02; done; exit 1; }; exec sleep 1000;;
*) cat "` + list + `";;
esac
`
	for path, content := range map[string]string{program: script, list: `{"items": [` + podText("a", "") + "," + podText("b", "") + `]}`} {
		if err := os.WriteFile(path, []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	w := (&Cluster{Kubectl: Kubectl{Program: program}, Environ: os.Environ()}).newWatch()
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { w.run(ctx) })
	testbed.Eventually(t, 10*time.Second, func() bool { return known(w) == "a b" })
	if err := os.WriteFile(over, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	testbed.Eventually(t, 10*time.Second, func() bool { return known(w) == "unknown" })
	testbed.Eventually(t, 10*time.Second, func() bool { return known(w) == "a b" })
	cancel()
	run.Wait()
	if got := known(w); got != "unknown" {
		t.Error(got)
	}
}

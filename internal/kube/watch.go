package kube

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"topobench/internal/host"
)

// watch follows the pods of the namespace by one kubectl while a topology comes up and serves. The lists report why the
// API server does not respond.
type watch struct {
	cluster *Cluster
	changed chan struct{} // has an entry after a change

	mu   sync.Mutex
	pods map[string]podObject // by UID; nil = kubectl does not watch now
}

func (c *Cluster) newWatch() *watch { return &watch{cluster: c, changed: make(chan struct{}, 1)} }

// watchAgainAfter is between the end of a watch, by a time limit of the API server or with it, and the next one.
const watchAgainAfter = time.Second

// run watches until ctx ends.
func (w *watch) run(ctx context.Context) {
	for ctx.Err() == nil {
		w.follow(ctx)
		w.set(nil)
		select {
		case <-ctx.Done():
		case <-time.After(watchAgainAfter):
		}
	}
}

// change is one event of a watch.
type change struct {
	Type   string    `json:"type"`
	Object podObject `json:"object"`
}

// follow is one kubectl. It prints all pods, that of the load at least, and then what changes. Its watch has begun
// when it prints: a later list lacks the pods that were deleted before.
func (w *watch) follow(ctx context.Context) {
	file, log, err := host.Nameless("")
	if err != nil {
		return
	}
	defer file.Close()
	argv := w.cluster.Argv("get", "pods", "--watch", "--output-watch-events", "-o", "json")
	kubectl, err := host.Starter{}.Pipe(host.Spec{Name: argv[0], Argv: argv, Env: w.cluster.Environ, Log: log})
	if err != nil {
		return
	}
	stop := func() { _ = kubectl.Stop(ctx) } // one that cannot be killed ends with this process
	defer stop()
	defer context.AfterFunc(ctx, stop)()
	defer kubectl.Out.Close()
	kubectl.In.Close()
	w.read(kubectl.Out, func() ([]podObject, error) {
		now, err := w.cluster.look(ctx, "pods")
		return now.pods, err
	})
}

// read folds changes until the watch ends, or the list cannot be read.
func (w *watch) read(from io.Reader, list func() ([]podObject, error)) {
	for changes := json.NewDecoder(from); ; {
		var c change
		if changes.Decode(&c) != nil || c.Type == "ERROR" {
			return
		}
		if !w.begun() {
			now, err := list()
			if err != nil {
				return
			}
			w.begin(now)
		}
		w.fold(c)
	}
}

func (w *watch) begun() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pods != nil
}

func (w *watch) begin(now []podObject) {
	pods := map[string]podObject{}
	for _, p := range now {
		pods[p.Metadata.UID] = p
	}
	w.set(pods)
}

func (w *watch) set(pods map[string]podObject) {
	w.mu.Lock()
	w.pods = pods
	w.mu.Unlock()
	w.notify()
}

// fold applies a change. An early one may be older than the list; those after it follow.
func (w *watch) fold(c change) {
	w.mu.Lock()
	switch uid := c.Object.Metadata.UID; c.Type {
	case "ADDED", "MODIFIED":
		w.pods[uid] = c.Object
	case "DELETED":
		delete(w.pods, uid)
	}
	w.mu.Unlock()
	w.notify()
}

func (w *watch) notify() {
	select {
	case w.changed <- struct{}{}:
	default: // there is one already
	}
}

// snapshot is what is known of the pods now.
func (w *watch) snapshot() (s Snapshot, known bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s.pods = slices.SortedFunc(maps.Values(w.pods), func(a, b podObject) int {
		return cmp.Compare(a.Metadata.Name, b.Metadata.Name)
	})
	return s, w.pods != nil
}

// awaitGone waits until none of the UIDs is that of a pod, for podsWithin at most. It is false where kubectl does not
// watch.
func (w *watch) awaitGone(ctx context.Context, uids []string) bool {
	if w == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, podsWithin)
	defer cancel()
	for {
		now, known := w.snapshot()
		there := slices.ContainsFunc(now.pods, func(p podObject) bool { return slices.Contains(uids, p.Metadata.UID) })
		if !known || !there {
			return known
		}
		select {
		case <-ctx.Done():
			return true
		case <-w.changed:
		}
	}
}

// due reports whether another list may show something new: after a change of a pod; while only the status of other
// objects is missing, which follows that of the pods soon; and now and then. Without a watch it always is.
func (w *watch) due(r Readiness, looked time.Time) bool {
	if w == nil || !w.begun() || r.Started || time.Since(looked) > looksApart {
		return true
	}
	select {
	case <-w.changed:
		return true
	default:
		return false
	}
}

// looksApart is between two lists of the API server while no pod changes.
const looksApart = 2 * time.Second

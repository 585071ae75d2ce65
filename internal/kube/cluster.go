package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"topobench/internal/host"
	"topobench/internal/text"
)

// Limits of one command of kubectl, and of its output in bytes.
const (
	commandWithin = 30 * time.Second
	outputLimit   = 64 << 20 // a namespace of many pods
)

// Cluster is a run on Kubernetes: the Job of the load, and what it owns.
type Cluster struct {
	Kubectl
	Environ []string // of kubectl
	Run     string   // id of the run
	Grace   time.Duration
	// Clean is the command that deletes what is left of a run, for a person.
	Clean string

	job     Object
	most    time.Duration // how long the Job may run
	slowest time.Duration // the longest grace of a role
	graphs  bool          // some topology has a graph
	lacks   int           // how many of dynamoKinds the cluster lacks
	owner   string        // UID of the Job; "" = it was not created
	pod     string        // of the load
	version string        // of the API server
	uids    []string      // of what was seen of the run
}

// do runs kubectl with an input. The error is a *Failure where kubectl has run.
func (c *Cluster) do(ctx context.Context, input string, args ...string) ([]byte, error) {
	limited, cancel := context.WithTimeout(ctx, commandWithin)
	defer cancel()
	out, messages, code, err := host.Feed(limited, c.Environ, strings.NewReader(input), outputLimit, c.Argv(args...)...)
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("kubectl %s: %w", args[0], context.Cause(ctx))
	case limited.Err() != nil:
		return nil, &Failure{Unreachable, fmt.Sprintf("kubectl %s: no answer within %v", args[0], commandWithin),
			"the API server does not respond: kubectl cluster-info"}
	case code != 0:
		return nil, Explain(messages, code)
	case err != nil:
		return nil, fmt.Errorf("cannot run kubectl: %w: install it, or put it on PATH", err)
	}
	return []byte(out), nil
}

// create creates objects that the Job owns, by one command: each starts a process of some tenths of a second.
func (c *Cluster) create(ctx context.Context, objects []Object) error {
	out, err := c.do(ctx, documents(objects, c.owner), "create", "-f", "-", "-o", "json")
	if err != nil {
		return fmt.Errorf("cannot create %s: %w", strings.Join(text.Each(objects, Object.String), ", "), err)
	}
	made, err := readObjects(out)
	for _, m := range made {
		c.uids = append(c.uids, m.UID)
	}
	return err
}

// documents are objects of an owner, as kubectl reads them.
func documents(objects []Object, owner string) string {
	all := ""
	for _, o := range objects {
		all += "---\n" + strings.ReplaceAll(o.Text, Owner, owner)
	}
	return all
}

// Manifests are the objects of a topology as they are created.
func (c *Cluster) Manifests(t Topology) string { return documents(slices.Concat(t.Waves...), c.owner) }

// String is the name of an object as kubectl takes it.
func (o Object) String() string { return strings.ToLower(o.Kind) + "/" + o.Name }

// created is the metadata of an object that kubectl has created.
type created struct {
	metadata
	Namespace string `json:"namespace"`
}

// readObjects are the objects that kubectl create prints, one after another.
func readObjects(data []byte) (all []created, err error) {
	for d := json.NewDecoder(bytes.NewReader(data)); ; {
		var of struct{ Metadata created }
		switch err := d.Decode(&of); {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return all, fmt.Errorf("cannot read the output of kubectl: %w", err)
		}
		all = append(all, of.Metadata)
	}
}

// snapshot is what the API server has now.
func (c *Cluster) snapshot(ctx context.Context) (Snapshot, error) {
	return c.look(ctx, kindsWith(c.graphs))
}

// look reads the objects of some kinds.
func (c *Cluster) look(ctx context.Context, kinds string) (Snapshot, error) {
	out, err := c.do(ctx, "", "get", kinds, "-o", "json")
	if err != nil {
		return Snapshot{}, err
	}
	return ReadSnapshot(out)
}

// Begin creates the Job of the load and waits until its pod runs. After an error End must be called all the same.
func (c *Cluster) Begin(ctx context.Context, within time.Duration) error {
	created := time.Now()
	if err := c.create(ctx, []Object{c.job}); err != nil {
		return err
	}
	c.owner = c.uids[0]
	ctx, cancel := context.WithTimeoutCause(ctx, within, fmt.Errorf("it does not run after %v", within))
	defer cancel()
	ctx, lost := context.WithCancelCause(ctx)
	defer lost(nil)
	stop := c.renew(ctx, created, lost)
	err := c.until(ctx, "the pod of the load", nil, func(s Snapshot) (Readiness, error) {
		for _, p := range s.pods {
			if p.Metadata.Labels[RunLabel] == c.label() && p.Metadata.Labels[roleLabel] == "load" {
				c.pod = p.Metadata.Name
				return loading(s, p), nil
			}
		}
		return Readiness{Waiting: []string{"the Job has no pod yet"}}, nil
	})
	stop()
	if err != nil {
		return err
	}
	// From now on the pod itself ends after its client.
	if _, err = c.retry(ctx, c.deadline(c.most)...); err != nil {
		err = fmt.Errorf("cannot move the deadline of %v: %w", c.job, err)
	}
	return err
}

// loading is the state of the pod of the load.
func loading(s Snapshot, p podObject) (r Readiness) {
	if cause, found := podCause(s, p); found {
		r.Causes = append(r.Causes, cause)
	}
	if conditionOf(p.Status.Conditions, "Ready").Status != "True" {
		r.wait("pod %s is not ready", p.Metadata.Name)
	}
	return r
}

// label is the value of RunLabel.
func (c *Cluster) label() string { return name(longest, c.Run) }

const (
	lookEvery = 300 * time.Millisecond
	// causeFor is how long a cause that may pass has to stay.
	causeFor = 8 * time.Second
)

// until waits until a state has nothing missing. It fails with a cause that lasts. An API server that does not respond
// is awaited. With a watch, it lists the objects only when that may show something new.
func (c *Cluster) until(ctx context.Context, what string, w *watch, state func(Snapshot) (Readiness, error)) error {
	again := time.NewTicker(lookEvery)
	defer again.Stop()
	var since time.Time // the causes
	var last error      // why it is not ready
	for {
		looked := time.Now()
		s, err := c.snapshot(ctx)
		var r Readiness
		if err == nil {
			r, err = state(s)
		}
		switch {
		case err != nil && !transient(err):
			return err
		case err != nil:
			last = err
		case r.Ready():
			return nil
		default:
			last = r.err()
		}
		if len(r.Causes) == 0 {
			since = time.Time{}
		} else if since.IsZero() {
			since = time.Now()
		}
		if len(r.Causes) > 0 && (time.Since(since) > causeFor || slices.ContainsFunc(r.Causes, Cause.Lasting)) {
			return fmt.Errorf("%s will not become ready: %w", what, last)
		}
		for due := false; !due; due = w.due(r, looked) {
			select {
			case <-ctx.Done():
				return fmt.Errorf("%s: %w: %w", what, context.Cause(ctx), last)
			case <-again.C:
			}
		}
	}
}

// err is what is missing, the causes first.
func (r Readiness) err() error {
	if len(r.Causes) > 0 {
		return errors.New(strings.Join(text.Each(r.Causes, Cause.String), "\n  "))
	}
	return errors.New(strings.Join(r.Waiting, "; "))
}

// transient reports that the API server did not respond, or not in time.
func transient(err error) bool {
	f, is := errors.AsType[*Failure](err)
	return is && f.Kind == Unreachable
}

package kube

import (
	"context"
	"slices"
	"sync"
	"time"

	"topobench/internal/text"
)

// left are the objects of the run that are still there.
func (c *Cluster) left(ctx context.Context) ([]Leftover, error) {
	out, err := c.list(ctx)
	if err != nil {
		return nil, err
	}
	left, err := Left(out, c.label(), c.uids)
	for _, l := range left { // its dependents are found also once it is gone itself
		if !slices.Contains(c.uids, l.UID) {
			c.uids = append(c.uids, l.UID)
		}
	}
	return left, err
}

// Limits of a deletion: pods of Dynamo's operator have a minute to end, and others the grace of their profile.
const (
	goneWithin = 90 * time.Second
	hurryGone  = 15 * time.Second
	goneEvery  = 300 * time.Millisecond
)

// gone waits until no object is left, but for those that stay. When force ends it shortens the grace of pods, which not
// every kubelet heeds once it has begun to stop them, and waits for some seconds only.
func (c *Cluster) gone(ctx, force context.Context, w *watch, stays func(Leftover) bool) ([]Leftover, error) {
	ctx, cancel := context.WithTimeout(ctx, goneWithin+c.slowest)
	defer cancel()
	defer context.AfterFunc(force, func() { time.AfterFunc(hurryGone, cancel) })()
	for killed := map[string]bool{}; ; {
		left, err := c.left(ctx)
		left = slices.DeleteFunc(left, stays)
		if err == nil && len(left) == 0 || err != nil && !transient(err) {
			return left, err
		}
		if force.Err() != nil {
			c.kill(ctx, left, killed)
		}
		c.awaitPods(force, w, left) // no longer than force lasts
		select {
		case <-ctx.Done():
			return left, err
		case <-time.After(goneEvery):
		}
	}
}

// podsWithin bounds one wait for pods. It is less than commandWithin.
const podsWithin = 20 * time.Second

// awaitPods waits until the pods are gone: by the watch, if there is one, else by one command that watches, instead of
// one for each look.
func (c *Cluster) awaitPods(ctx context.Context, w *watch, left []Leftover) {
	left = slices.DeleteFunc(slices.Clone(left), func(l Leftover) bool { return l.Kind != "Pod" })
	uids := text.Each(left, func(l Leftover) string { return l.UID })
	if len(left) == 0 || w.awaitGone(ctx, uids) {
		return
	}
	argv := append([]string{"wait", "--for=delete", "--timeout=" + podsWithin.String()}, podNames(left)...)
	_, _ = c.do(ctx, "", argv...) // the next look shows what is left
}

// kill deletes pods without a grace, each once. A ReplicaSet may still make others in their place.
func (c *Cluster) kill(ctx context.Context, left []Leftover, killed map[string]bool) {
	left = slices.DeleteFunc(slices.Clone(left), func(l Leftover) bool { return killed[l.UID] })
	for _, l := range left {
		killed[l.UID] = true
	}
	if pods := podNames(left); len(pods) > 0 {
		// One that is gone meanwhile is no fault, and the proof shows the others.
		_, _ = c.do(ctx, "", append([]string{"delete", "--grace-period=1", "--wait=false", "--ignore-not-found"},
			pods...)...)
	}
}

// podNames are the pods as kubectl takes them.
func podNames(left []Leftover) (pods []string) {
	for _, l := range left {
		if l.Kind == "Pod" {
			pods = append(pods, "pod/"+l.Name)
		}
	}
	return pods
}

// End deletes the Job, with all that it owns, and proves that nothing is left. Left has what is, or why there is no
// proof.
func (c *Cluster) End(force context.Context) (left []string) {
	return c.remove(force, nil, func(Leftover) bool { return false }, "job", c.job.Name)
}

// remove deletes objects, and waits until nothing of the run is left but for those that stay. Left has what is, or why
// there is no proof.
func (c *Cluster) remove(force context.Context, w *watch, stays func(Leftover) bool, objects ...string) []string {
	ctx := context.WithoutCancel(force)
	var looking sync.WaitGroup
	var before []Leftover
	looking.Go(func() { before, _ = c.left(ctx) }) // the UIDs of its objects; the proof reports a fault
	_, err := c.retry(ctx, append([]string{"delete", "--ignore-not-found", "--wait=false"}, objects...)...)
	looking.Wait()
	if err != nil {
		return []string{err.Error()}
	}
	c.awaitPods(force, w, slices.DeleteFunc(before, stays))
	there, err := c.gone(ctx, force, w, stays)
	left := text.Each(there, Leftover.String)
	if err != nil {
		left = append(left, err.Error())
	}
	return left
}

// Job is the name of the Job of the load.
func (c *Cluster) Job() string { return c.job.Name }

// retryWithin is how long a teardown waits for an API server that does not respond.
const retryWithin = time.Minute

// retry runs kubectl until the API server responds.
func (c *Cluster) retry(ctx context.Context, args ...string) ([]byte, error) {
	for began := time.Now(); ; {
		out, err := c.do(ctx, "", args...)
		if err == nil || !transient(err) || time.Since(began) > retryWithin {
			return out, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(time.Second):
		}
	}
}

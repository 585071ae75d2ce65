package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"topobench/internal/text"
)

// noOwner is a UID of no object, for checks before the Job has one.
const noOwner = "00000000-0000-4000-8000-000000000000"

// Enter checks that a run of topologies can begin: the context, the rights, the kinds of the cluster, and every object.
// The error has all faults. Nothing is created. launches is how often each topology is brought up.
func (c *Cluster) Enter(ctx context.Context, topologies []Topology, launches int) error {
	if err := together(topologies); err != nil {
		return err
	}
	var err error
	if c.job, err = Load(c.Run, topologies, c.Grace, Supervisor(c.Grace)); err != nil {
		return err
	}
	c.most = deadlineOf(topologies, launches)
	for _, t := range topologies {
		for _, s := range t.Plan.Services {
			c.slowest = max(c.slowest, s.Grace)
		}
	}
	c.graphs = slices.ContainsFunc(topologies, Topology.hasGraph)
	if !c.graphs { // the proof of the end needs no right to list Dynamo's kinds
		c.lacks = len(dynamoKinds)
	}
	if err := c.serverVersion(ctx); err != nil {
		return err // no other question has an answer
	}
	namespace, err := c.dryRun(ctx, c.job)
	if err != nil {
		return errors.Join(err, c.dryRuns(ctx, topologies))
	}
	faults := make([]error, 3)
	var all sync.WaitGroup
	all.Go(func() { faults[0] = c.rights(ctx, namespace, topologies) })
	all.Go(func() { _, faults[1] = c.left(ctx) }) // the proof of the end needs these lists
	all.Go(func() { faults[2] = c.dryRuns(ctx, topologies) })
	all.Wait()
	if faults[0] != nil {
		faults[1] = nil // that is why
	}
	return errors.Join(faults...)
}

// dryRuns lets the API server check the objects of topologies, at once, and one by one where that fails: kubectl's
// messages do not tell which object they are of.
func (c *Cluster) dryRuns(ctx context.Context, topologies []Topology) error {
	var all []Object
	for _, t := range topologies {
		all = append(all, slices.Concat(t.Waves...)...)
	}
	if _, err := c.dryRun(ctx, all...); err == nil {
		return nil
	}
	var faults []error
	for _, t := range topologies {
		for _, o := range slices.Concat(t.Waves...) {
			_, err := c.dryRun(ctx, o)
			faults = append(faults, on(t.Profile.Source, err))
		}
	}
	return errors.Join(faults...)
}

// deadlineOf has room for a restart of every launch, and for a topology that is held for a day.
func deadlineOf(topologies []Topology, launches int) time.Duration {
	return 24*time.Hour + time.Duration(2*max(1, launches))*Deadline(topologies)
}

func on(source string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", source, err)
}

func (c *Cluster) serverVersion(ctx context.Context) error {
	out, err := c.do(ctx, "", "version", "-o", "json")
	if err != nil {
		return err
	}
	var v struct {
		Server struct {
			Version string `json:"gitVersion"`
		} `json:"serverVersion"`
	}
	if err := json.Unmarshal(out, &v); err != nil {
		return fmt.Errorf("cannot read the output of kubectl: %w", err)
	}
	c.version = text.OneLine(v.Server.Version)
	return nil
}

// Version is that of the API server.
func (c *Cluster) Version() string { return c.version }

// dryRun lets the API server check objects. It returns the namespace that they would be in.
func (c *Cluster) dryRun(ctx context.Context, objects ...Object) (namespace string, err error) {
	out, err := c.do(ctx, documents(objects, noOwner), "create", "--dry-run=server", "-f", "-", "-o", "json")
	if err != nil {
		return "", fmt.Errorf("cannot create %v: %w", objects[0], err)
	}
	all, err := readObjects(out)
	if err == nil && len(all) > 0 {
		namespace = all[0].Namespace
	}
	return namespace, err
}

// rights fails with all rights that the user lacks.
func (c *Cluster) rights(ctx context.Context, namespace string, topologies []Topology) error {
	out, err := c.do(ctx, Review(namespace), "create", "--validate=false", "-f", "-", "-o", "json")
	if err != nil {
		return fmt.Errorf("cannot look up the rights in the namespace %s: %w", namespace, err)
	}
	missing, known, err := Missing(out, Rights(topologies))
	if err != nil || !known || len(missing) == 0 {
		return err
	}
	return lacking(namespace, missing)
}

func lacking(namespace string, missing []Right) error {
	return fmt.Errorf("the user of the context lacks rights in the namespace %s: %s: an administrator of the cluster "+
		"grants them", namespace, strings.Join(text.Each(missing, Right.String), ", "))
}

// Begun is how long the pod of the load may take to run.
func Begun(topologies []Topology) time.Duration { return topologies[0].Profile.Timeouts.Ready }

package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"topobench/internal/text"
)

// Remains are the objects of a run in a namespace.
type Remains struct {
	Run     string // value of its label
	Objects []string
	// Running: its Job has not ended. Its pod waits for an image or a node, or topobench uses it or did a moment ago.
	Running bool
	cluster Cluster
}

// Of reports whether the objects are those of the run with that id.
func (r *Remains) Of(id string) bool { return r.Run == name(longest, id) }

// Remains finds the runs of a namespace by their label.
func (c *Cluster) Remains(ctx context.Context) ([]Remains, error) {
	out, err := c.list(ctx, "-l", RunLabel)
	if err != nil {
		return nil, err
	}
	return c.read(out)
}

// list lists the objects of all kinds that a run may have. A cluster need not have all kinds of Dynamo.
func (c *Cluster) list(ctx context.Context, args ...string) (out []byte, err error) {
	for {
		out, err = c.do(ctx, "", append([]string{"get", c.kinds(), "-o", "json"}, args...)...)
		failure, is := errors.AsType[*Failure](err)
		if !is || failure.Kind != NoKind || c.lacks == len(dynamoKinds) {
			return out, err
		}
		c.lacks++
	}
}

// dynamoKinds are of Dynamo's operator; an older one has only the last.
var dynamoKinds = []string{"dynamoworkermetadatas", "dynamographdeployments"} // constant

// kinds are those of a proof that the cluster has.
func (c *Cluster) kinds() string {
	all := strings.Split(LeftKinds, ",")
	return strings.Join(slices.DeleteFunc(all, func(kind string) bool {
		return slices.Contains(dynamoKinds[:c.lacks], kind)
	}), ",")
}

// deleted are the kinds of objects that a run creates itself, beside its Job.
func (c *Cluster) deleted() string {
	if c.lacks == len(dynamoKinds) {
		return "deployments,services,configmaps"
	}
	return "dynamographdeployments,deployments,services,configmaps"
}

// read groups a list of objects by their runs.
func (c *Cluster) read(list []byte) (all []Remains, err error) {
	var of struct {
		Items []struct {
			owned
			Status struct {
				Conditions []condition `json:"conditions"`
			} `json:"status"`
		} `json:"items"`
	}
	if err := json.Unmarshal(list, &of); err != nil {
		return nil, fmt.Errorf("cannot read the output of kubectl: %w", err)
	}
	runs := map[string]*Remains{}
	for _, o := range of.Items {
		m := o.Metadata
		run := m.Labels[RunLabel]
		if run == "" { // it has another owner
			continue
		}
		r := runs[run]
		if r == nil {
			r = &Remains{Run: run, cluster: Cluster{Kubectl: c.Kubectl, Environ: c.Environ, Run: run, Clean: c.Clean,
				job: Object{Kind: "Job", Name: name(longest, "topobench", run)}, lacks: c.lacks}}
			runs[run] = r
		}
		r.Objects = append(r.Objects, text.OneLine(strings.ToLower(o.Kind)+"/"+m.Name))
		r.cluster.uids = append(r.cluster.uids, m.UID)
		if o.Kind == "Job" {
			r.cluster.job.Name = m.Name
			r.Running = m.Deleted == nil && !slices.ContainsFunc(o.Status.Conditions, condition.ends)
		}
	}
	for _, run := range slices.Sorted(maps.Keys(runs)) {
		all = append(all, *runs[run])
	}
	return all, nil
}

// ends reports whether a Job with the condition has ended.
func (c condition) ends() bool {
	return (c.Type == "Complete" || c.Type == "Failed") && c.Status == "True"
}

// Delete deletes the objects of a run, and proves that nothing is left. Left has what is, or why there is no proof.
func (r *Remains) Delete(force context.Context) (left []string) {
	c := &r.cluster
	_, err := c.retry(context.WithoutCancel(force), "delete", c.deleted(), "-l", RunLabel+"="+r.Run, "--wait=false")
	if err != nil {
		return []string{err.Error()}
	}
	return c.End(force)
}

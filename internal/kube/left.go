package kube

import (
	"encoding/json"
	"fmt"
	"strings"

	"topobench/internal/text"
)

// LeftKinds are all kinds of objects that a run makes, or that are made for it: kubectl get KINDS -o json. Worker
// metadata is owned by its pod, and a pod by a ReplicaSet.
const LeftKinds = "jobs,dynamographdeployments,deployments,replicasets,services,pods,configmaps,dynamoworkermetadatas"

// Leftover is an object of a run that is still there.
type Leftover struct {
	Kind, Name string
	Deleted    bool     // the API server waits for its finalizers, or its node
	Finalizers []string // what it waits for
	UID        string
}

func (l Leftover) String() string {
	line := strings.ToLower(l.Kind) + "/" + l.Name
	switch {
	case len(l.Finalizers) > 0 && l.Deleted:
		return fmt.Sprintf("%s is deleted and waits for %s", line, strings.Join(l.Finalizers, ", "))
	case l.Deleted:
		return line + " is deleted and not gone yet"
	}
	return line
}

// owned is an object as far as its owners go.
type owned struct {
	Kind     string `json:"kind"`
	Metadata struct {
		metadata
		Owners []struct {
			UID string `json:"uid"`
		} `json:"ownerReferences"`
		Finalizers []string `json:"finalizers"`
	} `json:"metadata"`
}

// Left are the objects of a run in the output of kubectl get: those with its label, those that are owned by one of the
// UIDs, and those that are owned by any of these. UIDs are of objects that the run created; one that is gone by now may
// still have dependents.
func Left(data []byte, run string, uids []string) ([]Leftover, error) {
	var all struct {
		Items []owned `json:"items"`
	}
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, fmt.Errorf("cannot read the output of kubectl: %w", err)
	}
	ours := map[string]bool{}
	for _, uid := range uids {
		ours[uid] = true
	}
	for grown := true; grown; {
		grown = false
		for _, o := range all.Items {
			if uid := o.Metadata.UID; !ours[uid] && (o.Metadata.Labels[RunLabel] == run || o.ownedBy(ours)) {
				ours[uid], grown = true, true
			}
		}
	}
	var left []Leftover
	for _, o := range all.Items {
		if ours[o.Metadata.UID] {
			left = append(left, Leftover{text.OneLine(o.Kind), text.OneLine(o.Metadata.Name), o.Metadata.Deleted != nil,
				text.Each(o.Metadata.Finalizers, text.OneLine), o.Metadata.UID})
		}
	}
	return left, nil
}

func (o owned) ownedBy(uids map[string]bool) bool {
	for _, owner := range o.Metadata.Owners {
		if uids[owner.UID] {
			return true
		}
	}
	return false
}

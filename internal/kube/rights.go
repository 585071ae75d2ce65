package kube

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
)

// Right is what a user may do in a namespace: a verb of the API, and the resource with its group.
type Right struct{ Verb, Resource, Group string }

func (r Right) String() string {
	if r.Group == "" {
		return r.Verb + " " + r.Resource
	}
	return r.Verb + " " + r.Resource + "." + r.Group
}

// Rights are those that topologies need: to create, watch and delete their own objects, to look at what is made for
// them, and to run aiperf in the pod of the load.
func Rights(topologies []Topology) (all []Right) {
	need := func(group, resource string, verbs ...string) {
		for _, verb := range verbs {
			all = append(all, Right{verb, resource, group})
		}
	}
	whole := []string{"create", "delete", "get", "list", "watch"}
	need("batch", "jobs", append(whole, "patch")...)
	need("", "pods", "get", "list", "watch")
	need("", "pods/exec", "create")
	need("", "pods/log", "get")
	need("", "events", "list", "watch")
	need("", "services", "get", "list")
	need("", "configmaps", "list")
	need("apps", "deployments", "get", "list", "watch")
	need("apps", "replicasets", "list")
	for _, t := range topologies {
		for _, o := range slices.Concat(t.Waves...) {
			switch o.Kind {
			case graphKind:
				need("nvidia.com", "dynamographdeployments", whole...)
				need("nvidia.com", "dynamoworkermetadatas", "list")
			case "Deployment":
				need("apps", "deployments", "create", "delete")
			case "Service":
				need("", "services", "create", "delete")
			case "ConfigMap":
				need("", "configmaps", "create", "delete")
			}
		}
	}
	slices.SortFunc(all, func(a, b Right) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Verb, b.Verb))
	})
	return slices.Compact(all)
}

// Review is the object by which the API server lists the rights of the user in a namespace, with the flags
// --validate=false -f - -o json of kubectl create: validation would need the right to list definitions.
func Review(namespace string) string {
	return fmt.Sprintf(`{"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", `+
		`"spec": {"namespace": %q}}`, namespace)
}

// Missing are the rights that a review lacks. Where a program beside the API server decides, a review is not complete:
// known is false then, and the rights may be there all the same.
func Missing(review []byte, needed []Right) (missing []Right, known bool, err error) {
	var r struct {
		Status struct {
			Incomplete bool   `json:"incomplete"`
			Rules      []rule `json:"resourceRules"`
		} `json:"status"`
	}
	if err := json.Unmarshal(review, &r); err != nil {
		return nil, false, fmt.Errorf("cannot read the output of kubectl: %w", err)
	}
	for _, right := range needed {
		if !slices.ContainsFunc(r.Status.Rules, func(of rule) bool { return of.allows(right) }) {
			missing = append(missing, right)
		}
	}
	return missing, !r.Status.Incomplete, nil
}

type rule struct {
	Verbs     []string `json:"verbs"`
	Groups    []string `json:"apiGroups"`
	Resources []string `json:"resources"`
	Names     []string `json:"resourceNames"`
}

// allows: a rule for single names allows none of ours.
func (r rule) allows(right Right) bool {
	has := func(list []string, word string) bool {
		return slices.Contains(list, "*") || slices.Contains(list, word)
	}
	return len(r.Names) == 0 && has(r.Verbs, right.Verb) && has(r.Groups, right.Group) &&
		has(r.Resources, right.Resource)
}

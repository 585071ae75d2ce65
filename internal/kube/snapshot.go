package kube

import (
	"encoding/json"
	"fmt"
	"time"
)

// Snapshot is what the API server has about a namespace at one time.
type Snapshot struct {
	graphs      map[string]graphObject
	deployments map[string]deploymentObject
	pods        []podObject
	events      []eventObject
}

// Snapshots are read from the kinds that SnapshotKinds names: kubectl get KINDS -o json.
const SnapshotKinds = "dynamographdeployments,deployments,pods,events"

// The kinds without Dynamo's definitions.
const snapshotKindsAlone = "deployments,pods,events"

type metadata struct {
	Name       string            `json:"name"`
	UID        string            `json:"uid"`
	Version    string            `json:"resourceVersion"`
	Generation int               `json:"generation"`
	Labels     map[string]string `json:"labels"`
	Deleted    *time.Time        `json:"deletionTimestamp"`
}

type condition struct {
	Type    string `json:"type"`
	Status  string `json:"status"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// counts are those of a Deployment, and of a component of a graph.
type counts struct {
	Replicas  int `json:"replicas"`
	Updated   int `json:"updatedReplicas"`
	Ready     int `json:"readyReplicas"`
	Available int `json:"availableReplicas"`
}

type graphObject struct {
	Metadata metadata `json:"metadata"`
	Status   struct {
		Observed   int               `json:"observedGeneration"`
		State      string            `json:"state"`
		Conditions []condition       `json:"conditions"`
		Components map[string]counts `json:"components"`
	} `json:"status"`
}

type deploymentObject struct {
	Metadata metadata `json:"metadata"`
	Status   struct {
		counts
		Observed   int         `json:"observedGeneration"`
		Conditions []condition `json:"conditions"`
	} `json:"status"`
}

type podObject struct {
	Metadata metadata `json:"metadata"`
	Spec     podPlace `json:"spec"`
	Status   struct {
		IP         string            `json:"podIP"`
		Phase      string            `json:"phase"`
		Reason     string            `json:"reason"`
		Message    string            `json:"message"`
		Conditions []condition       `json:"conditions"`
		Containers []containerStatus `json:"containerStatuses"`
	} `json:"status"`
}

type containerStatus struct {
	Name     string         `json:"name"`
	Ready    bool           `json:"ready"`
	Restarts int            `json:"restartCount"`
	Image    string         `json:"imageID"`
	State    containerState `json:"state"`
	Last     containerState `json:"lastState"`
}

type containerState struct {
	Waiting *struct {
		Reason  string `json:"reason"`
		Message string `json:"message"`
	} `json:"waiting"`
	Terminated *struct {
		Reason   string `json:"reason"`
		Message  string `json:"message"`
		ExitCode int    `json:"exitCode"`
	} `json:"terminated"`
}

type eventObject struct {
	Metadata metadata `json:"metadata"`
	Reason   string   `json:"reason"`
	Message  string   `json:"message"`
	Type     string   `json:"type"`
	Involved struct {
		Kind string `json:"kind"`
		Name string `json:"name"`
		UID  string `json:"uid"`
	} `json:"involvedObject"`
}

// ReadSnapshot reads the list that kubectl get -o json prints.
func ReadSnapshot(data []byte) (Snapshot, error) {
	var all struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := json.Unmarshal(data, &all); err != nil {
		return Snapshot{}, fmt.Errorf("cannot read the output of kubectl: %w", err)
	}
	s := Snapshot{graphs: map[string]graphObject{}, deployments: map[string]deploymentObject{}}
	for _, item := range all.Items {
		if err := s.add(item); err != nil {
			return Snapshot{}, fmt.Errorf("cannot read the output of kubectl: %w", err)
		}
	}
	return s, nil
}

func (s *Snapshot) add(item json.RawMessage) error {
	var of struct {
		Kind string `json:"kind"`
	}
	if err := json.Unmarshal(item, &of); err != nil {
		return err
	}
	switch of.Kind {
	case graphKind:
		var g graphObject
		err := json.Unmarshal(item, &g)
		s.graphs[g.Metadata.Name] = g
		return err
	case "Deployment":
		var d deploymentObject
		err := json.Unmarshal(item, &d)
		s.deployments[d.Metadata.Name] = d
		return err
	case "Pod":
		var p podObject
		err := json.Unmarshal(item, &p)
		s.pods = append(s.pods, p)
		return err
	case "Event":
		var e eventObject
		err := json.Unmarshal(item, &e)
		s.events = append(s.events, e)
		return err
	}
	return nil
}

// condition is that of a type; the zero value if there is none.
func conditionOf(all []condition, of string) condition {
	for _, c := range all {
		if c.Type == of {
			return c
		}
	}
	return condition{}
}

package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"topobench/internal/plan"
)

// frontendServes requires the exact number of instances of each role, then our model. It
// counts distinct instance ids in /health: one too many is a ghost of another launch. If
// /v1/models/<id>/ready exists (Dynamo 1.3 and newer), the router's own view, which lags
// behind discovery, must agree.
func (p Prober) frontendServes(ctx context.Context, g plan.Gate) error {
	_, body, err := p.get(ctx, "http://"+g.Address+"/health")
	if err != nil {
		return err
	}
	seen, err := parseInstances(body, g.Namespace)
	if err != nil {
		return fmt.Errorf("cannot read /health of %s: %w", g.Address, err)
	}
	want := counts{prefill: g.Prefill, serving: g.Decode + g.Aggregate}
	if seen != want {
		return fmt.Errorf("instances: %s", want.missing(seen))
	}
	if err := p.routerAgrees(ctx, g, want); err != nil {
		return err
	}
	if err := p.listsModel(ctx, g); err != nil {
		return fmt.Errorf("%w: %w", errNoModel, err)
	}
	return nil
}

// counts are instances by what they do: prefill, or serving (decode and
// aggregated both register as "backend").
type counts struct{ prefill, serving int }

func (want counts) missing(seen counts) string {
	var parts []string
	if want.prefill > 0 || seen.prefill > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d prefill", seen.prefill, want.prefill))
	}
	return strings.Join(append(parts, fmt.Sprintf("%d of %d serving", seen.serving, want.serving)), ", ")
}

// parseInstances counts the distinct instances that generate in a namespace.
// Component names: Dynamo's docs and srt-slurm's health check agree on them.
func parseInstances(body []byte, namespace string) (counts, error) {
	var health struct {
		Instances []struct {
			Component, Endpoint, Namespace string
			ID                             json.Number `json:"instance_id"`
		}
	}
	if err := json.Unmarshal(body, &health); err != nil {
		return counts{}, err
	}
	prefill, serving := map[json.Number]bool{}, map[json.Number]bool{}
	for _, i := range health.Instances {
		if i.Endpoint != "generate" || i.Namespace != namespace {
			continue
		}
		if i.Component == "prefill" {
			prefill[i.ID] = true
		} else {
			serving[i.ID] = true
		}
	}
	return counts{len(prefill), len(serving)}, nil
}

// routerAgrees reads /v1/models/<id>/ready; 404 means that this version has none or that
// the model is not listed yet, which listsModel reports.
func (p Prober) routerAgrees(ctx context.Context, g plan.Gate, want counts) error {
	status, body, err := p.get(ctx, "http://"+g.Address+"/v1/models/"+g.Model+"/ready")
	if err != nil || status == http.StatusNotFound {
		return err
	}
	seen, others, ready, err := parseReady(body, g.Namespace)
	if err != nil {
		return fmt.Errorf("cannot read /ready of %s: %w", g.Address, err)
	}
	if len(others) > 0 {
		return fmt.Errorf("router: it sends to the workers of %s too: Dynamo takes each namespace that begins with "+
			"the frontend's: rename the topology", strings.Join(others, ", "))
	}
	if !ready || seen != want {
		return fmt.Errorf("router: %s", want.missing(seen))
	}
	return nil
}

// parseReady counts the workers of a namespace that a router has. others are namespaces beside it that have workers.
func parseReady(body []byte, namespace string) (seen counts, others []string, ready bool, err error) {
	var answer struct {
		Ready      bool
		Namespaces map[string]struct {
			WorkerTypes map[string]struct{ Workers int } `json:"worker_types"`
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return counts{}, nil, false, err
	}
	for _, name := range slices.Sorted(maps.Keys(answer.Namespaces)) {
		var here counts
		for kind, t := range answer.Namespaces[name].WorkerTypes {
			if kind == "prefill" {
				here.prefill += t.Workers
			} else {
				here.serving += t.Workers
			}
		}
		if name == namespace {
			seen = here
		} else if here != (counts{}) {
			others = append(others, name)
		}
	}
	return seen, others, answer.Ready, nil
}

func parseModels(body []byte) ([]string, error) {
	var list struct{ Data []struct{ ID string } }
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, err
	}
	var ids []string
	for _, m := range list.Data {
		ids = append(ids, m.ID)
	}
	return ids, nil
}

// otherModelError is a list of models without ours: a foreign server may answer on our port.
type otherModelError struct {
	listed []string
	want   string
}

func (e *otherModelError) Error() string {
	return fmt.Sprintf("the server lists %s, not %s: is it ours?", strings.Join(e.listed, ", "), e.want)
}

func modelListed(models []string, want string) error {
	switch {
	case slices.Contains(models, want):
		return nil
	case len(models) == 0:
		return fmt.Errorf("model %s is not listed yet", want)
	default:
		return &otherModelError{models, want}
	}
}

// noOtherModel makes the error of a server that lists other models final: it serves one from its start on. To a
// Dynamo frontend a model may come later.
func noOtherModel(err error, g plan.Gate) error {
	e, is := errors.AsType[*otherModelError](err)
	if !is {
		return err
	}
	return &FinalError{fmt.Sprintf("%s lists %s, not %s", g.Address, strings.Join(e.listed, ", "), e.want),
		"write served_name: " + e.listed[0] + " in the profile if that is its model; otherwise another server " +
			"answers on this port: choose another one (port)"}
}

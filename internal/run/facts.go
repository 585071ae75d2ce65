package run

import (
	"context"
	"encoding/json"
	"fmt"

	"topobench/internal/artifacts"
	"topobench/internal/host/gpu"
	"topobench/internal/preflight"
)

// factsKind marks the question about the facts of a machine. An agent answers it itself.
const factsKind = "machine facts"

// factsQuestion asks for the facts of a machine, some of which depend on its GPUs.
type factsQuestion struct {
	Kind    string       `json:"kind"`
	Devices []gpu.Device `json:"devices"`
}

// factsOn are the facts of a machine by which launches are compared.
func (r *Runner) factsOn(ctx context.Context, s site) (facts artifacts.Values, err error) {
	devices := r.found[s.name].devices
	if s.name == "" {
		return preflight.MachineFacts(ctx, devices), nil
	}
	question, err := json.Marshal(factsQuestion{factsKind, devices})
	if err != nil {
		return nil, err
	}
	answer, err := r.Remotes[s.name].Inspect(ctx, question)
	if err == nil {
		err = json.Unmarshal(answer, &facts)
	}
	if err != nil {
		return nil, fmt.Errorf("the facts of the machine: %w", err)
	}
	return facts, nil
}

// inspect answers the question of factsOn, and passes others on.
func (o AgentOptions) inspect(ctx context.Context, question []byte) ([]byte, error) {
	var q factsQuestion
	if err := json.Unmarshal(question, &q); err == nil && q.Kind == factsKind {
		return json.Marshal(preflight.MachineFacts(ctx, q.Devices))
	}
	if o.Inspect == nil {
		return nil, fmt.Errorf("the agent of run %s cannot answer this question", o.Run)
	}
	return o.Inspect(ctx, question)
}

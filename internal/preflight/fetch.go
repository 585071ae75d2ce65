package preflight

import (
	"context"

	"topobench/internal/programs"
)

// Fetch is the question for the download of a model, by a machine that has a part of a profile.
type Fetch struct {
	Part Part   `json:"part"`
	Log  string `json:"log"` // path there
}

// Fetch downloads the model of a part on this machine.
func (r Request) Fetch(ctx context.Context, q Fetch) error {
	p := q.Part.Profile
	m, isID := programs.ModelOf(p, r.Getenv)
	prober, python := r.Fetcher(Topology{Profile: p, Programs: q.Part.On.Programs})
	if !isID || m.Cached() || python == "" {
		return nil
	}
	prober.Within = p.Timeouts.Ready
	return prober.Fetch(ctx, python, m, q.Log)
}

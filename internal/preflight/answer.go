package preflight

import (
	"context"
	"slices"
	"sync"

	"topobench/internal/host"
	"topobench/internal/host/gpu"
	"topobench/internal/plan"
	"topobench/internal/profile"
	"topobench/internal/programs"
)

// HostQuestion is what a machine checks before services of some profiles start there.
type HostQuestion struct {
	Profiles []profile.Profile `json:"profiles"` // the parts of that machine, see Profile.On
	Programs programs.Paths    `json:"programs"` // the programs that flags name
	MinFree  uint64            `json:"min_free"`
	MapGPUs  bool              `json:"map_gpus"`
	Look     bool              `json:"look"` // with the checks of the doctor
}

// HostAnswer is the result of the checks on a machine.
type HostAnswer struct {
	Checks  []Check        `json:"checks"`
	Parts   []Part         `json:"parts"`   // one for each profile of the question
	Environ []string       `json:"environ"` // from which its services inherit
	Clients plan.Ephemeral `json:"clients"` // ports that its kernel assigns to clients
	Seen    Seen           `json:"seen"`
}

// Part is what one machine has for a profile.
type Part struct {
	Profile  profile.Profile   `json:"profile"` // with the GPUs of the allocation
	On       plan.Installation `json:"installation"`
	GPUMap   []string          `json:"gpu_map"`
	Programs []string          `json:"programs"` // a line for each: version, path, and why this one
	Fetch    bool              `json:"fetch"`    // its model has to be fetched
}

// Seen is what a machine showed of its hardware.
type Seen struct {
	NvidiaSMI  string      `json:"nvidia_smi"` // its path; "" = none
	GPUs       gpu.State   `json:"gpus"`
	Unknown    string      `json:"unknown"` // why a query of the GPUs had no answer
	Power      []gpu.Power `json:"power"`
	Links      string      `json:"links"` // see host.Snapshot
	LinksFault string      `json:"links_fault"`
	Machine    []Check     `json:"machine"` // limits that no run stops for
}

// Answer makes the checks of a question on this machine.
func (r Request) Answer(ctx context.Context, q HostQuestion) HostAnswer {
	r.Profiles, r.Programs, r.MapGPUs, r.Look, r.MinFree = q.Profiles, q.Programs, q.MapGPUs, q.Look, q.MinFree
	r.hub, r.away = map[atHub]error{}, true
	var seen Seen
	var looks sync.WaitGroup
	if q.Look {
		looks.Go(func() { seen = r.see(ctx) })
	}
	a := HostAnswer{Environ: r.Environ, Clients: clients(r.PortRange),
		Checks: slices.Concat(r.space(max(q.MinFree, tempNeed)), r.temp(), r.surroundings(), r.openFiles())}
	g := r.gpus(ctx)
	var all []Topology
	for _, p := range r.Profiles {
		t, on, checks, unread := r.part(ctx, p, g)
		a.Checks = append(a.Checks, checks...)
		if unread != nil {
			a.Checks = append(a.Checks, failed(Plan, unread, "")...)
		}
		part := Part{Profile: t.Profile, On: on, GPUMap: t.GPUMap, Programs: t.programLines()}
		if serves(p) {
			var model []Check
			model, part.Fetch = r.engineModel(ctx, t)
			a.Checks = append(a.Checks, model...)
		}
		all, a.Parts = append(all, t), append(a.Parts, part)
	}
	looks.Wait()
	a.Checks = append(a.Checks, g.checks(all)...)
	a.Seen = seen
	a.Seen.NvidiaSMI, a.Seen.GPUs, a.Seen.Unknown = g.smi, g.state, g.unknown
	if q.Look {
		a.Seen.Machine = machine(ctx, "/", g.state.Devices, serving)
	}
	return a
}

// see queries what only the doctor shows of the GPUs.
func (r Request) see(ctx context.Context) (s Seen) {
	found, err := programs.Search{Flags: r.Programs, Getenv: r.Getenv}.Find(programs.NvidiaSMI)
	if err != nil {
		return s
	}
	here := host.Local{NvidiaSMI: found[programs.NvidiaSMI].Path, Env: r.Environ, Temp: r.Temp}
	look, _ := here.Look(ctx, host.Question{Power: queryLimit, Links: queryLimit}) // it can fail to list processes only
	return Seen{Power: look.Power, Links: look.Links, LinksFault: look.LinksFault}
}

// serves reports whether a process of a part loads the model.
func serves(p profile.Profile) bool { return workers(p) > 0 || p.Frontend != nil }

func workers(p profile.Profile) int { return len(p.Prefill) + len(p.Decode) + len(p.Aggregated) }

// usesGPUs reports whether workers of a part use GPUs.
func usesGPUs(p profile.Profile, vllm plan.Version) bool {
	return workers(p) > 0 && plan.RealGPUs(p.Engine, vllm)
}

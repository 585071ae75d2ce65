package preflight

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/gpu"
	"topobench/internal/plan"
	"topobench/internal/profile"
	"topobench/internal/programs"
	"topobench/internal/text"
)

// queryLimit bounds the answer of nvidia-smi, which takes some ten seconds where the driver has to be loaded.
const queryLimit = 20 * time.Second

// gpus is the GPUs of this machine, as far as the checks need them.
type gpus struct {
	smi        string // path of nvidia-smi; "" = there is none
	unusable   error  // the nvidia-smi that the user names
	state      gpu.State
	needed     bool   // the GPUs of a profile follow from state
	unknown    string // why state is not known
	allocation gpu.Allocation
	ambiguous  bool  // see gpu.Allocation
	refused    error // why the allocation cannot be used
}

// gpus finds nvidia-smi, which a machine without NVIDIA's driver does not have, and queries the GPUs if the
// allocation or a UUID needs them. One that the user names must be there.
func (r Request) gpus(ctx context.Context) (g gpus) {
	parts := make([]profile.Profile, len(r.Profiles))
	for i, p := range r.Profiles {
		parts[i] = here(p)
	}
	uses := func(p profile.Profile) bool { return usesGPUs(p, "") }
	if len(r.Profiles) > 0 && r.Profiles[0].Engine == programs.External {
		return g
	}
	found, err := programs.Search{Flags: r.Programs, Getenv: r.Getenv}.Find(programs.NvidiaSMI)
	if _, missing := errors.AsType[*programs.NotFoundError](err); err != nil && !missing {
		g.unusable = err
		return g
	}
	g.smi = found[programs.NvidiaSMI].Path
	g.needed = slices.ContainsFunc(parts, uses) &&
		(r.MapGPUs || gpu.Limited(r.Environ) || slices.ContainsFunc(parts, hasUUIDs))
	if g.smi != "" && (g.needed || r.Look) {
		here := host.Local{NvidiaSMI: g.smi, Env: r.Environ, Temp: r.Temp}
		look, err := here.Look(ctx, host.Question{GPUs: queryLimit})
		g.state, g.unknown = look.GPUs, look.GPUFault
		if err != nil {
			g.unknown = err.Error()
		}
	}
	if g.unknown == "" {
		g.allocation, g.refused = gpu.Allocate(r.Environ, g.state.Devices)
		g.ambiguous = g.allocation.Ambiguous(r.Environ, g.state.Devices)
	}
	return g
}

// Mapped is a profile with the GPUs of the allocation in the place of its own, and a line for each; unchanged without
// MapGPUs, and if its GPUs are nominal. The error is that of the check with which a run would end.
func (r Request) Mapped(ctx context.Context, p profile.Profile, vllm plan.Version) (profile.Profile, []string, error) {
	if !r.MapGPUs || !plan.RealGPUs(p.Engine, vllm) {
		return p, nil, nil
	}
	r.Profiles = []profile.Profile{p}
	g := r.gpus(ctx)
	mapped, lines, checks := g.assign(p, true)
	return mapped, lines, errors.Join(g.unusable, Report{Checks: checks}.Err())
}

// checks are those of nvidia-smi itself, for topologies on this machine.
func (g gpus) checks(topologies []Topology) []Check {
	all := slices.DeleteFunc(slices.Clone(topologies), func(t Topology) bool { return len(Others(t.Profile)) > 0 })
	external := func(t Topology) bool { return t.Profile.Engine == programs.External }
	uses := func(t Topology) bool { return usesGPUs(t.Profile, t.Versions.VLLM) }
	switch {
	case len(all) < len(topologies) && len(all) == 0 || slices.ContainsFunc(all, external):
		return nil
	case g.unusable != nil:
		return []Check{fail(GPUs, g.unusable.Error(), "")}
	case g.ambiguous:
		return []Check{warn(Allocation, g.allocation.Source+" may count the GPUs in CUDA's order, the fastest first, "+
			"and it is taken in that of nvidia-smi", "export CUDA_DEVICE_ORDER=PCI_BUS_ID, or name UUIDs")}
	case g.smi != "":
		return []Check{ok(GPUs, "nvidia-smi is "+g.smi)}
	case slices.ContainsFunc(all, uses):
		return []Check{warn(GPUs, "no nvidia-smi: the GPUs are not checked",
			"name one with --nvidia-smi, or install NVIDIA's driver")}
	}
	if len(all) == 0 {
		return []Check{ok(GPUs, "no nvidia-smi: this machine has no NVIDIA GPU, or no driver")}
	}
	return []Check{ok(GPUs, "no topology uses a GPU")}
}

// assign is the profile with indices in the place of UUIDs and, in order, GPUs of the allocation in the place of its
// own. It refuses GPUs outside of the allocation. lines are the map.
func (g gpus) assign(p profile.Profile, inOrder bool) (profile.Profile, []string, []Check) {
	if g.unusable != nil || g.unknown != "" && !g.needed {
		return p, nil, nil // they have their own checks
	}
	if g.unknown != "" {
		return p, nil, []Check{fail(Allocation, "cannot compare the GPUs of "+p.Name+" with the allocation: "+
			g.unknown, "")}
	}
	if g.refused != nil {
		return p, nil, []Check{fail(Allocation, g.refused.Error(), "correct that variable, or unset it")}
	}
	named := hasUUIDs(p)
	p, err := resolve(p, g.state.Devices)
	if err != nil {
		return p, nil, []Check{fail(Allocation, err.Error(), "nvidia-smi -L lists UUIDs")}
	}
	want := local(p)
	if inOrder && !named {
		return g.mapped(p, want)
	}
	allowed := func(device int) bool {
		return g.allocation.Source == "" || slices.Contains(g.allocation.Devices, device)
	}
	outside := slices.DeleteFunc(slices.Clone(want), allowed)
	if len(outside) == 0 {
		return p, nil, []Check{ok(Allocation, fmt.Sprintf("%s uses GPU %s: %s", p.Name, gpu.Indices(want), g.limit()))}
	}
	remedy := "name GPUs of the allocation in cuda_visible_devices, or map the profile with --gpus-from-allocation"
	if len(g.allocation.Devices) < len(want) {
		remedy = "the profile needs " + text.Count(len(want), "whole GPU", "whole GPUs") +
			": get an allocation with as many"
	}
	return p, nil, []Check{fail(Allocation, fmt.Sprintf("cannot run %s on GPU %s: the allocation is %s",
		p.Name, gpu.Indices(outside), g.allocation), remedy)}
}

// limit describes the allocation behind the GPUs of a profile.
func (g gpus) limit() string {
	switch {
	case g.allocation.Source != "":
		return "within the allocation: " + g.allocation.String()
	case g.allocation.Why != "":
		return g.allocation.Why
	}
	return "no allocation limits them"
}

// mapped replaces the n-th of the profile's GPUs, want, by the n-th of the allocation.
func (g gpus) mapped(p profile.Profile, want []int) (profile.Profile, []string, []Check) {
	has := g.allocation.Devices
	if len(has) < len(want) {
		return p, nil, []Check{fail(Allocation, fmt.Sprintf("cannot map the %s of %s: the allocation is %s",
			text.Count(len(want), "GPU", "GPUs"), p.Name, g.allocation),
			"get a larger allocation, or choose a smaller profile")}
	}
	to := map[int]int{}
	var lines []string
	for i, device := range want {
		to[device] = has[i]
		d, _ := g.state.Of(has[i])
		lines = append(lines, fmt.Sprintf("%s: GPU %d of the profile is GPU %d of this machine, %s", p.Name, device,
			has[i], d.UUID))
	}
	p = eachWorker(p, func(w *profile.Worker) {
		if p.Machine(w.Host) == "" {
			w.Devices = slices.Clone(w.Devices)
			for i, device := range w.Devices {
				w.Devices[i] = to[device]
			}
		}
	})
	return p, lines, []Check{ok(Allocation, fmt.Sprintf("%s: mapped to GPU %s, %s", p.Name,
		gpu.Indices(has[:len(want)]), g.limit()))}
}

// resolve replaces UUIDs by indices. The error has all that are not visible, and GPUs that two workers name, one by
// UUID.
func resolve(p profile.Profile, visible []gpu.Device) (profile.Profile, error) {
	if !hasUUIDs(p) {
		return p, nil
	}
	var faults []error
	owned := map[int]bool{}
	p = eachWorker(p, func(w *profile.Worker) {
		if p.Machine(w.Host) != "" {
			return
		}
		devices := slices.Clone(w.Devices)
		for _, uuid := range w.UUIDs {
			index, err := gpu.Find(uuid, visible)
			if err != nil {
				faults = append(faults, fmt.Errorf("%s: cuda_visible_devices: %w", p.Source, err))
			}
			devices = append(devices, index)
		}
		for _, index := range devices {
			if owned[index] && len(faults) == 0 && !p.ShareGPU {
				faults = append(faults, fmt.Errorf("%s: two workers name GPU %d", p.Source, index))
			}
			owned[index] = true
		}
		w.Devices, w.UUIDs = devices, nil
	})
	return p, errors.Join(faults...)
}

// eachWorker is p with each of its workers changed; the workers of p itself stay.
func eachWorker(p profile.Profile, change func(*profile.Worker)) profile.Profile {
	for _, role := range []*[]profile.Worker{&p.Prefill, &p.Decode, &p.Aggregated} {
		*role = slices.Clone(*role)
		for i := range *role {
			change(&(*role)[i])
		}
	}
	return p
}

// local are the GPUs of this machine that p names by index, each once, ascending.
func local(p profile.Profile) (devices []int) {
	eachWorker(p, func(w *profile.Worker) {
		if p.Machine(w.Host) == "" {
			devices = append(devices, w.Devices...)
		}
	})
	slices.Sort(devices)
	return slices.Compact(devices)
}

func hasUUIDs(p profile.Profile) (has bool) {
	eachWorker(p, func(w *profile.Worker) { has = has || len(w.UUIDs) > 0 })
	return has
}

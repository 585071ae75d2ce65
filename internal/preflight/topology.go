package preflight

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"topobench/internal/plan"
	"topobench/internal/profile"
	"topobench/internal/programs"
	"topobench/internal/text"
)

// topology checks one profile: its programs and their versions, the plan that follows from them, and its model.
func (r Request) topology(ctx context.Context, p profile.Profile) (Topology, []Check) {
	var uncached []Check // versions that could not be cached for the next time
	found, missing, err := r.probe(ctx, p, func(text string) { uncached = append(uncached, warn(Versions, text, "")) })
	places, versions := found.Programs, found.Versions
	t := Topology{Profile: p, Programs: places, Versions: versions}
	checks := slices.Concat(failed(Programs, missing, p.Name+": "+strings.Join(found.Places.Lines(), ", ")), uncached,
		failed(Programs, err, p.Name+": its interpreters can import what it needs"))
	if p.Engine == programs.External {
		return t, append(checks, r.tokenizer(ctx, t)...)
	}
	launch, err := plan.Make(p, r.Installation(places, versions), r.Load)
	t.Plan = launch
	notes := append(Contradictions(versions, launch), PortWarning(r.PortRange, launch)...)
	if away := elsewhere(launch); away != nil {
		// What this machine lacks does not matter then.
		return t, append(notes, failed(Plan, away, "")...)
	}
	return t, slices.Concat(checks, notes, failed(Plan, err, p.Name+" can be planned"),
		[]Check{unset(launch, r.Environ)},
		r.model(ctx, t))
}

// model checks what every engine and aiperf load. The tokenizer of a model that is not there is not tried.
func (r Request) model(ctx context.Context, t Topology) []Check {
	p := t.Profile
	if err := programs.CheckModel(p, r.Getenv); err != nil {
		return failed(Model, err, "")
	}
	checks := append([]Check{ok(Model, p.Name+": model "+p.Model)}, r.tokenizer(ctx, t)...)
	if dir := programs.Namesake(p); dir != "" {
		checks = append(checks, warn(Model, fmt.Sprintf("%s: model %s is an id of the hub, and the directory %s has "+
			"that name too", p.Name, p.Model, dir), "write its path, with ./ or / in front, to serve the directory"))
	}
	return checks
}

// Installation is what a plan is made for: programs of these versions on this machine.
func (r Request) Installation(found plan.Programs, versions plan.Versions) plan.Installation {
	return plan.Installation{Programs: found, Versions: versions, Root: r.AsRoot, Arch: runtime.GOARCH,
		Kernels: kernels(r.Getenv), Inherit: plan.Inherit(r.Environ)}
}

// elsewhere refuses a plan for other machines than this one.
func elsewhere(p plan.Plan) error {
	if len(p.Hosts) == 0 {
		return nil
	}
	names := text.Each(p.Hosts, func(h plan.Host) string { return h.Name + " (" + h.Address + ")" })
	return fmt.Errorf("cannot run %s on %s: this version plans topologies on other hosts and does not run them; "+
		"\"topobench plan\" prints the script for each host", p.Name, strings.Join(names, ", "))
}

// unset refuses references to variables that the caller does not have: earlier topologies may take hours.
func unset(p plan.Plan, environ []string) Check {
	var names []string
	for _, s := range p.Services {
		_, missing := plan.Environ(environ, s.Env)
		names = append(names, missing...)
	}
	if len(names) == 0 {
		return ok(Environment, p.Name+": every variable that its env names is set")
	}
	return fail(Environment, p.Name+": its env names variables that are not set",
		"export "+strings.Join(text.Distinct(names), ", "))
}

// PortWarning warns of ports of the plan that the kernel may assign to a client first. path is the file with the
// range of those ports; if it cannot be read there is no warning.
func PortWarning(path string, p plan.Plan) []Check {
	var r plan.Ephemeral
	limits, err := os.ReadFile(path)
	if err == nil {
		_, err = fmt.Sscan(string(limits), &r.Low, &r.High)
	}
	if err != nil {
		return nil
	}
	if warning := r.Warning(p); warning != "" {
		return []Check{warn(Ports, p.Name+": "+warning, "")}
	}
	return nil
}

// nvidiaSMI finds nvidia-smi, which a machine without NVIDIA's driver does not have. One that is named must be there.
func (r Request) nvidiaSMI(all []Topology) (path string, checks []Check) {
	external := func(t Topology) bool { return t.Profile.Engine == programs.External }
	if slices.ContainsFunc(all, external) {
		return "", nil
	}
	found, err := programs.Search{Flags: r.Programs, Getenv: r.Getenv}.Find(programs.NvidiaSMI)
	path = found[programs.NvidiaSMI].Path
	_, missing := errors.AsType[*programs.NotFoundError](err)
	onGPUs := func(t Topology) bool { return plan.RealGPUs(t.Profile.Engine, t.Versions.VLLM) }
	switch {
	case err != nil && !missing:
		return "", []Check{fail(GPUs, err.Error(), "")}
	case path != "":
		return path, []Check{ok(GPUs, "nvidia-smi is "+path)}
	case slices.ContainsFunc(all, onGPUs):
		return "", []Check{warn(GPUs, "no nvidia-smi: the GPUs are not checked",
			"name one with --nvidia-smi, or install NVIDIA's driver")}
	}
	return "", []Check{ok(GPUs, "no topology uses a GPU")}
}

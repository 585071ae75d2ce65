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

// topology checks one profile: the programs of its part on this machine, and with the parts of the other machines the
// plan that follows from all of them, and its model.
func (r Request) topology(ctx context.Context, p profile.Profile, g gpus, parts map[string]Part) (Topology, []Check) {
	t, at, checks, unread := r.part(ctx, here(p), g)
	if p.Engine == programs.External {
		return t, append(checks, r.tokenizer(ctx, t, false)...)
	}
	if len(Others(p)) > 0 {
		t = t.spread(p, parts)
		at.Versions, at.Hosts = t.Versions, map[string]plan.Installation{}
		for name, part := range parts {
			at.Hosts[name] = part.On
		}
		checks = append(checks, unlike(p.Name, parts)...)
	}
	launch, err := plan.Make(t.Profile, at, r.Load)
	t.Plan = launch
	err = errors.Join(unread, err, launch.Load.CheckConnections(r.Environ))
	checks = slices.Concat(checks, Contradictions(t.Versions, launch), r.early(launch),
		failed(Plan, err, p.Name+" can be planned"), r.variables(launch))
	if len(Others(p)) > 0 && !serves(here(p)) {
		return t, append(checks, r.tokenizer(ctx, t, false)...)
	}
	return t, append(checks, r.model(ctx, t)...)
}

// part checks the programs and the GPUs of the part of a profile on this machine. unread is a fault of the engines' own
// configuration files.
func (r Request) part(ctx context.Context, p profile.Profile, g gpus) (t Topology, at plan.Installation, checks []Check,
	unread error) {
	var uncached []Check // versions that could not be cached for the next time
	found, missing, err := r.probe(ctx, p, func(text string) { uncached = append(uncached, warn(Versions, text, "")) })
	places, versions := found.Programs, found.Versions
	t = Topology{Profile: p, Programs: places, Found: found.Places, Versions: versions,
		unfit: errors.Join(missing, err)}
	checks = slices.Concat(failed(Programs, missing, p.Name+": "+strings.Join(found.Places.Lines(), ", ")), uncached,
		failed(Programs, err, p.Name+": its interpreters can import what it needs"))
	if p.Engine == programs.External {
		return t, at, checks, nil
	}
	if workers(p) > 0 {
		checks = append(checks, failed(Programs, programs.CheckCommand(p, r.Getenv), p.Name+": its command is here")...)
	}
	if usesGPUs(p, versions.VLLM) {
		var pinned []Check
		t.Profile, t.GPUMap, pinned = g.assign(p, r.MapGPUs)
		checks = append(checks, pinned...)
	}
	at = r.Installation(places, versions)
	at.Configs, unread = profile.ReadEngineConfigs(t.Profile)
	return t, at, checks, unread
}

// Installation is what a plan is made for: programs of these versions on this machine, and the environment of this
// process.
func (r Request) Installation(found plan.Programs, versions plan.Versions) plan.Installation {
	return plan.Installation{Programs: found, Versions: versions, Root: r.AsRoot, Arch: runtime.GOARCH,
		Kernels: kernels(r.Getenv), Cache: programs.CacheDir(r.Getenv), Inherit: plan.Inherit(r.Environ),
		Dropped: plan.DroppedNames(r.Environ)}
}

// Slow warns of each variable of the workers that costs speed. The caller's have one text for all topologies.
func Slow(p plan.Plan, environ []string) []Check {
	var checks []Check
	for _, c := range plan.SlowOf(p, environ) {
		found, remedy := fmt.Sprintf("%s=%s costs speed: %s", c.Name, c.Value, c.Cost), "unset "+c.Name
		if c.Own {
			found, remedy = p.Name+": "+found, "remove it from the profile's env"
		}
		checks = append(checks, warn(Environment, found, remedy+", unless it is the subject of the measurement"))
	}
	return checks
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

// PortWarning warns of ports of the plan, on this machine, that the kernel may assign to a client first. path is the
// file with the range of those ports; if it cannot be read there is no warning.
func PortWarning(path string, p plan.Plan) []Check { return early(clients(path), p) }

// clients is the range of ports that the kernel assigns to clients; empty = unknown.
func clients(path string) (e plan.Ephemeral) {
	limits, err := os.ReadFile(path)
	if err == nil {
		_, err = fmt.Sscan(string(limits), &e.Low, &e.High)
	}
	if err != nil {
		return plan.Ephemeral{}
	}
	return e
}

func early(e plan.Ephemeral, p plan.Plan) []Check {
	if warning := e.Warning(p); warning != "" {
		return []Check{warn(Ports, p.Name+": "+warning, "")}
	}
	return nil
}

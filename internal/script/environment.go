package script

import (
	"slices"
	"strings"

	"topobench/internal/plan"
)

// shared are the variables that several processes have in common. Each list becomes an
// array of the script, to which start adds nothing that another array has.
type shared struct {
	common []string // of all processes
	dynamo []string // of frontends and workers, besides
	worker []string // of workers, besides
}

// of returns the array of a service, or "", and the variables that no array has.
func (e shared) of(svc plan.Service) (array string, own []string) {
	own = without(svc.Env, e.common)
	if svc.Role != plan.Frontend && !svc.Role.Worker() {
		return "", own
	}
	own = without(own, e.dynamo)
	if svc.Role.Worker() && len(e.worker) > 0 {
		return `"${worker[@]}"`, without(own, e.worker)
	}
	if len(e.dynamo) > 0 {
		array = `"${dynamo[@]}"`
	}
	return array, own
}

func without(env, others []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(kv string) bool { return slices.Contains(others, kv) })
}

// settings prints the variables of a topology: its directory, its namespace, and the
// environment that its processes share.
func (s *script) settings(p plan.Plan) shared {
	at := s.at
	if below, ok := strings.CutPrefix(at.State, at.Root+"/"); ok {
		at.State = "\x00root\x00/" + below
	}
	places := at.Placement(p.Name, "\x00call\x00")
	s.line("# Logs and data of this call.")
	s.line("dir=%s", word(places.Dir))
	if slices.ContainsFunc(p.Services, func(svc plan.Service) bool { return svc.Gate.Namespace != "" }) {
		if multiHost(p) { // the script is called on each host, and their workers must find each other
			places = at.Placement(p.Name, "hosts")
		}
		s.line("# Dynamo's workers and frontends find only those of their namespace.")
		s.line("namespace=%s", word(places.Namespace))
	}
	e := share(p)
	s.line("# Environment of all processes.")
	s.array("common", e.common)
	if len(e.dynamo) > 0 {
		s.line("# Environment of frontends and workers, besides.")
		s.array("dynamo", e.dynamo)
	}
	if len(e.worker) > 0 {
		s.line("# Environment of workers.")
		if len(e.dynamo) > 0 {
			s.array("worker", e.worker, `"${dynamo[@]}"`)
		} else {
			s.array("worker", e.worker)
		}
	}
	return e
}

// share finds what the processes of a plan have in common, aiperf included.
func share(p plan.Plan) (e shared) {
	all := [][]string{p.Load.Env}
	var frontends, workers [][]string
	for _, svc := range p.Services {
		all = append(all, svc.Env)
		switch {
		case svc.Role.Worker():
			workers = append(workers, svc.Env)
		case svc.Role == plan.Frontend:
			frontends = append(frontends, svc.Env)
		}
	}
	e.common = inAll(all)
	if len(frontends) > 0 {
		e.dynamo = without(inAll(slices.Concat(frontends, workers)), e.common)
	}
	if len(workers) > 1 {
		e.worker = without(without(inAll(workers), e.common), e.dynamo)
	}
	return e
}

// array prints a variable of the script: words, then assignments.
func (s *script) array(name string, env []string, words ...string) {
	words = append([]string{name + "=("}, append(words, environment(env)...)...)
	s.b.WriteString(wrapped(s.depth, append(words, ")"), "") + "\n")
}

// inAll are the variables that every environment sets, to one value and only once: of two
// values the last one wins, so their order must stay. The GPUs of a worker stay with it.
func inAll(envs [][]string) []string {
	if len(envs) == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(envs[0]), func(kv string) bool {
		name, _, set := strings.Cut(kv, "=")
		for _, env := range envs {
			same := slices.DeleteFunc(slices.Clone(env), func(other string) bool {
				return other != name && !strings.HasPrefix(other, name+"=")
			})
			if len(same) != 1 || same[0] != kv {
				return true
			}
		}
		return !set || name == "CUDA_VISIBLE_DEVICES"
	})
}

package profile

import (
	"fmt"
	"strings"
)

func checkFrontend(p Profile) (found problems) {
	if p.Frontend == nil {
		return nil
	}
	if p.Engine == "vllm" {
		found.add("frontend", "engine vllm has no frontend: remove it, several workers need a balancer")
	}
	if p.Frontend.Router != "" && !routerPattern.matches(p.Frontend.Router) {
		found.add("frontend.router",
			"frontend.router must be a router mode such as round-robin or kv, not %.80q", p.Frontend.Router)
	}
	return found
}

// checkBalancer: a balancer spreads the load over workers that each serve HTTP
// on a port of their own; such workers need one as soon as they are several.
func checkBalancer(p Profile) (found problems) {
	serving := !p.Dynamo() || p.Engine == "mocker" && p.Frontend == nil
	if p.Load.Spread {
		checkSpread(&found, p, serving)
		return found
	}
	if p.Balancer == nil {
		if serving && len(p.Aggregated) > 1 {
			found.add("balancer",
				"%d aggregated workers of engine %s need a balancer: add %q, or let aiperf go round them: %q",
				len(p.Aggregated), p.Engine, "balancer: {port: 8000}", "load: {spread: true}")
		}
		if p.Frontend != nil && p.Engine != "vllm" {
			checkNoPorts(&found, p)
		}
		return found
	}
	switch {
	case p.Engine == "dynamo" || p.Mode() == "disaggregated":
		found.add("balancer",
			"a balancer is for aggregated workers of engine vllm, mocker or command: "+
				"here the frontend spreads the load")
		return found
	case p.Frontend != nil && p.Engine != "vllm":
		found.add("frontend",
			"frontend and balancer exclude each other: a balancer spreads the load over workers that each serve HTTP")
	}
	for _, w := range p.workers() {
		if w.Port == 0 {
			found.add(w.path+".port", "%s has no port: the balancer needs one for each worker", w.name)
		}
	}
	if config := p.Balancer.Config; isTemplatePath(config) && !strings.ContainsAny(config, "./") {
		found.add("balancer.config",
			"balancer.config must be guide, tuned or the path of a template, not %.80q", config)
	}
	return found
}

// checkSpread: aiperf goes round the servers itself, so there must be several of them and nothing before them.
func checkSpread(found *problems, p Profile, serving bool) {
	switch {
	case p.Balancer != nil:
		found.add("load.spread",
			"load.spread and balancer exclude each other: either aiperf or NGINX spreads the requests")
	case !serving:
		found.add("load.spread",
			"load.spread is for aggregated workers that each serve HTTP (engine vllm, or mockers with "+
				"a port): here the frontend spreads the load")
	case len(p.Aggregated) < 2:
		found.add("load.spread", "load.spread needs several servers: there is %d", len(p.Aggregated))
	}
}

// checkNoPorts: workers behind a Dynamo frontend serve no HTTP for the load.
func checkNoPorts(found *problems, p Profile) {
	for _, w := range p.workers() {
		if w.Port != 0 {
			found.add(w.path+".port", "%s: a worker behind a frontend has no port: remove it", w.name)
		}
	}
}

// checkPorts finds ports that are given twice on one machine.
func checkPorts(p Profile) (found problems) {
	taken := map[string]namedWorker{}
	for _, s := range p.servers() {
		key := fmt.Sprintf("%d on %s", s.Port, p.Machine(s.Host))
		first, clash := taken[key]
		switch {
		case s.Port == 0:
		case clash:
			found.clash(s.path+".port", first.path+".port", "%s and %s (%s) both have port %d: give each its own",
				s.name, first.name, firstLine, s.Port)
		default:
			taken[key] = s
		}
	}
	return found
}

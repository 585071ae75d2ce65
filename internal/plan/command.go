package plan

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"topobench/internal/profile"
)

// commandServers plans servers of engine command that take requests themselves.
func (b *builder) commandServers() {
	c := b.p.Command
	for i, w := range b.p.Aggregated {
		port := b.serverPort(i, w)
		s := Service{Name: fmt.Sprintf("%s-%d", Aggregated, i), Role: Aggregated, Host: w.Host, Wave: 1,
			Env: append(b.modelEnv(), pin(w)...), Devices: w.Devices, Options: engineOptions(b.arguments(w)),
			Ports: []Port{{Use: "http", Number: port}},
			Gate: Gate{Kind: GateServer, Address: at(b.address(w.Host), port), Path: c.Health, Models: c.Models,
				Model: b.plan.Model}}
		s.Argv = b.p.Line(w, b.bind(w.Host), port, logOf(s.Name))
		b.add(s, w.Env)
		if c.Requests != "" {
			b.plan.Smoke.Counters = append(b.plan.Smoke.Counters,
				Counter{Service: s.Name, URL: "http://" + s.Gate.Address + c.Metrics, Metric: c.Requests})
		} else {
			b.plan.Smoke.Uncounted = "the profile names no metric that counts requests (command.requests)"
		}
		b.backends = append(b.backends, s.Gate.Address)
		b.workers++
	}
}

// command completes a worker of engine command behind Dynamo's frontend. {port} is a port of its own beside the system
// port, such as that of SGLang's bootstrap server. A worker that is vLLM's takes its side channel from the environment.
func (b *builder) command(s *Service, w profile.Worker) {
	env, ports := b.gpuEnv(s.Env, s.Role, w)
	s.Env, s.Ports, s.Options = env, append(s.Ports, ports...), engineOptions(b.arguments(w))
	own := portBase(b.p) + offsetFrontend + b.workers
	s.Argv = b.p.Line(w, b.bind(w.Host), own, logOf(s.Name))
	if mentions(b.arguments(w), "{port}") {
		s.Ports = append(s.Ports, Port{Use: "own", Number: own})
	}
}

func mentions(args []string, word string) bool {
	return slices.ContainsFunc(args, func(arg string) bool { return strings.Contains(arg, word) })
}

// checkCommand finds a server that takes requests and may listen where no other host reaches it.
func (b *builder) checkCommand() {
	if b.p.Command == nil || b.p.Dynamo() {
		return
	}
	for _, w := range b.p.Aggregated {
		if b.far(w.Host) && !mentions(b.arguments(w), "{host}") && !b.bindsAll(w.Host) {
			b.fault("no argument of the command has {host}, the address that its server on %s must bind: add it, or "+
				"listen: 0.0.0.0 for that host if the server binds all addresses", w.Host)
			return
		}
	}
}

// arguments are those of a worker of engine command, with their placeholders.
func (b *builder) arguments(w profile.Worker) []string {
	return slices.Concat(b.p.Command.Argv, b.engineArgs(w))
}

// logOf is the log of a service before it has a place.
func logOf(service string) string { return filepath.Join(Unplaced().Dir, "logs", service+".log") }

// commandSettings adds the command line as the profile has it: its options have names of their own.
func (b *builder) commandSettings(all map[string]string) {
	if b.p.Command != nil {
		all["command"] = strings.Join(slices.Concat(b.p.Command.Argv, b.p.EngineArgs), " ")
	}
}

// commandName is what a command runs: the module or script of a Python, else the program.
func commandName(argv []string) string {
	python := strings.HasPrefix(filepath.Base(argv[0]), "python")
	switch i := slices.Index(argv, "-m"); {
	case python && i > 0 && i+1 < len(argv):
		return argv[i+1]
	case python && len(argv) > 1:
		return filepath.Base(argv[1])
	}
	return filepath.Base(argv[0])
}

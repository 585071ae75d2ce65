package plan

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Script prints plans as a bash script that does the same launches and loads by hand,
// one after the other: `bash SCRIPT launch` brings a topology up and holds it until
// Ctrl-C, `bash SCRIPT` also runs the load and takes it down. Of several topologies
// `bash SCRIPT NAME` takes one alone, and only so one of them is held: `bash SCRIPT
// NAME launch`. A plan over several hosts is run on each by its name, `bash SCRIPT
// node0`, and then `bash SCRIPT load`. Inherited variables are named, never printed.
func Script(w io.Writer, plans ...Plan) error {
	s := &script{}
	s.line("#!/usr/bin/env bash")
	for _, p := range plans {
		s.head(p)
	}
	s.prologue(plans)
	if len(plans) > 1 {
		s.choose(plans)
	}
	for _, p := range plans {
		if len(plans) == 1 {
			s.topology(p)
			continue
		}
		s.line("\n# ==== %s ====", p.Name)
		s.line("if [ -z \"$only\" ] || [ \"$only\" = %s ]; then", Quote(p.Name))
		s.topology(p)
		s.line("fi")
	}
	if s.err != nil {
		return s.err
	}
	_, err := io.WriteString(w, s.b.String())
	return err
}

type script struct {
	b   strings.Builder
	of  string // before the arguments of a topology, in a line of usage
	err error
}

func (s *script) line(format string, args ...any) { fmt.Fprintf(&s.b, format+"\n", args...) }

func (s *script) head(p Plan) {
	s.line("# %s: %s, %d GPUs, %s", p.Name, p.Deployment.Label(), p.GPUs, p.Engine)
	for _, d := range p.Deviations {
		s.line("# differs from the guide (%s): %s -> %s", d.ID, d.Guide, d.Done)
	}
}

// choose reads which of several topologies is meant. Without a name it is all of
// them, unless one is over several hosts, which are told apart by an argument.
func (s *script) choose(plans []Plan) {
	var names []string
	for _, p := range plans {
		names = append(names, p.Name)
	}
	which := strings.Join(names, "|")
	s.of = "NAME "
	s.line("\n# Several topologies: one after the other, or by its name one alone.\nonly=${1:-}")
	if slices.ContainsFunc(plans, over) {
		s.accept("$only", which, "NAME ..., which is one of "+which)
	} else {
		s.accept("$only", `""|`+which, "[NAME [launch]], where NAME is one of "+which)
	}
	s.line("if [ $# -gt 0 ]; then shift; fi")
}

// accept refuses arguments that fit no pattern.
func (s *script) accept(word, pattern, usage string) {
	s.line("case \"%s\" in %s) ;; *) echo \"usage: bash $0 %s\" >&2; exit 2;; esac", word, pattern, usage)
}

// topology is the part of one plan. When it has ended, nothing of it runs any more.
func (s *script) topology(p Plan) {
	if over(p) {
		s.hosts(p)
	} else {
		s.accept("${1:-}", `""|launch`, strings.TrimSpace(s.of+"[launch]"))
		s.files(p)
		s.launch(p)
	}
	s.load(p)
	s.line("stop\necho \"down: %s\"", p.Name)
}

func (s *script) launch(p Plan) {
	for _, svc := range p.External {
		s.await(svc)
	}
	s.waves(p, "")
	s.line("\necho \"up: load goes to %s\"", strings.Join(p.Load.URLs, " "))
	s.line("if [ \"${1:-}\" = launch ]; then while :; do sleep 1; done; fi")
}

// waves starts the services of a host. It waits for those of all hosts.
func (s *script) waves(p Plan, host string) {
	for _, wave := range Waves(p.Services) {
		for _, svc := range wave {
			if svc.Host == host {
				s.start(svc)
			}
		}
		s.line("")
		for _, svc := range wave {
			s.await(svc)
		}
	}
}

func (s *script) start(svc Service) {
	s.line("\n# %s", svc.Name)
	if len(svc.Check) > 0 {
		s.line("%s", quoteAll(svc.Check))
	}
	s.line("start %s %s %s%s", word(svc.Log), quoteEnv(ofAllHosts(svc)), nicely(svc), quoteAll(svc.Argv))
}

// ofAllHosts is a service's environment. On each host the script is called by
// itself, and the workers on all of them are to find each other.
func ofAllHosts(svc Service) []string {
	if svc.Host == "" {
		return svc.Env
	}
	env := slices.Clone(svc.Env)
	for i, kv := range env {
		if strings.HasPrefix(kv, "DYN_NAMESPACE=") {
			env[i] = strings.ReplaceAll(kv, Call, "hosts")
		}
	}
	return env
}

// hosts has a block of lines for each host. In which order they are started does
// not matter: each waits for what it needs of the others.
func (s *script) hosts(p Plan) {
	var names []string
	for _, h := range p.Hosts {
		names = append(names, h.Name)
	}
	s.line("\n# Several hosts: this file is run on each by its name, then anywhere with load.")
	which := strings.Join(names, "|") + "|load"
	s.accept("${1:-}", which, s.of+which)
	s.line("if [ \"$1\" != load ]; then")
	s.files(p)
	s.line("fi")
	for _, h := range p.Hosts {
		s.line("\n# ==== on %s, %s ====", h.Name, h.Address)
		s.line("if [ \"$1\" = %s ]; then", h.Name)
		for _, svc := range p.External {
			s.await(svc)
		}
		s.waves(p, h.Name)
		s.line("echo \"up: load goes to %s\"\nwhile :; do sleep 1; done\nfi", strings.Join(p.Load.URLs, " "))
	}
}

func (s *script) await(svc Service) {
	for _, test := range gateTests(svc.Gate) {
		s.line("until_true %s %s", Quote(svc.Name), test)
	}
}

func nicely(svc Service) string {
	if svc.Nice == 0 {
		return ""
	}
	return fmt.Sprintf("nice -n %d ", svc.Nice)
}

// gateTests are a gate's conditions as calls of the prologue's functions.
func gateTests(g Gate) []string {
	url := "http://" + g.Address
	switch g.Kind {
	case GateHTTP:
		return []string{"answers " + Quote(url+g.Path)}
	case GateListens:
		host, port, _ := strings.Cut(g.Address, ":")
		return []string{"listens " + host + " " + port}
	case GateWorker:
		return []string{"says " + url + `/health '"generate":"ready"'`}
	case GateVLLM:
		return []string{"answers " + url + "/health", "says " + url + "/v1/models " + Quote(g.Model)}
	case GateFrontend:
		return append(frontendTests(g, url), "says "+url+"/v1/models "+Quote(`"id":"`+g.Model+`"`))
	}
	return nil
}

func frontendTests(g Gate, url string) []string {
	var tests []string
	for _, c := range []struct {
		component string
		n         int
	}{{"prefill", g.Prefill}, {"backend", g.Decode + g.Aggregate}} {
		if c.n > 0 {
			tests = append(tests, fmt.Sprintf(`counts %s/health '"component":"%s","endpoint":"generate"' %d`, url, c.component, c.n))
		}
	}
	return tests
}

// Waves splits services where the wave number changes.
func Waves(services []Service) [][]Service {
	var waves [][]Service
	for i, s := range services {
		if i == 0 || s.Wave != services[i-1].Wave {
			waves = append(waves, nil)
		}
		waves[len(waves)-1] = append(waves[len(waves)-1], s)
	}
	return waves
}

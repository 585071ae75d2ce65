package script

import (
	"cmp"
	"fmt"
	"net"
	"strings"

	"topobench/internal/plan"
	"topobench/internal/text"
)

// files makes the plan's directories on a host and writes its files. The first directory must be new.
func (s *script) files(p plan.Plan, host string) {
	dirs := p.Dirs
	for _, h := range p.Hosts {
		if h.Name == host {
			dirs = h.Dirs
		}
	}
	s.line("")
	s.line("mkdir -p \"${dir%%/*}\"")
	s.line("mkdir \"$dir\"")
	s.line("echo \"logs: $dir/logs\"")
	s.command(append([]string{"mkdir -p"}, text.Each(dirs[1:], word)...)...)
	for _, f := range p.Files {
		if f.Host == host {
			s.heredoc(f)
		}
	}
}

// heredoc writes a file byte for byte. The end mark is one that the text lacks; a text
// without a newline at its end cannot be a here-document.
func (s *script) heredoc(f plan.File) {
	if !strings.HasSuffix(f.Text, "\n") {
		s.line("printf %%s %s >%s", word(f.Text), word(f.Path))
		return
	}
	mark := "END-OF-FILE"
	for strings.Contains(f.Text, mark) {
		mark += "-"
	}
	s.line("cat >%s <<%s", word(f.Path), mark)
	s.b.WriteString(expanded(f.Text) + mark + "\n")
}

func (s *script) launch(p plan.Plan, e shared) {
	s.waves(p, "", e)
	s.line("if [ \"${1:-}\" = launch ]; then while :; do sleep 1; done; fi")
}

// waves starts the services of a host. It waits for those of all hosts, and for external ones before all.
func (s *script) waves(p plan.Plan, host string, e shared) {
	for _, svc := range p.External {
		s.await(svc)
	}
	for _, wave := range plan.Waves(p.Services) {
		for _, svc := range wave {
			if svc.Host == host {
				s.start(svc, e)
			}
		}
		s.section("Wait until they are ready.")
		for _, svc := range wave {
			s.await(svc)
		}
	}
	s.line("")
	s.line("echo %s", word("up: load goes to "+strings.Join(p.Load.URLs, " ")))
}

// start prints the command of a service: its own variables, then, from a new line on, its arguments.
func (s *script) start(svc plan.Service, e shared) {
	s.section("%s%s", svc.Name, devices(svc))
	if len(svc.Check) > 0 {
		s.command(units(svc.Check)...)
	}
	words := []string{"start " + word(svc.Name)}
	array, own := e.of(svc)
	removed, set := removals(own)
	words = append(words, removed...)
	if array != "" {
		words = append(words, array)
	}
	words = append(append(words, environment(set)...), newLine)
	if svc.Nice != 0 {
		words = append(words, fmt.Sprintf("nice -n %d", svc.Nice))
	}
	s.command(append(words, units(svc.Argv)...)...)
}

func devices(svc plan.Service) string {
	switch len(svc.Devices) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf(", on GPU %d", svc.Devices[0])
	}
	return ", on GPUs " + strings.Trim(strings.ReplaceAll(fmt.Sprint(svc.Devices), " ", ","), "[]")
}

// hosts has a block of lines for each host. They may be started in any order: each waits
// for the services of the others that it requires.
func (s *script) hosts(p plan.Plan, e shared) {
	s.section("Several hosts: run this file on each by its name, then anywhere with \"load\".")
	which := strings.Join(text.Each(p.Hosts, func(h plan.Host) string { return h.Name }), "|") + "|load"
	s.accept("${1:-}", which, s.of+which)
	for _, h := range p.Hosts {
		s.section("==== on %s, %s ====", h.Name, h.Address)
		s.line("if [ \"$1\" = %s ]; then", word(h.Name))
		s.depth++
		s.files(p, h.Name)
		s.waves(p, h.Name, e)
		s.line("while :; do sleep 1; done")
		s.depth--
		s.line("fi")
	}
}

// await prints the conditions of a service's gate as calls of the helpers.
func (s *script) await(svc plan.Service) {
	g := svc.Gate
	url := "http://" + g.Address
	wait := func(words ...string) {
		s.command(append([]string{"wait_for " + word(svc.Name)}, words...)...)
	}
	switch g.Kind {
	case plan.GateHTTP:
		wait("responds", word(url+g.Path))
	case plan.GateListens:
		host, port, _ := net.SplitHostPort(g.Address) // made by JoinHostPort
		wait("listens", host, port)
	case plan.GateWorker:
		wait("contains", url+"/health", `'"generate":"ready"'`)
	case plan.GateVLLM, plan.GateServer:
		wait("responds", word(url+cmp.Or(g.Path, "/health")))
		wait("contains", word(url+cmp.Or(g.Models, "/v1/models")), word(g.Model))
	case plan.GateFrontend:
		if g.Prefill > 0 {
			wait("has_instances", url+"/health", word(g.Namespace), "prefill", fmt.Sprint(g.Prefill))
		}
		if n := g.Decode + g.Aggregate; n > 0 {
			wait("has_instances", url+"/health", word(g.Namespace), "backend", fmt.Sprint(n))
		}
		wait("contains", url+"/v1/models", word(`"id":"`+g.Model+`"`))
	}
}

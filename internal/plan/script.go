package plan

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// Script prints the plan as a bash script that does the same launch and load by
// hand: `bash SCRIPT launch` brings the topology up and holds it until Ctrl-C,
// `bash SCRIPT` also runs the load. A plan over several hosts is run on each by
// its name, `bash SCRIPT node0`, and then `bash SCRIPT load`. Inherited variables
// are named, never printed.
func Script(w io.Writer, p Plan) error {
	s := &script{}
	s.head(p)
	s.files(p)
	if len(p.Hosts) > 0 {
		s.hosts(p)
	} else {
		s.launch(p)
	}
	s.load(p)
	_, err := io.WriteString(w, s.b.String())
	return err
}

type script struct{ b strings.Builder }

func (s *script) line(format string, args ...any) { fmt.Fprintf(&s.b, format+"\n", args...) }

func (s *script) head(p Plan) {
	s.line("#!/usr/bin/env bash")
	s.line("# %s: %s, %d GPUs, %s", p.Name, p.Label(), p.GPUs, p.Engine)
	for _, d := range p.Deviations {
		s.line("# differs from the guide (%s): %s -> %s", d.ID, d.Guide, d.Done)
	}
	s.b.WriteString(prologue)
	s.line("inherited=()")
	s.line("for name in %s; do if [ -n \"${!name+set}\" ]; then inherited+=(\"$name=${!name}\"); fi; done", strings.Join(p.Inherit, " "))
}

// prologue defines what the lines below use. stop goes backwards through the
// services, so that etcd and NATS, started first, end last.
const prologue = `set -euo pipefail
umask 077
pids=()
stop() {
  trap - EXIT
  for ((i=${#pids[@]}-1; i>=0; i--)); do kill "${pids[i]}" 2>/dev/null || true; done
  wait
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
start() { local log=$1; shift; env -i "${inherited[@]}" env "$@" >>"$log" 2>&1 & pids+=($!); }
until_true() {
  local what=$1; shift
  until "$@" >/dev/null 2>&1; do
    for pid in "${pids[@]}"; do kill -0 "$pid" 2>/dev/null || { echo "a process died while waiting for $what: see the logs" >&2; exit 1; }; done
    sleep 0.2
  done
  echo "ready: $what"
}
answers() { curl -fsS --noproxy '*' "$1"; }
says() { curl -sS --noproxy '*' "$1" | grep -F -- "$2"; }
counts() { [ "$(curl -sS --noproxy '*' "$1" | grep -oF -- "$2" | wc -l)" -eq "$3" ]; }
listens() { (exec 3<>"/dev/tcp/$1/$2"); }
`

func (s *script) files(p Plan) {
	s.line("\n# Directories and files.")
	for _, dir := range p.Dirs {
		s.line("mkdir -p %s", Quote(dir))
	}
	files := p.Files
	if config, err := json.MarshalIndent(p.Deployment, "", "  "); err == nil && p.Load.Artifacts != "" {
		s.line("mkdir -p %s", Quote(p.Load.Artifacts))
		files = append(slices.Clone(files), File{Path: filepath.Join(p.Load.Artifacts, "deployment_config.json"), Text: string(config) + "\n"})
	}
	for _, f := range files {
		s.heredoc(f)
	}
}

// heredoc writes a file byte for byte. The end mark is one that the text lacks;
// what does not end in a newline cannot be a here-document.
func (s *script) heredoc(f File) {
	if !strings.HasSuffix(f.Text, "\n") {
		s.line("printf %%s %s >%s", Quote(f.Text), Quote(f.Path))
		return
	}
	mark := "END-OF-FILE"
	for strings.Contains(f.Text, mark) {
		mark += "-"
	}
	s.line("cat >%s <<'%s'\n%s%s", Quote(f.Path), mark, f.Text, mark)
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
	s.line("start %s %s %s%s", Quote(svc.Log), quoteEnv(svc.Env), nicely(svc), quoteAll(svc.Argv))
}

// hosts has a block of lines for each host. In which order they are started does
// not matter: each waits for what it needs of the others.
func (s *script) hosts(p Plan) {
	var names []string
	for _, h := range p.Hosts {
		names = append(names, h.Name)
	}
	s.line("\n# Several hosts: this file is run on each by its name, then anywhere with load.")
	s.line("case \"${1:-}\" in %s|load) ;; *) echo \"usage: bash $0 %s|load\" >&2; exit 2;; esac", strings.Join(names, "|"), strings.Join(names, "|"))
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

func (s *script) load(p Plan) {
	l := p.Load
	s.line("\n# perf.sh's load.")
	if l.NVExt && p.Engine != "vllm" {
		s.line("# Dynamo 1.3 and newer answer nvext with 400: leave that argument out there.")
	}
	for _, c := range l.Concurrency {
		s.line(`env -i "${inherited[@]}" env %s %s`, quoteEnv(l.Env), quoteAll(l.Argv(c, CellDir(l.Artifacts, c))))
	}
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

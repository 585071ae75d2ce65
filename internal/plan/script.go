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
// `bash SCRIPT` also runs the load. Inherited variables are named, never printed.
func Script(w io.Writer, p Plan) error {
	s := &script{}
	s.head(p)
	s.files(p)
	s.launch(p)
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
	for _, wave := range Waves(p.Services) {
		for _, svc := range wave {
			s.line("\n# %s", svc.Name)
			if len(svc.Check) > 0 {
				s.line("%s", quoteAll(svc.Check))
			}
			s.line("start %s %s %s%s", Quote(svc.Log), quoteEnv(svc.Env), nicely(svc), quoteAll(svc.Argv))
		}
		s.line("")
		for _, svc := range wave {
			s.await(svc)
		}
	}
	s.line("\necho \"up: load goes to %s\"", p.Load.URL)
	s.line("if [ \"${1:-}\" = launch ]; then while :; do sleep 1; done; fi")
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

package plan

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"time"

	"topobench/internal/aiperf"
)

// freeIndex stands in a path for the first index that no artifacts directory has when the load
// begins: what was measured before is never written over.
const freeIndex = "@FREE@"

// load is perf.sh: deployment_config.json, then one aiperf run for each concurrency.
func (s *script) load(p Plan) {
	l := p.Load
	root := filepath.Dir(l.Artifacts)
	l.Artifacts = filepath.Join(root, "artifacts_"+freeIndex)
	s.line("\n# perf.sh's load, into a new directory.")
	s.line("free=0\nwhile [ -e %s ]; do free=$((free + 1)); done", word(l.Artifacts))
	s.line("mkdir -p %s\nmkdir %s\necho results: %s", word(root), word(l.Artifacts), word(l.Artifacts))
	config, err := json.MarshalIndent(p.Deployment, "", "  ")
	s.err = errors.Join(s.err, err)
	s.heredoc(File{Path: filepath.Join(l.Artifacts, "deployment_config.json"), Text: string(config) + "\n"})
	refusable := quoteAll([]string{"--extra-inputs", aiperf.ExtraNVExt})
	if l.NVExt {
		s.ask(p, refusable)
	}
	for _, c := range l.Concurrency {
		argv := strings.Replace(quoteAll(l.Argv(c, aiperf.CellDir(l.Artifacts, c))), refusable, `"${nvext[@]}"`, 1)
		s.line(`env -i "${inherited[@]}" env %s %s </dev/null`, quoteEnv(l.Env), argv)
	}
}

// ask has the script leave out perf.sh's nvext where the server refuses it, as a run
// does: HTTP 400 to the load's own body, and 200 to the one without.
func (s *script) ask(p Plan, refusable string) {
	url := word(p.Smoke.URLs[0])
	s.line("nvext=(%s)", refusable)
	s.line("serves %s %s %d", url, s.body(p.Load, false), p.Smoke.Patience/time.Second)
	s.line("complete %s %s", url, s.body(p.Load, true))
	s.line("if [ \"$code\" = 400 ]; then\n  nvext=()")
	s.line("  echo \"the load leaves out nvext.ignore_eos, which the server refuses (HTTP 400): $answer\"\nfi")
}

// body is a short request with all that the load's requests ask for.
func (s *script) body(l aiperf.Load, nvext bool) string {
	l.NVExt = nvext
	text, err := l.Body("Hello")
	s.err = errors.Join(s.err, err)
	return word(string(text))
}

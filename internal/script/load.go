package script

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/plan"
)

// load is perf.sh: deployment_config.json, then aiperf at each concurrency.
func (s *script) load(p plan.Plan, e shared) {
	l := p.Load
	s.section("perf.sh: measure at each concurrency, into a new artifacts directory.")
	s.line("free=0")
	s.line("while [ -e \"$root/artifacts_$free\" ]; do free=$((free + 1)); done")
	s.line("results=$root/artifacts_$free")
	s.line("mkdir -p \"$root\"")
	s.line("mkdir \"$results\"")
	s.line("echo \"results: $results\"")
	config, err := json.MarshalIndent(p.Deployment, "", "  ")
	s.err = errors.Join(s.err, err)
	s.heredoc(plan.File{Path: l.Artifacts + "/deployment_config.json", Text: string(config) + "\n"})
	refusable := []string{"--extra-inputs", aiperf.ExtraNVExt}
	if l.NVExt {
		s.probe(p, quoteAll(refusable))
	}
	s.line("for c in %s; do", strings.Trim(fmt.Sprint(l.Concurrency), "[]"))
	s.depth++
	removed, set := removals(without(l.Env, e.common))
	words := slices.Concat([]string{`env "${drop[@]}"`}, removed, []string{`"${common[@]}"`}, environment(set))
	words = append(words, newLine)
	cell := strings.TrimSuffix(artifacts.Artifacts{Path: l.Artifacts}.Cell(0), "0") + mark("c")
	for _, unit := range units(l.Command(level(l), cell)) {
		if l.NVExt && unit == quoteAll(refusable) {
			unit = `"${nvext[@]}"`
		}
		words = append(words, unit)
	}
	s.command(append(words, "</dev/null")...)
	s.depth--
	s.line("done")
	s.line("")
	s.line("plot \"$root\"")
}

// removals splits variables into options of env(1), which precede assignments, for the names that are not inherited,
// and the assignments.
func removals(env []string) (options, assignments []string) {
	for _, kv := range env {
		if strings.Contains(kv, "=") {
			assignments = append(assignments, kv)
		} else {
			options = append(options, "-u "+quote(kv))
		}
	}
	return options, assignments
}

// level is the arguments of a cell as expressions of $c.
func level(l aiperf.Load) aiperf.Level {
	times := l.Level(1) // every number of a cell but the seed is a multiple of its concurrency
	product := func(n string) string { return mark(n + " * c") }
	at := aiperf.Level{Concurrency: mark("c"), Requests: product(times.Requests), Warmup: product(times.Warmup),
		Entries: product(times.Entries), Seed: fmt.Sprint(l.Seed)}
	if l.FreshPrompts {
		at.Seed = mark(at.Seed + " + c")
	}
	return at
}

// probe leaves out perf.sh's nvext where the server refuses it, as a run does: HTTP 400 to
// the load's own body, and 200 to the one without.
func (s *script) probe(p plan.Plan, refusable string) {
	url := word(p.Smoke.URLs[0])
	s.section("A first request. Some versions of Dynamo refuse perf.sh's nvext: it is left out then.")
	s.line("nvext=(%s)", refusable)
	patience := p.Smoke.Patience
	if multiHost(p) { // no gate was awaited: the servers are brought up meanwhile
		patience = p.Smoke.Deadline
	}
	s.command("wait_served", url, fmt.Sprint(int(patience/time.Second)), s.body(p.Load, false))
	s.command("request", url, s.body(p.Load, true))
	s.line("if [ \"$code\" = 400 ]; then")
	s.line("  nvext=()")
	s.line("  echo \"the load leaves out nvext.ignore_eos, which the server refuses (HTTP 400): $answer\"")
	s.line("fi")
	s.line("")
}

// body is a short request with all fields of the load's requests.
func (s *script) body(l aiperf.Load, nvext bool) string {
	l.NVExt = nvext
	text, err := l.Body("Hello")
	s.err = errors.Join(s.err, err)
	return word(string(text))
}

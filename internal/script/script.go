// Package script prints plans as a bash script that a person can read, and run by hand.
//
// `bash SCRIPT` brings each topology up, measures it and takes it down, one after the
// other, as a run does; `bash SCRIPT launch` only brings it up and holds it until Ctrl-C.
// With several topologies `bash SCRIPT NAME` takes one of them, and `bash SCRIPT NAME
// launch` holds it. A plan over several hosts is run on each by its name, `bash SCRIPT
// node0`, and then `bash SCRIPT load`.
package script

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/plan"
)

// Places are the directories that a script writes to.
type Places struct {
	Root  string // of artifacts_N
	State string // of logs and data: each call of the script makes a directory of its own there
	Temp  string // TMPDIR of the children
}

// cookie marks the processes of a script. It is not that of a run, and a script writes into
// no run's directory: the next run would kill its processes as leftovers of that run.
const cookie = "by-hand"

// Placement is a topology's launch by hand, with a word in place of the one that each call
// of the script makes up.
func (at Places) Placement(topology, call string) plan.Placement {
	name := topology + "-" + call
	return plan.Placement{Dir: filepath.Join(at.State, name), Temp: at.Temp, Cookie: cookie,
		Namespace: plan.Namespace(cookie, name)}
}

// Write prints the script of plans that have no placement yet (plan.Unplaced). Inherited
// variables are named in it, never their values.
func Write(w io.Writer, at Places, plans ...plan.Plan) error {
	s := &script{at: at}
	plans = slices.Clone(plans)
	for i, p := range plans {
		var err error
		if plans[i], err = at.byHand(p); err != nil {
			return err
		}
	}
	s.header(plans)
	s.line("main() {")
	s.depth++
	if len(plans) > 1 {
		s.choose(plans)
	}
	for _, p := range plans {
		s.line("# ==== %s ====", p.Name)
		if len(plans) == 1 {
			s.topology(p)
			continue
		}
		s.line("if [ -z \"$only\" ] || [ \"$only\" = %s ]; then", quote(p.Name))
		s.depth++
		s.topology(p)
		s.depth--
		s.line("fi")
		s.line("")
	}
	s.depth--
	s.line("}")
	s.b.WriteString(helpers)
	s.line("main \"$@\"")
	if s.err != nil {
		return s.err
	}
	_, err := io.WriteString(w, s.b.String())
	return err
}

// byHand gives a plan the names and TMPDIR of a script. Its directories and its namespace
// stay marks, which become variables.
func (at Places) byHand(p plan.Plan) (plan.Plan, error) {
	if _, err := p.At(at.Placement(p.Name, "call")); err != nil {
		return p, err
	}
	places := plan.Unplaced()
	places.Temp, places.Cookie = at.Temp, cookie
	return p.At(places)
}

type script struct {
	at    Places
	b     strings.Builder
	depth int    // of indentation
	of    string // precedes the arguments of a topology in a line of usage
	err   error
}

// line appends a line, indented.
func (s *script) line(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if text != "" {
		text = strings.Repeat("  ", s.depth) + text
	}
	s.b.WriteString(text + "\n")
}

// command appends words, wrapped at 100 characters.
func (s *script) command(words ...string) {
	s.b.WriteString(wrapped(s.depth, words, " \\") + "\n")
}

// header describes the plans and holds what all topologies share.
func (s *script) header(plans []plan.Plan) {
	s.line("#!/usr/bin/env bash")
	for _, p := range plans {
		s.line("# %s: %s, %d GPUs, engine %s", p.Name, p.Label(), p.GPUs, p.Engine)
	}
	if len(plans) == 1 && !multiHost(plans[0]) {
		s.line("#")
		s.line("# bash FILE          brings it up, measures it, plots, and takes it down")
		s.line("# bash FILE launch   only brings it up, and holds it until Ctrl-C")
	}
	shared := plans[0].Deviations
	for _, p := range plans[1:] {
		shared = slices.DeleteFunc(slices.Clone(shared), func(d plan.Deviation) bool { return !slices.Contains(p.Deviations, d) })
	}
	s.deviations("Differences from the guide:", shared)
	for _, p := range plans {
		own := slices.DeleteFunc(slices.Clone(p.Deviations), func(d plan.Deviation) bool { return slices.Contains(shared, d) })
		s.deviations("Differences of "+p.Name+":", own)
	}
	grace := time.Second
	for _, p := range plans {
		for _, svc := range p.Services {
			grace = max(grace, svc.Grace)
		}
	}
	s.line("set -euo pipefail")
	s.line("umask 077")
	s.line("call=$(date +%%y%%m%%d-%%H%%M%%S)-$$ # in the names of what this call makes")
	s.line("grace=%d # seconds between SIGTERM and SIGKILL", grace/time.Second)
	s.line("root=%s # results are written to $root/artifacts_N", word(s.at.Root))
	s.line("# The only variables that processes receive from the caller.")
	s.array("inherit", nil, plans[0].Inherit...)
	s.line("")
}

func (s *script) deviations(title string, rows []plan.Deviation) {
	if len(rows) == 0 {
		return
	}
	s.line("#")
	s.line("# %s", title)
	for _, d := range rows {
		for i, line := range folded(d.ID+": "+d.Guide+" -> "+d.Done, 92) {
			s.line("# %s%s", map[bool]string{true: "- ", false: "  "}[i == 0], line)
		}
	}
}

// choose reads which of several topologies is meant. Without a name it is all of them,
// unless one spans several hosts, which have an argument of their own.
func (s *script) choose(plans []plan.Plan) {
	var names []string
	for _, p := range plans {
		names = append(names, p.Name)
	}
	which := strings.Join(names, "|")
	s.of = "NAME "
	s.line("# Several topologies: one after the other, or one alone by its name.")
	s.line("only=${1:-}")
	if slices.ContainsFunc(plans, multiHost) {
		s.accept("$only", which, "NAME ..., which is one of "+which)
	} else {
		s.accept("$only", `""|`+which, "[NAME [launch]], where NAME is one of "+which)
	}
	s.line("if [ $# -gt 0 ]; then shift; fi")
	s.line("")
}

// accept refuses arguments that fit no pattern.
func (s *script) accept(word, pattern, usage string) {
	s.line("case \"%s\" in", word)
	s.line("  %s) ;;", pattern)
	s.line("  *) echo \"usage: bash $0 %s\" >&2; exit 2 ;;", usage)
	s.line("esac")
}

func multiHost(p plan.Plan) bool { return len(p.Hosts) > 0 }

// topology is the part of one plan. At its end nothing that it started is running.
func (s *script) topology(p plan.Plan) {
	env := s.settings(p)
	if multiHost(p) {
		s.hosts(p, env)
	} else {
		s.accept("${1:-}", `""|launch`, strings.TrimSpace(s.of+"[launch]"))
		s.files(p)
		s.launch(p, env)
	}
	s.load(p, env)
	s.line("stop")
	s.line("echo %s", word("down: "+p.Name))
}

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

// files makes the plan's directories and writes its files. The first directory must be new.
func (s *script) files(p plan.Plan) {
	s.line("")
	s.line("mkdir -p \"${dir%%/*}\"")
	s.line("mkdir \"$dir\"")
	s.line("echo \"logs: $dir/logs\"")
	var below []string
	for _, dir := range p.Dirs[1:] {
		below = append(below, word(dir))
	}
	s.command(append([]string{"mkdir -p"}, below...)...)
	for _, f := range p.Files {
		s.heredoc(f)
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
	for _, svc := range p.External {
		s.await(svc)
	}
	s.waves(p, "", e)
	s.up(p)
	s.line("if [ \"${1:-}\" = launch ]; then while :; do sleep 1; done; fi")
}

func (s *script) up(p plan.Plan) {
	s.line("")
	s.line("echo %s", word("up: load goes to "+strings.Join(p.Load.URLs, " ")))
}

// waves starts the services of a host. It waits for those of all hosts.
func (s *script) waves(p plan.Plan, host string, e shared) {
	for _, wave := range plan.Waves(p.Services) {
		for _, svc := range wave {
			if svc.Host == host {
				s.start(svc, e)
			}
		}
		s.line("")
		s.line("# Wait until they are ready.")
		for _, svc := range wave {
			s.await(svc)
		}
	}
}

// start prints the command of a service: its own variables, then, from a new line on, its
// arguments.
func (s *script) start(svc plan.Service, e shared) {
	s.line("")
	s.line("# %s%s", svc.Name, devices(svc))
	if len(svc.Check) > 0 {
		s.command(units(svc.Check)...)
	}
	words := []string{"start " + word(svc.Name)}
	array, own := e.of(svc)
	if array != "" {
		words = append(words, array)
	}
	words = append(append(words, environment(own)...), newLine)
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
	var names []string
	for _, h := range p.Hosts {
		names = append(names, h.Name)
	}
	s.line("")
	s.line("# Several hosts: run this file on each by its name, then anywhere with \"load\".")
	which := strings.Join(names, "|") + "|load"
	s.accept("${1:-}", which, s.of+which)
	s.line("if [ \"$1\" != load ]; then")
	s.depth++
	s.files(p)
	s.depth--
	s.line("fi")
	for _, h := range p.Hosts {
		s.line("")
		s.line("# ==== on %s, %s ====", h.Name, h.Address)
		s.line("if [ \"$1\" = %s ]; then", word(h.Name))
		s.depth++
		for _, svc := range p.External {
			s.await(svc)
		}
		s.waves(p, h.Name, e)
		s.up(p)
		s.line("while :; do sleep 1; done")
		s.depth--
		s.line("fi")
	}
}

// load is perf.sh: deployment_config.json, then aiperf at each concurrency.
func (s *script) load(p plan.Plan, e shared) {
	l := p.Load
	s.line("")
	s.line("# perf.sh: measure at each concurrency, into a new artifacts directory.")
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
	levels := make([]string, len(l.Concurrency))
	for i, c := range l.Concurrency {
		levels[i] = fmt.Sprint(c)
	}
	s.line("for c in %s; do", strings.Join(levels, " "))
	s.depth++
	// A name that is not inherited is an option of env, and options precede assignments.
	words := []string{`env -i "${inherited[@]}" env`}
	own := without(l.Env, e.common)
	for _, kv := range own {
		if !strings.Contains(kv, "=") {
			words = append(words, "-u "+quote(kv))
		}
	}
	words = append(words, `"${common[@]}"`)
	words = append(words, environment(slices.DeleteFunc(own, func(kv string) bool { return !strings.Contains(kv, "=") }))...)
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
	s.line("plot \"$root\"")
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
	s.line("")
	s.line("# A first request. Some versions of Dynamo refuse perf.sh's nvext: it is left out then.")
	s.line("nvext=(%s)", refusable)
	s.command("wait_served", url, fmt.Sprint(int(p.Smoke.Patience/time.Second)), s.body(p.Load, false))
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
		host, port, _ := strings.Cut(g.Address, ":")
		wait("listens", host, port)
	case plan.GateWorker:
		wait("contains", url+"/health", `'"generate":"ready"'`)
	case plan.GateVLLM:
		wait("responds", url+"/health")
		wait("contains", url+"/v1/models", word(g.Model))
	case plan.GateFrontend:
		if g.Prefill > 0 {
			wait("has_instances", url+"/health", "prefill", fmt.Sprint(g.Prefill))
		}
		if n := g.Decode + g.Aggregate; n > 0 {
			wait("has_instances", url+"/health", "backend", fmt.Sprint(n))
		}
		wait("contains", url+"/v1/models", word(`"id":"`+g.Model+`"`))
	}
}

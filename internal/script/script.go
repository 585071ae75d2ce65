// Package script prints plans as a bash script that a person can read, and run by hand.
//
// `bash SCRIPT` brings each topology up, measures it and takes it down, one after the other, as a run does; `bash
// SCRIPT launch` only brings it up and holds it until Ctrl-C. With several topologies `bash SCRIPT NAME` takes one of
// them, and `bash SCRIPT NAME launch` holds it. A plan over several hosts is run on each by its name, `bash SCRIPT
// node0`, and then `bash SCRIPT load`.
package script

import (
	_ "embed"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"topobench/internal/plan"
	"topobench/internal/text"
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

// Placement is a topology's launch by hand, with a word in place of the one that each call of the script makes up.
func (at Places) Placement(topology, call string) plan.Placement {
	name := topology + "-" + call
	return plan.Placement{Dir: filepath.Join(at.State, name), Temp: at.Temp, Cookie: cookie,
		Namespace: plan.Namespace(cookie, name)}
}

// Write prints the script of plans that have no placement yet (plan.Unplaced). It has no value
// of the caller's variables: a script inherits from the shell that calls it.
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
	if _, err := p.At(at.Placement(p.Name, "call"), nil); err != nil {
		return p, err
	}
	places := plan.Unplaced()
	places.Data = places.Dir
	places.Temp, places.Cookie = at.Temp, cookie
	return p.At(places, nil)
}

// helpers are the functions that a script calls, and its traps.
//
//go:embed helpers.sh
var helpers string

type script struct {
	at    Places
	b     strings.Builder
	depth int    // of indentation
	of    string // precedes the arguments of a topology in a line of usage
	err   error
}

// line appends a line, indented.
func (s *script) line(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	if line != "" {
		line = strings.Repeat("  ", s.depth) + line
	}
	s.b.WriteString(line + "\n")
}

// section appends an empty line and a comment.
func (s *script) section(format string, args ...any) {
	s.line("")
	s.line("# "+format, args...)
}

// command appends words, wrapped at 100 characters.
func (s *script) command(words ...string) {
	s.b.WriteString(wrapped(s.depth, words, " \\") + "\n")
}

// header describes the plans and holds what all topologies share.
func (s *script) header(plans []plan.Plan) {
	s.line("#!/usr/bin/env bash")
	for _, p := range plans {
		s.line("# %s: %s, %s, engine %s", p.Name, p.Deployment.Label(), text.Count(p.GPUs, "GPU", "GPUs"), p.Engine)
	}
	if len(plans) == 1 && !multiHost(plans[0]) {
		s.line("#")
		s.line("# bash FILE          brings it up, measures it, plots, and takes it down")
		s.line("# bash FILE launch   only brings it up, and holds it until Ctrl-C")
	}
	shared := plans[0].Deviations
	for _, p := range plans[1:] {
		shared = slices.DeleteFunc(slices.Clone(shared), func(d plan.Deviation) bool {
			return !slices.Contains(p.Deviations, d)
		})
	}
	s.deviations("Differences from the guide:", shared)
	for _, p := range plans {
		own := slices.DeleteFunc(slices.Clone(p.Deviations), func(d plan.Deviation) bool {
			return slices.Contains(shared, d)
		})
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
	s.line("# Processes receive the caller's environment, but for variables of these names")
	s.line("# (topobench help environment has the reasons).")
	patterns := func(child plan.Audience, of func(plan.Drop) []string) (all []string) {
		for _, d := range plan.Dropped() {
			if d.For == child {
				all = append(all, of(d)...)
			}
		}
		return text.Each(all, quote)
	}
	names := func(d plan.Drop) []string { return d.Names }
	s.array("dropped", nil, patterns(plan.Children, names)...)
	s.array("kept", nil, patterns(plan.Children, func(d plan.Drop) []string { return d.Except })...)
	s.array("only_aiperf", nil, patterns(plan.Services, names)...)
	s.line("")
}

func (s *script) deviations(title string, rows []plan.Deviation) {
	if len(rows) == 0 {
		return
	}
	s.line("#")
	s.line("# %s", title)
	for _, d := range rows {
		for _, line := range text.Wrap(d.ID+": "+d.Guide+" -> "+d.Done, "# - ", "#   ", 96) {
			s.line("%s", line)
		}
	}
}

// choose reads which of several topologies is meant. Without a name it is all of them,
// unless one spans several hosts, which have an argument of their own.
func (s *script) choose(plans []plan.Plan) {
	which := strings.Join(text.Each(plans, func(p plan.Plan) string { return p.Name }), "|")
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
		s.files(p, "")
		s.launch(p, env)
	}
	s.load(p, env)
	s.line("stop")
	s.line("echo %s", word("down: "+p.Name))
}

package cli

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"topobench/internal/deploy"
	"topobench/internal/host"
	"topobench/internal/run"
	"topobench/internal/script"
	"topobench/internal/text"
	"topobench/internal/verdict"
)

// outcome is the exit code of the measurements: a topology that came up in no round outranks cells that are not
// valid. If an error ended a topology before its first cell, that error has the code.
func (c *runCmd) outcome(env *Env, s *session, topologies []run.Topology) error {
	code := codeOK
	for _, t := range topologies {
		switch {
		case t.Err != nil && !measured(topologies, t.Name):
			code = codeNotUp
		case code == codeOK && (t.Err != nil || len(t.Cells) > 0 && len(again(t)) > 0):
			code = codePartial
		}
	}
	if why := s.NoInterval(); code == codeOK && why != "" {
		return &reportedError{codeFailed, "no interval: " + why}
	}
	if code == codeOK {
		return nil
	}
	return &reportedError{code, c.conclusion(env, s, topologies)}
}

// measured reports that a topology has a cell in some round.
func measured(topologies []run.Topology, name string) bool {
	return slices.ContainsFunc(topologies, func(t run.Topology) bool { return t.Name == name && len(t.Cells) > 0 })
}

// again are the concurrencies of a topology that were not measured, or whose cells are not valid, but for those that
// the SLO left out.
func again(t run.Topology) []int {
	return slices.DeleteFunc(slices.Clone(t.Asked), func(level int) bool {
		return slices.Contains(t.Beyond, level) || slices.ContainsFunc(t.Cells, func(c run.Cell) bool {
			return c.Concurrency == level && c.Verdict.State == verdict.Valid
		})
	})
}

// conclusion is the last line of a run that failed: what failed first and why, its log, and the next step. It is
// empty if nothing failed and the run was interrupted. Rounds and arms go on in their campaign, since a new run would
// have nothing to be paired with; a topology that never came up may need another profile, and so a new campaign.
func (c *runCmd) conclusion(env *Env, s *session, topologies []run.Topology) string {
	var titles, failed []string
	var why, log, first string
	var missing []int
	whole := false // a topology has to be measured from the beginning
	for _, t := range topologies {
		cause, path := failure(t, s.Dir.Path())
		if cause == "" {
			continue
		}
		if titles, failed = append(titles, t.String()), append(failed, t.Name); len(failed) == 1 {
			why, log, first = cause, path, remedy(t)
		}
		whole = whole || len(t.Cells) == 0
		missing = append(missing, again(t)...)
	}
	if len(failed) == 0 {
		return ""
	}
	others := ""
	if len(titles) > 1 {
		others = " (also failed: " + strings.Join(titles[1:], ", ") + ")"
	}
	for _, w := range s.topologies {
		if !slices.ContainsFunc(topologies, func(t run.Topology) bool { return t.Name == w.Profile.Name }) {
			failed, whole = append(failed, w.Profile.Name), true // the run did not reach it
		}
	}
	if slices.Sort(missing); whole {
		missing = nil
	}
	passed := c.passed(s, failed)
	rounds := topologies[0].Rounds != 1 || isAA(c.Profiles)
	if rounds {
		passed, missing = nil, nil
	}
	command := repeat(env.Args, passed, slices.Compact(missing))
	never := func(name string) bool { return !measured(topologies, name) }
	if c.Resume || rounds && !slices.ContainsFunc(failed, never) {
		command = goOn(s.Dir.Root(), topologies)
	}
	return fmt.Sprintf("%s failed: %s%s | log: %s | next: %s", titles[0], why, others, log, next(first, command))
}

// failure is the cause in one line and the log of a topology that failed, or of its first cell that is not valid.
func failure(t run.Topology, dir string) (cause, log string) {
	died, isDeath := errors.AsType[*host.DiedError](t.Err)
	late, isLate := errors.AsType[*deploy.NotReadyError](t.Err)
	i := slices.IndexFunc(t.Cells, func(c run.Cell) bool { return c.Verdict.State != verdict.Valid })
	switch {
	case isDeath:
		return firstLine(t.Err), here(t, died.Log)
	case isLate && late.Log != "":
		return firstLine(t.Err), here(t, late.Log)
	case t.Err != nil:
		return firstLine(t.Err), cmp.Or(t.Dir, dir)
	case i >= 0:
		cell := t.Cells[i]
		return fmt.Sprintf("concurrency %d is %s: %s", cell.Concurrency, cell.Verdict.State, cell.Verdict.Reasons[0]),
			cell.Log
	}
	return "", ""
}

// here is the copy of a log of another machine, NODE:PATH, in the launch; without a copy it is the log as it is named.
func here(t run.Topology, log string) string {
	if node, path, other := strings.Cut(log, ":"); other && !strings.Contains(node, "/") {
		at := filepath.Join(t.Dir, "logs", filepath.Base(path))
		if _, err := os.Stat(at); err == nil {
			return at
		}
	}
	return log
}

// passed are the profiles, as they were given, of topologies without a failure.
func (c *runCmd) passed(s *session, failed []string) (args []string) {
	for i, t := range s.topologies {
		if i < len(c.Profiles) && !slices.Contains(failed, t.Profile.Name) {
			args = append(args, c.Profiles[i])
		}
	}
	return args
}

// repeat is the command again, without the profiles that passed and only with the missing concurrencies. No
// concurrencies are those of the command.
func repeat(args, passed []string, missing []int) string {
	words := []string{"topobench"}
	for i := 0; i < len(args); i++ {
		isValue := i > 0 && strings.HasPrefix(args[i-1], "-")
		switch a := args[i]; {
		case len(missing) > 0 && a == "--concurrency":
			i++ // its value
		case len(missing) > 0 && strings.HasPrefix(a, "--concurrency="):
		case slices.Contains(passed, a) && !isValue:
		default:
			words = append(words, a)
		}
	}
	if len(missing) > 0 {
		words = append(words, "--concurrency", levels(missing).String())
	}
	return script.Command(words...)
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return text.Clean(line)
}

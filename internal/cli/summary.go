package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"topobench/internal/artifacts"
	"topobench/internal/plan"
	"topobench/internal/report"
	"topobench/internal/run"
	"topobench/internal/text"
	"topobench/internal/verdict"
)

// report prints the outcome of each topology and the table, and writes chart and CSV. The error has the exit code.
func (c *runCmd) report(env *Env, s *session, topologies []run.Topology) error {
	if len(topologies) == 0 {
		return nil
	}
	printTopologies(env, topologies)
	for _, unreached := range s.topologies[min(len(topologies), len(s.topologies)):] {
		fmt.Fprintf(env.Stdout, "%s: not started\n", unreached.Profile.Name)
	}
	facts, err := c.present(env, s, topologies)
	fmt.Fprintf(env.Stdout, "\n%s%s\n%s", deviations(topologies), c.prompts(facts), run.TimeTable(topologies))
	fmt.Fprintf(env.Stdout, "\nlogs, plans and journal: %s\n", s.Dir.Path())
	return errors.Join(err, outcome(topologies))
}

// present prints the facts of this run and writes them twice: into the run's own directory, and as the newest
// into the artifacts root.
func (c *runCmd) present(env *Env, s *session, topologies []run.Topology) (report.Facts, error) {
	facts, err := c.facts(env, s, topologies)
	if err != nil {
		return facts, err
	}
	root := s.Dir.Root()
	if len(facts.Rows) == 0 {
		fmt.Fprintf(env.Stdout, "no cell was measured: no chart and no results.csv were written in %s\n", root)
		return facts, nil
	}
	return facts, present(env, facts, root, s.Dir.Path())
}

// deviations names the deviations from the guide of each topology.
func deviations(topologies []run.Topology) string {
	var b strings.Builder
	for _, t := range topologies {
		if len(t.Deviations) > 0 {
			ids := text.Each(t.Deviations, func(d plan.Deviation) string { return d.ID })
			fmt.Fprintf(&b, "%s differs from the guide in: %s\n", t.Name, strings.Join(ids, ", "))
		}
	}
	// A single one is nvext, which plan cannot explain because only the smoke request finds it.
	if slices.ContainsFunc(topologies, func(t run.Topology) bool { return len(t.Deviations) > 1 }) {
		b.WriteString("(topobench plan PROFILE --guide explains each)\n")
	}
	return b.String()
}

// prompts explains the effect of the load on prefix caches, and how much the servers read from them.
func (c *runCmd) prompts(facts report.Facts) string {
	prompts := "prompts: one seed for all concurrencies, as in the guide. Each concurrency repeats the prompts of\n" +
		"the one before, which a prefix cache may still have; --fresh-prompts gives each its own.\n"
	if c.FreshPrompts {
		prompts = "prompts: each concurrency has its own seed\n"
	}
	if least, greatest, ok := facts.CacheRead(); ok {
		share := fmt.Sprintf("%.0f", least)
		if most := fmt.Sprintf("%.0f", greatest); most != share {
			share += " to " + most
		}
		prompts += fmt.Sprintf("The servers read %s %% of the prompt tokens from a prefix cache "+
			"(results.csv has it for each cell).\n", share)
	}
	return prompts
}

// facts reads the cells of this run, and of no other, from the artifacts. The chart's title marks a run that
// did not measure all its cells.
func (c *runCmd) facts(env *Env, s *session, topologies []run.Topology) (report.Facts, error) {
	title := c.Title
	var order, mine []string
	for _, t := range topologies {
		order = append(order, t.Label)
		if t.Artifacts.Path != "" {
			mine = append(mine, t.Artifacts.Name())
		}
		if len(t.Cells) < len(t.Asked) {
			title = "partial: " + c.Title
		}
	}
	if len(mine) == 0 {
		return report.Facts{}, nil
	}
	cells, faults := artifacts.Tree(s.Dir.Root(), mine...)
	printAll(env.Stderr, text.Each(faults, error.Error), "topobench: ")
	return report.Of(cells, report.Options{Title: title, Baseline: c.Baseline, Order: order})
}

// present prints the facts, and writes chart and CSV into dir, and into other directories silently.
func present(env *Env, facts report.Facts, dir string, others ...string) error {
	if table := report.SettingsTable(facts.Settings, facts.Load); table != "" {
		fmt.Fprintf(env.Stdout, "\n%s", table)
	}
	fmt.Fprintln(env.Stdout)
	if err := facts.Table(env.Stdout); err != nil {
		return err
	}
	fmt.Fprintln(env.Stdout)
	printAll(env.Stdout, facts.Sentences(), "")
	printAll(env.Stdout, facts.Warnings, "warning: ")
	files, err := facts.Files(append(others, dir)...)
	for _, f := range files {
		if filepath.Dir(f) == dir {
			fmt.Fprintf(env.Stdout, "wrote %s\n", f)
		}
	}
	return err
}

// printTopologies prints the failures of each topology.
func printTopologies(env *Env, topologies []run.Topology) {
	for _, t := range topologies {
		if t.Lost != nil {
			why, _, _ := strings.Cut(t.Lost.Cause.Error(), "\n")
			fmt.Fprintf(env.Stdout, "\n%s failed and was restarted once: %s\n", t.Name, why)
		}
		if t.Err != nil {
			fmt.Fprintf(env.Stdout, "\n%s: %v\n", t.Name, t.Err)
		}
		for _, cell := range t.Cells {
			if cell.Verdict.State == verdict.Valid {
				continue
			}
			fmt.Fprintf(env.Stdout, "%s: concurrency %d is %s (%s)\n", t.Name, cell.Concurrency, cell.Verdict.State,
				filepath.Join(t.Artifacts.Name(), filepath.Base(cell.Path)))
			printAll(env.Stdout, cell.Verdict.Reasons, "  ")
		}
		if missing := t.Asked[len(t.Cells):]; len(missing) > 0 {
			fmt.Fprintf(env.Stdout, "%s: not measured: concurrency %s\n", t.Name,
				strings.Trim(fmt.Sprint(missing), "[]"))
		}
	}
}

// outcome is the exit code of the measurements: a topology that did not come up outranks cells that are not
// valid. If an error ended a topology before its first cell, that error has the code.
func outcome(topologies []run.Topology) error {
	code := codeOK
	for _, t := range topologies {
		if len(t.Cells) == 0 && t.Err != nil {
			return &reportedError{codeNotUp}
		}
		incomplete := t.Err != nil || len(t.Cells) < len(t.Asked) || slices.ContainsFunc(t.Cells, notValid)
		if len(t.Cells) > 0 && incomplete {
			code = codePartial
		}
	}
	if code != codeOK {
		return &reportedError{code}
	}
	return nil
}

func notValid(c run.Cell) bool { return c.Verdict.State != verdict.Valid }

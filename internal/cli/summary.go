package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"topobench/internal/campaign"
	"topobench/internal/report"
	"topobench/internal/result"
)

// report prints the table, writes chart and CSV into the artifacts root, and
// returns what the exit code must tell.
func (c *runCmd) report(env *Env, s *session, topologies []campaign.Topology) error {
	if len(topologies) == 0 {
		return nil
	}
	facts, err := c.facts(s, topologies)
	if err != nil {
		return err
	}
	printTopologies(env, topologies)
	if len(facts.Rows) > 0 {
		if err := present(env, facts, s.campaign.Run.Root()); err != nil {
			return err
		}
	}
	fmt.Fprintf(env.Stdout, "\n%s\n%s", c.prompts(), campaign.TimeTable(topologies))
	fmt.Fprintf(env.Stdout, "\nlogs, plans and journal: %s\n", s.campaign.Run.Path())
	return outcome(topologies)
}

// prompts names what the load does to prefix caches; how much of it they kept is
// not measured.
func (c *runCmd) prompts() string {
	if c.FreshPrompts {
		return "prompts: a seed of its own for each concurrency\n"
	}
	return "prompts: one seed for all levels, as the guide. Each level sends those of the level before\n" +
		"again, which a prefix cache may still hold; --fresh-prompts gives each level its own.\n"
}

// facts reads back the cells of this run, and of no other, from the artifacts.
func (c *runCmd) facts(s *session, topologies []campaign.Topology) (report.Facts, error) {
	cells, faults := result.Tree(s.campaign.Run.Root())
	mine := func(cell result.Cell) bool {
		return slices.ContainsFunc(topologies, func(t campaign.Topology) bool { return t.Artifacts.Path != "" && t.Artifacts.Name() == cell.Artifacts })
	}
	cells = slices.DeleteFunc(cells, func(cell result.Cell) bool { return !mine(cell) })
	if len(cells) == 0 && len(faults) > 0 {
		return report.Facts{}, errors.Join(faults...)
	}
	var order []string
	for _, t := range topologies {
		order = append(order, t.Label)
	}
	return report.Of(cells, report.Options{Title: c.Title, Baseline: c.Baseline, Order: order})
}

// present shows the facts in all forms that a person reads.
func present(env *Env, facts report.Facts, dir string) error {
	if table := report.SettingsTable(facts.Settings); table != "" {
		fmt.Fprintf(env.Stdout, "\n%s", table)
	}
	fmt.Fprintln(env.Stdout)
	if err := facts.Table(env.Stdout); err != nil {
		return err
	}
	fmt.Fprintln(env.Stdout)
	printAll(env.Stdout, facts.Sentences(), "")
	printAll(env.Stdout, facts.Warnings, "warning: ")
	files, err := facts.Files(dir)
	for _, f := range files {
		fmt.Fprintf(env.Stdout, "wrote %s\n", f)
	}
	return err
}

// printTopologies says what of each topology went wrong.
func printTopologies(env *Env, topologies []campaign.Topology) {
	for _, t := range topologies {
		if t.Err != nil {
			fmt.Fprintf(env.Stdout, "\n%s: %v\n", t.Name, t.Err)
		}
		for _, cell := range t.Cells {
			if cell.Verdict.State == result.Valid {
				continue
			}
			fmt.Fprintf(env.Stdout, "%s: concurrency %d is %s (%s)\n", t.Name, cell.Concurrency, cell.Verdict.State, filepath.Base(cell.Path))
			printAll(env.Stdout, cell.Verdict.Reasons, "  ")
		}
		if missing := t.Asked[len(t.Cells):]; len(missing) > 0 {
			fmt.Fprintf(env.Stdout, "%s: not measured: concurrency %s\n", t.Name, strings.Trim(fmt.Sprint(missing), "[]"))
		}
	}
}

// outcome is the exit code of what was measured: a topology without any cell is
// stronger than cells that are not valid.
func outcome(topologies []campaign.Topology) error {
	code := codeOK
	for _, t := range topologies {
		if len(t.Cells) == 0 {
			return &quietError{codeNotUp}
		}
		if t.Err != nil || len(t.Cells) < len(t.Asked) || slices.ContainsFunc(t.Cells, func(c campaign.Cell) bool { return c.Verdict.State == result.Invalid }) {
			code = codePartial
		}
	}
	if code != codeOK {
		return &quietError{code}
	}
	return nil
}

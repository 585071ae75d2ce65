package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"topobench/internal/artifacts"
	"topobench/internal/plan"
	"topobench/internal/preflight"
	"topobench/internal/report"
	"topobench/internal/run"
	"topobench/internal/script"
	"topobench/internal/text"
	"topobench/internal/ui"
	"topobench/internal/verdict"
)

// report prints what failed, the table, the circumstances and, last, the answer. It writes chart and CSV. The error
// has the exit code, and after a failure the last line.
func (c *runCmd) report(env *Env, s *session, topologies []run.Topology) error {
	if len(topologies) == 0 {
		return nil
	}
	out := ui.NewPrinter(env.Stdout, env.Getenv)
	out.Print(failures(topologies)...)
	out.Print(unreached(s.topologies, topologies)...)
	facts, err := c.facts(env, s, topologies)
	root := s.Dir.Root()
	if err == nil && len(facts.Rows) > 0 {
		written := writeFiles(out, facts, root, s.Dir.Path())
		tabulate(out, facts)
		if facts.Counts() {
			out.Print(c.circumstances(facts, topologies)...)
		}
		err = errors.Join(written(), c.page(out, s, facts), keepAA(out, facts, root))
	} else if err == nil {
		out.Print("no cell was measured: no chart and no results.csv were written in " + root)
	}
	out.Print(s.Summary()...)
	out.Print("logs, plans and journal: " + s.Dir.Path())
	answer(out, facts, root, versions(s.topologies), unmeasured(topologies, s.topologies)...)
	return errors.Join(err, out.Err(), c.outcome(env, s, topologies))
}

// page writes the page of a campaign. perf has none: its server is that of others.
func (c *runCmd) page(out *ui.Printer, s *session, facts report.Facts) error {
	if s.Campaign == nil {
		return nil
	}
	runs, _ := run.RunsOf(s.Dir.Path()) // if the others cannot be read, the page has this one
	x := pageExtras(facts, s.Dir.Root(), runs...)
	x.Command = script.Command(append([]string{"topobench"}, s.Campaign.Args...)...)
	for _, t := range s.topologies { // --set may have secrets
		x.Command = plan.Public(x.Command, t.Plan)
	}
	return writePage(out, facts, x, s.Dir.Root(), s.Dir.Path())
}

// facts reads the cells of this run, and of no other, from the artifacts. The chart's title marks a run that
// did not measure all its cells.
func (c *runCmd) facts(env *Env, s *session, topologies []run.Topology) (report.Facts, error) {
	partial := len(unreached(s.topologies, topologies)) > 0
	var order, mine []string
	for _, t := range topologies {
		order = append(order, t.Label)
		if t.Artifacts.Path != "" {
			mine = append(mine, t.Artifacts.Name())
		}
		partial = partial || len(t.Missing()) > 0
	}
	if len(mine) == 0 {
		return report.Facts{}, nil
	}
	cells, faults := artifacts.Tree(s.Dir.Root(), mine...)
	printAll(env.Stderr, text.Each(faults, error.Error), "topobench: ")
	return onAxis(cells, report.Options{Title: c.Title, Partial: partial, X: c.X, Baseline: c.Baseline, Order: order,
		Rounds: c.Repeats, At: c.At, Caveat: s.Caveat(), Equivalence: float64(c.Equivalence),
		AA: knownAA(env, s.Dir.Root()), SLO: objectives(s.topologies[0].Profile.Load.SLO), Beyond: beyond(topologies)})
}

// tabulate prints the settings that differ, the cells, the ratio at several tok/s/user and the warnings.
func tabulate(out *ui.Printer, facts report.Facts) {
	if settings := report.SettingsTable(facts.Settings, facts.Load); settings != "" {
		out.Print("", settings)
	}
	var table strings.Builder
	_ = facts.Table(&table) // a strings.Builder does not fail
	out.Print("", table.String(), "")
	for _, c := range facts.Comparisons {
		if readings := c.ReadingsTable(); readings != "" {
			out.Print(readings, "")
		}
	}
	for _, w := range facts.Warnings {
		out.Print("warning: " + w)
	}
}

// writeFiles begins to write chart and CSV into dir, and into other directories silently: that takes as long as the
// table. wait prints where they are. It leaves the PNG to answer, and names no empty chart.
func writeFiles(out *ui.Printer, facts report.Facts, dir string, others ...string) (wait func() error) {
	var files []string
	var err error
	var writing sync.WaitGroup
	writing.Go(func() { files, err = facts.Files(append(others, dir)...) })
	return func() error {
		writing.Wait()
		for _, f := range files {
			if filepath.Dir(f) == dir && (filepath.Ext(f) == ".csv" || filepath.Ext(f) == ".svg" && facts.Measured()) {
				out.Print("wrote " + f)
			}
		}
		return err
	}
}

// versions are those of the programs, in one line for a person.
func versions(topologies []preflight.Topology) []string {
	for _, line := range preflight.VersionLines(topologies) {
		if found, is := strings.CutPrefix(line, "versions: "); is {
			return []string{found}
		}
	}
	return nil
}

// answer is the end of the output, apart from the rest: the sentences, a line of Markdown to paste, and the chart. The
// names are those of the topologies without a cell. If no cell counts, there is the chart only.
func answer(out *ui.Printer, facts report.Facts, dir string, about []string, absent ...string) {
	if !facts.Measured() {
		return
	}
	if facts.Counts() {
		sentences, missing := facts.Answer(), "not measured: "+strings.Join(absent, ", ")
		if len(absent) > 0 {
			sentences, about = append(sentences, missing), append(slices.Clone(about), missing)
		}
		out.Print("")
		out.Bold(sentences...)
		if line := facts.Markdown(about...); line != "" {
			out.Print("")
			out.Whole(line)
		}
	}
	out.Print("chart: " + filepath.Join(dir, facts.Chart()))
}

// unmeasured are the topologies of a run that have no cell.
func unmeasured(begun []run.Topology, all []preflight.Topology) (names []string) {
	for _, w := range all {
		if !slices.ContainsFunc(begun, func(t run.Topology) bool {
			return t.Name == w.Profile.Name && len(t.Cells) > 0
		}) {
			names = append(names, w.Profile.Name)
		}
	}
	return names
}

// failures has the failure of each topology, the cause first, and its cells that are not valid.
func failures(topologies []run.Topology) (lines []string) {
	for _, t := range topologies {
		if t.Lost != nil {
			lines = append(lines, "\n"+t.String()+" failed and was restarted once: "+firstLine(t.Lost.Cause))
		}
		if t.Err != nil {
			lines = append(lines, fmt.Sprintf("\n%v: %v", t, t.Err))
		}
		for _, cell := range t.Cells {
			if cell.Verdict.State == verdict.Valid {
				continue
			}
			lines = append(lines, fmt.Sprintf("%v: concurrency %d is %s (%s)", t, cell.Concurrency,
				cell.Verdict.State, filepath.Join(t.Artifacts.Name(), filepath.Base(cell.Path))))
			for _, reason := range cell.Verdict.Reasons {
				lines = append(lines, "  "+reason)
			}
		}
		if missing := t.Missing(); len(missing) > 0 {
			lines = append(lines, fmt.Sprintf("%v: not measured: concurrency %s", t, levels(missing)))
		}
	}
	return lines
}

package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/report"
	"topobench/internal/text"
	"topobench/internal/ui"
	"topobench/internal/verdict"
)

type plotCmd struct {
	Root     string   `name:"artifacts-root-dir" required:"" type:"existingdir" help:"Directory of artifacts_0, ..."`
	Title    string   `help:"Title of the chart (default: by the hosts of the workers, such as Single Node)."`
	Stat     string   `default:"avg" help:"Statistic of tokens/s/user, TTFT and ITL; file names have it."`
	X        string   `default:"user" enum:"user,p90,e2e" help:"Axis: user, p90 or e2e (topobench help metrics)."`
	Out      string   `default:"." type:"path" help:"Directory for pareto_plot.png, .svg and both CSV files."`
	At       *float64 `placeholder:"X" help:"Compare at X tok/s/user (default: the middle of the shared range)."`
	Baseline string   `placeholder:"LABEL" help:"Compare with this series (default: the aggregated one)."`
	HTML     bool     `name:"html" help:"Write report.html too, with everything that the tree has about its cells."`
	JSON     bool     `name:"json" help:"Print the facts as JSON on stdout."`
	ratioFlags
	sloFlag
}

// Run plots an artifacts tree, ours or upstream's. It needs no server.
func (c *plotCmd) Run(env *Env) error {
	if err := errors.Join(checkAt(c.At), c.ratioFlags.check(), c.sloFlag.check()); err != nil {
		return &usageError{err}
	}
	// A thousand exports make 50 MB of garbage, and few of them are needed long: without a collection it takes a tenth
	// less time.
	defer debug.SetGCPercent(debug.SetGCPercent(1000))
	cells, faults := artifacts.Tree(c.Root)
	printAll(env.Stderr, text.Each(faults, error.Error), "topobench: ")
	if len(cells) == 0 {
		return fmt.Errorf("cannot plot %s: no cell was found below it (artifacts_N/-concurrencyC/%s)",
			c.Root, aiperf.ExportName)
	}
	facts, err := report.Of(cells, report.Options{Title: c.Title, Stat: c.Stat, X: c.X, At: c.At,
		Baseline: c.Baseline, Equivalence: float64(c.Equivalence), AA: knownAA(env, c.Root),
		SLO: objectives(c.SLO)})
	if err == nil {
		err = c.checkBaseline(facts.Series)
		if c.At != nil {
			err = errors.Join(err, facts.CheckAt(*c.At))
		}
	}
	if err != nil {
		return &usageError{err}
	}
	facts.Skipped = append(facts.Skipped, text.Each(faults, error.Error)...)
	if err := os.MkdirAll(c.Out, 0o755); err != nil {
		return fmt.Errorf("cannot write to --out: %w", err)
	}
	if c.JSON {
		_, err = facts.Files(c.Out)
		err = errors.Join(err, c.page(ui.NewPrinter(io.Discard, env.Getenv), facts), facts.JSON(env.Stdout))
	} else {
		out := ui.NewPrinter(env.Stdout, env.Getenv)
		written := writeFiles(out, facts, c.Out)
		tabulate(out, facts)
		err = errors.Join(written(), c.page(out, facts))
		answer(out, facts, c.Out, nil)
		err = errors.Join(err, out.Err())
	}
	return errors.Join(err, partial(cells, faults))
}

// page writes the page, if it is wanted: a page of a thousand cells costs more than all other files.
func (c *plotCmd) page(out *ui.Printer, facts report.Facts) error {
	if !c.HTML {
		return nil
	}
	return writePage(out, facts, pageExtras(facts, c.Root, runsOf(facts, c.Root)...), c.Out)
}

// checkBaseline rejects a --baseline that no series has: it is misspelt.
func (c *plotCmd) checkBaseline(all []report.Series) error {
	if c.Baseline == "" || slices.ContainsFunc(all, func(s report.Series) bool { return s.Named(c.Baseline) }) {
		return nil
	}
	labels := text.Each(all, func(s report.Series) string { return s.Label })
	return fmt.Errorf("cannot compare with --baseline %q: %s has no such series; choose one of %q",
		c.Baseline, c.Root, labels)
}

// partial is the exit code for a tree with skipped files or cells that are not valid.
func partial(cells []artifacts.Cell, faults []error) error {
	bad := func(c artifacts.Cell) bool { return c.Err != nil || c.Verdict.State != verdict.Valid }
	if len(faults) > 0 || slices.ContainsFunc(cells, bad) {
		return &reportedError{code: codePartial}
	}
	return nil
}

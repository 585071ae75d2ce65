package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"topobench/internal/artifacts"
	"topobench/internal/journal"
	"topobench/internal/report"
	"topobench/internal/text"
	"topobench/internal/ui"
)

type compareCmd struct {
	A       string   `arg:"" help:"Baseline: an artifacts root, a run in ROOT/.topobench, or a saved file."`
	B       string   `arg:"" optional:"" help:"The other side: a root or a run."`
	As      []string `sep:"none" placeholder:"OLD=NEW" help:"Compare label OLD of the baseline with NEW (repeatable)."`
	Only    []string `sep:"none" placeholder:"LABEL" help:"Compare only this label of the baseline (repeatable)."`
	At      *float64 `placeholder:"X" help:"Compare at X tok/s/user (default: the middle of the shared range)."`
	X       string   `default:"user" enum:"user,p90,e2e" help:"Axis: user, p90 or e2e (topobench help metrics)."`
	MaxLoss percent  `default:"3%" placeholder:"3%" help:"Largest loss that counts as none (${default})."`
	Save    string   `placeholder:"FILE" help:"Save A as a baseline, instead of a comparison."`
	JSON    bool     `name:"json" help:"Print the comparison as JSON on stdout."`
}

// Run compares two campaigns, or saves one. It needs no server.
func (c *compareCmd) Run(env *Env) error {
	renamed, err := c.check()
	if err != nil {
		return &usageError{err}
	}
	if c.Save != "" {
		return c.save(env)
	}
	if isFile(c.B) && !isFile(c.A) { // a saved baseline is the baseline, wherever it is
		c.A, c.B = c.B, c.A
	}
	base, faultA := c.campaign(env, c.A)
	other, faultB := c.campaign(env, c.B)
	if err := errors.Join(faultA, faultB); err != nil {
		return err
	}
	result, err := report.Judge(base, other, report.Terms{At: c.At, MaxLoss: float64(c.MaxLoss), As: renamed,
		Only: c.Only})
	if err != nil {
		return &usageError{err}
	}
	if c.JSON {
		err = result.JSON(env.Stdout)
	} else {
		out := ui.NewPrinter(env.Stdout, env.Getenv)
		out.Print(slices.Concat(sides("baseline", c.A, base), sides("new", c.B, other))...)
		show(out, result)
		err = out.Err()
	}
	return errors.Join(err, ended(result.Result))
}

// check reports all faults of the flags, and returns --as by label of the baseline.
func (c *compareCmd) check() (renamed map[string]string, err error) {
	faults := []error{checkAt(c.At)}
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if loss := float64(c.MaxLoss); !(loss >= 0 && loss < 1) {
		fault("--max-loss %v is not from 0%% to less than 100%%: use one such as 3%%", c.MaxLoss)
	}
	renamed = map[string]string{}
	for _, pair := range c.As {
		old, name, _ := strings.Cut(pair, "=")
		if old == "" || name == "" {
			fault("--as %q is not OLD=NEW, two labels", pair)
		}
		if renamed[old] != "" {
			fault("--as names %s twice", old)
		}
		renamed[old] = name
	}
	switch {
	case c.Save == "" && c.B == "":
		fault("cannot compare %s alone: name a second root or run after it, or save it with --save FILE", c.A)
	case c.Save != "" && c.B != "":
		fault("cannot compare and save at once: --save takes one root or run")
	}
	for _, path := range []string{c.A, c.B} {
		if _, err := os.Stat(path); path != "" && err != nil {
			fault("cannot compare %s: %w", path, errors.Unwrap(err))
		}
	}
	return renamed, errors.Join(faults...)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// campaign reads a side. Skipped files are reported.
func (c *compareCmd) campaign(env *Env, path string) (report.Campaign, error) {
	if isFile(path) {
		return report.ReadCampaign(path)
	}
	root, only, err := launchesOf(env, path)
	if err != nil {
		return report.Campaign{}, err
	}
	cells, faults := artifacts.Tree(root, only...)
	printAll(env.Stderr, text.Each(faults, error.Error), "topobench: ")
	if len(cells) == 0 {
		return report.Campaign{}, fmt.Errorf("cannot compare %s: no cell was found in it", path)
	}
	campaign, err := report.CampaignOf(cells, path, c.X, knownAA(env, root))
	if err != nil {
		return campaign, fmt.Errorf("cannot compare %s: %w", path, err)
	}
	return campaign, nil
}

// launchesOf is the artifacts root of a path, and the artifacts_N of its run if the path is that of a run. A root has
// no names: all its artifacts_N count, of whatever run.
func launchesOf(env *Env, path string) (root string, names []string, err error) {
	abs, err := filepath.Abs(path)
	if err != nil || filepath.Base(filepath.Dir(abs)) != artifacts.StateDir {
		return path, nil, err
	}
	dir := artifacts.At(abs)
	records, err := journal.Read(filepath.Join(abs, journal.Name))
	if err != nil {
		return "", nil, fmt.Errorf("cannot compare run %s: %w", dir.ID(), err)
	}
	for _, r := range records {
		if e, is := r.Event.(journal.LaunchBegin); is && !slices.Contains(names, e.Artifacts) {
			names = append(names, e.Artifacts)
		}
	}
	if journal.EndOf(filepath.Join(abs, journal.Name)) == journal.NoEnd {
		printAll(env.Stderr, []string{"run " + dir.ID() + " has not ended: only its cells so far count"}, "topobench: ")
	}
	if len(names) == 0 {
		return "", nil, fmt.Errorf("cannot compare run %s: it launched no topology", dir.ID())
	}
	return dir.Root(), names, nil
}

// save writes A as a baseline.
func (c *compareCmd) save(env *Env) error {
	campaign, err := c.campaign(env, c.A)
	if err != nil {
		return err
	}
	if !campaign.Measured() {
		return fmt.Errorf("cannot save %s as a baseline: no label has a valid cell, or its launches are unlike", c.A)
	}
	if campaign.From, err = filepath.Abs(c.A); err == nil {
		err = campaign.Save(c.Save)
	}
	if err != nil {
		return err
	}
	out := ui.NewPrinter(env.Stdout, env.Getenv)
	out.Print(sides("saved", c.A, campaign)...)
	out.Print("wrote " + c.Save)
	return out.Err()
}

// show prints the differences first, then the sentences, and a table to paste.
func show(out *ui.Printer, a report.Against) {
	if table := a.Differences(); table != "" {
		out.Print("", table)
	}
	for _, note := range []struct{ name, why string }{
		{strings.Join(a.Left, ", "), "not compared: not among --only"},
		{strings.Join(a.New, ", "), "not compared: the baseline has no such label (--as OLD=NEW)"},
	} {
		if note.name != "" {
			out.Print("", text.Clean(note.name)+": "+note.why)
		}
	}
	out.Print("")
	for _, pair := range a.Labels {
		out.Bold(pair.Sentence)
	}
	out.Print("")
	for line := range strings.SplitSeq(a.Markdown(), "\n") {
		out.Whole(line)
	}
	result := "result: " + string(a.Result)
	if labels := a.Deciding(); len(labels) > 0 {
		result += " (" + strings.Join(labels, ", ") + ")"
	}
	out.Print("", result)
}

// sides names the launches of each label, because a root may have those of several runs.
func sides(title, path string, c report.Campaign) []string {
	lines := []string{title + ": " + path}
	if isFile(path) {
		lines[0] += " (saved from " + text.Clean(c.From) + ")"
	}
	for _, l := range c.Labels {
		launches := text.Each(l.Launches, func(one report.Launch) string { return one.Artifacts })
		line := fmt.Sprintf("%s: %s (%d of %d cells valid)", l.Label, strings.Join(launches, " "), l.Valid, l.Cells)
		if len(l.Mixed) > 0 {
			line = fmt.Sprintf("%s: its launches are unlike: name one run, ROOT/%s/RUN-ID", l.Label, artifacts.StateDir)
		}
		lines = append(lines, text.Wrap(text.Clean(line), "  ", "    ", pageWidth)...)
	}
	return lines
}

// ended is the exit code of a comparison.
func ended(result report.Result) error {
	codes := map[report.Result]int{report.WorseThan: codeWorse, report.NotCompared: codeFailed,
		report.Undecided: codePartial}
	if code, bad := codes[result]; bad {
		return &reportedError{code: code}
	}
	return nil
}

// Package report says what was measured as table, CSV, JSON, sentences and picture.
//
// It promises that every form comes from one Facts value, that a missing number is an empty field and
// never 0, that a cell which is not valid is off the frontier and says why, and that no number stands
// for a comparison that the measurements do not bear out.
package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"topobench/internal/artifacts"
)

// Options chooses the statistic, the reference of the comparisons and the order of the series.
type Options struct {
	Title    string   // default "Single Node"
	Stat     string   // of tokens/s/user, TTFT and ITL; default "avg"
	At       *float64 // tokens/s/user to compare at; nil is the middle of the shared range
	Baseline string   // a label; default the first aggregated series, else the first; one without cells is said
	Order    []string // labels in profile order; others follow, sorted
}

// Facts is everything that is said. Comparisons has one entry for each series but the baseline,
// or, if the baseline has no cell, one without Other that says so.
type Facts struct {
	Title       string             `json:"title"`
	Stat        string             `json:"stat"`
	Rows        []Row              `json:"rows"`
	Series      []Series           `json:"series"`
	Comparisons []Comparison       `json:"comparisons"`
	Warnings    []string           `json:"warnings"`
	Skipped     []string           `json:"skipped"`  // what of the tree is no cell, and why
	Settings    artifacts.Settings `json:"settings"` // of the engines, side by side
}

// Stats lists the statistics that Options.Stat may name: those that every metric on an axis has.
func Stats() []string {
	return strings.Fields("avg min max p1 p5 p10 p25 p50 p75 p90 p95 p99")
}

// Of makes the facts of cells, in rows sorted by artifacts_N and concurrency. It fails if the statistic
// is unknown; no cells are no error.
func Of(cells []artifacts.Cell, o Options) (Facts, error) {
	o.Title, o.Stat = cmp.Or(o.Title, "Single Node"), cmp.Or(o.Stat, "avg")
	if !slices.Contains(Stats(), o.Stat) {
		return Facts{}, fmt.Errorf("cannot use statistic %q: choose one of %s", o.Stat, strings.Join(Stats(), " "))
	}
	f := Facts{Title: "Pareto - " + o.Title, Stat: o.Stat, Rows: rows(cells, o.Stat), Skipped: []string{}}
	f.Series = series(f.Rows, o.Stat, o.Order)
	f.Warnings = warnings(f)
	f.Settings = artifacts.CompareSettings(deployments(cells))
	if slices.ContainsFunc(f.Series, func(s Series) bool { return s.Simulated }) {
		f.Title = "Simulated: " + f.Title // in front: the end of a long one is cut off
	}
	f.Comparisons = comparisons(f.Series, o)
	return f, nil
}

// Sentences says each comparison in words.
func (f Facts) Sentences() []string {
	var said []string
	for _, c := range f.Comparisons {
		said = append(said, c.Sentence)
	}
	return said
}

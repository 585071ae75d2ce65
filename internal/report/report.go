// Package report presents measurements as a table, CSV, JSON, sentences and a picture.
//
// All forms come from one Facts value. A missing number is an empty field, never 0. A cell that is not
// valid is off the frontier, with a reason. Repeats are averaged before the frontier is built. There is a
// ratio only where the measurements support one; otherwise the sentence gives the reason.
package report

import (
	"cmp"
	"slices"
	"strings"

	"topobench/internal/artifacts"
	"topobench/internal/slo"
	"topobench/internal/text"
)

// Options selects the statistic, the baseline of the comparisons and the order of the series.
type Options struct {
	Title    string   // default by the hosts of the workers, such as "Single Node"
	Partial  bool     // marks the title: not all cells were measured
	Stat     string   // of tokens/s/user, TTFT and ITL; default "avg"
	X        string   // axis of tokens/s/user, the Flag of one of Axes; default "user"
	At       *float64 // tokens/s/user to compare at; nil is the middle of the shared range
	Baseline string   // a label; default the first aggregated series, else the first
	Caveat   string   // a further limit of every ratio, for its sentence
	Order    []string // labels in profile order; others follow in order of appearance

	Equivalence float64 // ratios from 1/(1+Equivalence) to 1+Equivalence are equal; default 0.03
	Rounds      int     // planned; without it those that have a cell

	SLO    slo.Targets // points outside are off the frontier
	Beyond []Beyond    // of the run
	AA     []AA        // measured before in this root
}

// Facts is the content of every form. Comparisons has one entry for each series but the baseline; if the
// baseline has no cell it has a single entry without Other.
type Facts struct {
	Title       string             `json:"title"`
	Stat        string             `json:"stat"`
	X           string             `json:"x"` // axis: user, p90 or e2e
	Rows        []Row              `json:"rows"`
	Series      []Series           `json:"series"`
	Comparisons []Comparison       `json:"comparisons"`
	Warnings    []string           `json:"warnings"`
	Skipped     []string           `json:"skipped"`  // files of the tree that are no cell, with the reason
	Settings    artifacts.Settings `json:"settings"` // of the engines, a side for each topology
	Load        artifacts.Settings `json:"load"`     // of the requests, a side for each series
	SLO         string             `json:"slo"`      // ttft_p90=500ms,itl_p90=25ms; "" = none
	Beyond      []Beyond           `json:"beyond_slo"`

	axis    Axis
	options Options
}

// Stats lists the values of Options.Stat: the statistics that every metric on an axis has.
func Stats() []string {
	return strings.Fields("avg min max p1 p5 p10 p25 p50 p75 p90 p95 p99")
}

// Of makes the facts of cells, with rows in order of artifacts_N and concurrency. It fails if the statistic
// or the axis is unknown, and with *AxisError if no measured cell has the axis. No cells are no error.
func Of(cells []artifacts.Cell, o Options) (Facts, error) {
	o.Stat, o.X, o.Equivalence = cmp.Or(o.Stat, "avg"), cmp.Or(o.X, "user"), cmp.Or(o.Equivalence, Equivalence)
	if err := o.check(); err != nil {
		return Facts{}, err
	}
	f := Facts{Stat: o.Stat, X: o.X, axis: o.axis(), Rows: rows(cells, o), Skipped: []string{}, SLO: o.SLO.String(),
		Beyond: append([]Beyond{}, o.Beyond...)}
	f.Title = title(f.Rows, o)
	if err := f.available(); err != nil {
		return Facts{}, err
	}
	if mark := adaptiveRun(f.Rows); mark != nil && o.At == nil && o.X == "user" && o.Stat == "avg" {
		o.At = &mark.At
	}
	f.options = o
	f.compare(o)
	f.Warnings = warnings(f)
	groups, topologies := byArtifacts(f.Rows)
	paths := text.Each(groups, func(rows []Row) string { return rows[0].Artifacts })
	f.Settings = artifacts.CompareSettings(topologies, paths...)
	f.Load = loadSettings(f.Series)
	if slices.ContainsFunc(f.Series, func(s Series) bool { return s.Simulated }) {
		f.Title = "Simulated: " + f.Title // in front, because the chart cuts off the end of a long title
	}
	return f, nil
}

// compare makes the series of the rows, and compares them on the axis.
func (f *Facts) compare(o Options) {
	f.Series = series(f.Rows, o) // it marks the efficient rows
	f.Comparisons = comparisons(f.Series, o)
	f.noteAxes()
}

// on is the same cells on another axis, read in the middle of its own range. It fails with *AxisError if no measured
// cell has the axis.
func (f Facts) on(x string) (Facts, error) {
	if x == f.X {
		return f, nil
	}
	o := f.options
	o.X, o.At = x, nil
	f.X, f.axis, f.Rows = x, o.axis(), slices.Clone(f.Rows)
	for i := range f.Rows {
		f.Rows[i].Efficient = false
	}
	if err := f.available(); err != nil {
		return f, err
	}
	f.compare(o)
	f.Warnings = warnings(f)
	return f, nil
}

// Sentences has one sentence for each comparison.
func (f Facts) Sentences() []string {
	var sentences []string
	for _, c := range f.Comparisons {
		sentences = append(sentences, c.Sentence)
	}
	return sentences
}

// CacheRead is the smallest and the largest share of prompt tokens, in percent, that the servers took from
// a prefix cache in any cell. ok is false if no server reports it.
func (f Facts) CacheRead() (least, greatest float64, ok bool) {
	for _, r := range f.Rows {
		share, reported := r.Numbers[cacheRead+"_avg"]
		if !reported {
			continue
		}
		if !ok {
			least, greatest, ok = share, share, true
		}
		least, greatest = min(least, share), max(greatest, share)
	}
	return least, greatest, ok
}

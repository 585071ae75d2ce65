package report

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"topobench/internal/artifacts"
)

// The columns of x on the axes other than the guide's.
const (
	// perUserITL is 1000 / the p90 of the inter-token latency in ms.
	perUserITL = "output_token_throughput_per_user_itl_p90"
	// perUserE2E is the p10 of output tokens / end-to-end latency.
	perUserE2E = "e2e_output_token_throughput_p10"

	itlP90 = "inter_token_latency_p90"
)

// Axis is a measure of the speed that one user sees, in tokens/s/user: the x of chart, frontier and ratio.
type Axis struct {
	Flag   string // value of --x
	Column string // in results.csv
	Mark   string // after tok/s/user in table and sentence; "" = the guide's axis with its mean
	File   string // what the file names have: pareto_plot_e2e.png
	Help   string
}

// Axes lists the axes, the guide's first.
func Axes() []Axis { return axes("avg") }

func axes(stat string) []Axis {
	user := Axis{Flag: "user", Column: perUser(stat), Help: "the guide's: the mean over requests of 1 / inter-token " +
		"latency, or another statistic with plot --stat. The wait for the first token has no part in it, so that it " +
		"rises when prefill waits"}
	if stat != "avg" {
		user.Mark, user.File = stat, "_"+stat
	}
	return []Axis{user,
		{"p90", perUserITL, "ITL p90", "_itl_p90", "1000 / p90 of the inter-token latency: nine of ten requests are " +
			"at least as fast. The wait for the first token has no part in it"},
		{"e2e", perUserE2E, "e2e p10", "_e2e", "p10 over requests of output tokens / end-to-end latency: nine of ten " +
			"requests are at least as fast, the wait for the first token included"},
	}
}

// axis is the chosen one, or the guide's.
func axis(x, stat string) Axis {
	all := axes(stat)
	i := slices.IndexFunc(all, func(a Axis) bool { return a.Flag == x })
	return all[max(0, i)]
}

func (o Options) axis() Axis { return axis(o.X, o.Stat) }

// marked is the axis as part of a text about tok/s/user: " (p50)", " (e2e p10)", or empty.
func (a Axis) marked() string {
	if a.Mark == "" {
		return ""
	}
	return " (" + a.Mark + ")"
}

// check reports all unusable options. The axes other than the guide's have a percentile of their own, with which a
// statistic would be another number.
func (o Options) check() error {
	var faults []error
	if !slices.Contains(Stats(), o.Stat) {
		faults = append(faults, fmt.Errorf("cannot use statistic %q: choose one of %s", o.Stat,
			strings.Join(Stats(), " ")))
	}
	if o.axis().Flag != o.X {
		var flags []string
		for _, a := range Axes() {
			flags = append(flags, a.Flag)
		}
		faults = append(faults, fmt.Errorf("cannot use --x %q: choose one of %s", o.X, strings.Join(flags, " ")))
	} else if o.X != "user" && o.Stat != "avg" {
		faults = append(faults, fmt.Errorf("cannot use --stat %s with --x %s, which has a percentile of its own: "+
			"give one of them", o.Stat, o.X))
	}
	return errors.Join(faults...)
}

// AxisError reports that no cell has a number on the axis.
type AxisError struct {
	X   string
	Err error // of the first cell that was measured
}

func (e *AxisError) Error() string {
	return fmt.Sprintf("cannot use --x %s, not available in any cell: %v", e.X, e.Err)
}

func (e *AxisError) Unwrap() error { return e.Err }

// available is an *AxisError if cells were measured, but none on the axis.
func (f Facts) available() error {
	if f.X == "user" {
		return nil
	}
	measured := slices.DeleteFunc(slices.Clone(f.Rows), func(r Row) bool { return r.cell.Err != nil })
	has := func(r Row) bool { _, ok := r.Numbers[f.axis.Column]; return ok }
	if len(measured) == 0 || slices.ContainsFunc(measured, has) {
		return nil
	}
	return &AxisError{X: f.X, Err: lacks(*measured[0].cell, f.X)}
}

// lacks is the reason why a cell has no number on an axis other than the guide's.
func lacks(c artifacts.Cell, x string) error {
	if x == "e2e" {
		_, err := c.Measurement.EndToEnd()
		return err
	}
	if _, err := c.Measurement.Value(metric(itlP90)); err != nil {
		return err
	}
	return fmt.Errorf("cannot use %s: its p90 of inter_token_latency is 0, because tokens arrived together",
		c.Measurement.Path)
}

// onAxes adds the x of the further axes to the numbers of a cell.
func onAxes(c artifacts.Cell, found map[string]float64) {
	if ms := found[itlP90]; ms > 0 {
		found[perUserITL] = 1000 / ms
	}
	if v, err := c.Measurement.EndToEnd(); err == nil {
		found[perUserE2E] = v
	}
}

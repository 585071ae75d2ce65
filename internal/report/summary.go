package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"topobench/internal/stats"
)

// unsteady is the coefficient of variation over launches above which a mean is marked.
const unsteady = 0.05

// samples are the quantities of a point by their prefix in summary.csv.
func (p Point) samples() []struct {
	prefix, name string
	stats.Sample
} {
	return []struct {
		prefix, name string
		stats.Sample
	}{{"x", "tok/s/user", p.X}, {"y", "tok/s/gpu", p.Y}, {"ttft", "TTFT", p.TTFT}}
}

// Summary writes summary.csv: a line for each series and concurrency, with the means over launches. A number that
// does not exist is an empty field: one launch has no interval.
func (f Facts) Summary(w io.Writer) error {
	lines := [][]string{summaryHeader()}
	for _, s := range f.Series {
		points := map[int]Point{}
		for _, r := range f.Rows {
			if r.series() == s.Label {
				points[r.Concurrency] = Point{}
			}
		}
		for _, p := range s.Points {
			points[p.Concurrency] = p
		}
		for _, concurrency := range slices.Sorted(maps.Keys(points)) {
			lines = append(lines, s.summaryLine(f, concurrency, points[concurrency]))
		}
	}
	if err := csv.NewWriter(w).WriteAll(lines); err != nil {
		return fmt.Errorf("cannot write the summary: %w", err)
	}
	return nil
}

func summaryHeader() []string {
	header := []string{"label", "concurrency", "rounds", "valid"}
	for _, s := range (Point{}).samples() {
		for _, suffix := range []string{"_mean", "_sd", "_cv", "_low", "_high"} {
			header = append(header, s.prefix+suffix)
		}
	}
	return append(header, "is_pareto_efficient", "cv_over_5_percent", sloState, goodput)
}

func (s Series) summaryLine(f Facts, concurrency int, p Point) []string {
	line := []string{defused(s.Label), pythonFloat(float64(concurrency)), strconv.Itoa(s.counted()),
		strconv.Itoa(s.validLaunches(f, concurrency))}
	for _, sample := range p.samples() {
		fields := make([]string, 5)
		if sample.N > 0 {
			fields[0] = pythonFloat(sample.Mean)
		}
		if low, high, ok := sample.Interval(); ok {
			fields[1], fields[3], fields[4] = pythonFloat(sample.SD), pythonFloat(low), pythonFloat(high)
		}
		if cv, ok := sample.CV(); ok {
			fields[2] = pythonFloat(cv)
		}
		line = append(line, fields...)
	}
	served := ""
	if p.Goodput.N > 0 {
		served = pythonFloat(p.Goodput.Mean)
	}
	return append(line, pythonBool(p.Efficient), pythonBool(p.spread() != ""), string(p.SLO.State), served)
}

// validLaunches counts the launches with a valid cell of a concurrency. A series without a frontier has no point that
// counts them.
func (s Series) validLaunches(f Facts, concurrency int) int {
	var valid []string
	for _, r := range f.Rows {
		if r.series() == s.Label && r.Concurrency == concurrency && r.counts(f.axis) {
			valid = union(valid, r.Artifacts)
		}
	}
	return len(valid)
}

// spread names the quantities that vary by more than 5 % between launches: "CV over 5 %: TTFT 8.1 %".
func (p Point) spread() string {
	var wide []string
	for _, sample := range p.samples() {
		if cv, ok := sample.CV(); ok && cv > unsteady {
			wide = append(wide, sample.name+" "+roughly(cv))
		}
	}
	if len(wide) == 0 {
		return ""
	}
	return "CV over " + percent(unsteady) + ": " + strings.Join(wide, ", ")
}

// SummaryColumns describes every column of summary.csv, in its order.
func SummaryColumns() (all []Column) {
	quantity := map[string]string{"x": "tokens/s/user", "y": "tokens/s/gpu",
		"ttft": "the time to the first token, in ms"}
	suffixes := map[string]string{"mean": "mean over launches of ", "sd": "standard deviation of ",
		"cv": "coefficient of variation (sd / mean) of ", "low": "lower end of the 95 % interval of the mean of ",
		"high": "upper end of the 95 % interval of the mean of "}
	help := map[string]string{
		"label":               "series: kind and mode of the deployment, and the arm of an A/A measurement",
		"concurrency":         "requests at the same time",
		"rounds":              "launches of the series",
		"valid":               "launches with a valid cell of the concurrency, which the other columns are about",
		"is_pareto_efficient": "True if the point of the means is on the frontier of its series",
		sloState:              columnHelp[sloState],
		goodput:               "mean over launches of requests/s within every limit of the SLO",
		"cv_over_5_percent":   "True if a coefficient of variation of the line is over 5 %",
	}
	for _, name := range summaryHeader() {
		c := Column{Name: name, Help: help[name]}
		if prefix, suffix, found := strings.Cut(name, "_"); found && c.Help == "" {
			c.Help = suffixes[suffix] + quantity[prefix]
		}
		all = append(all, c)
	}
	return all
}

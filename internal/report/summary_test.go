package report

import (
	"encoding/csv"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/stats"
	"topobench/internal/verdict"
)

func summary(t *testing.T, f Facts) (header []string, lines [][]string) {
	t.Helper()
	all, err := csv.NewReader(strings.NewReader(string(written(t, f.Summary)))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all[0], all[1:]
}

// Two launches of one side, of which one cell is invalid, and one launch of the other side.
func TestSummaryHasALineForEachConcurrency(t *testing.T) {
	cells := rounds(1, 1.2)
	cells = slices.DeleteFunc(cells, func(c artifacts.Cell) bool { return c.N == 2 })
	cells[len(cells)-1].Verdict.State = verdict.Invalid // x 99 of the second launch
	for i := range cells {
		cells[i].Measurement.Metrics["time_to_first_token"] = aiperf.Metric{Stats: map[string]float64{"avg": 100 + float64(cells[i].N)}}
	}
	f := facts(t, cells, Options{})
	header, lines := summary(t, f)
	if got := strings.Join(header, ","); got != "label,concurrency,rounds,valid,x_mean,x_sd,x_cv,x_low,x_high,y_mean,y_sd,y_cv,y_low,y_high,"+
		"ttft_mean,ttft_sd,ttft_cv,ttft_low,ttft_high,is_pareto_efficient,cv_over_5_percent,slo,goodput" {
		t.Errorf("got %s", got)
	}
	if len(lines) != 6 {
		t.Fatalf("got %d lines of two series with three concurrencies", len(lines))
	}
	cell := func(line int, column string) string { return lines[line][slices.Index(header, column)] }
	number := func(line int, column string) float64 {
		v, err := strconv.ParseFloat(cell(line, column), 64)
		if err != nil {
			t.Errorf("line %d, %s: %v", line, column, err)
		}
		return v
	}
	if got := strings.Join(lines[0], ","); got != "vllm_serve_aggregated,1.0,1,1,20.0,,,,,90.0,,,,,100.0,,,,,True,False,," {
		t.Errorf("one launch has neither a deviation nor an interval: %s", got)
	}
	const other = 4 // concurrency 2: 145 and 145 x 1.2
	y := stats.Summarise([]float64{145, 174})
	low, high, _ := y.Interval()
	for column, want := range map[string]float64{"x_mean": 45, "x_sd": 0, "x_low": 45, "y_mean": y.Mean, "y_sd": y.SD, "y_cv": y.SD / y.Mean,
		"y_low": low, "y_high": high, "ttft_mean": 102} {
		if got := number(other, column); math.Abs(got-want) > 1e-9 {
			t.Errorf("%s is %g, want %g", column, got, want)
		}
	}
	if got := strings.Join(lines[other][:4], ","); got != "dynamo_vllm_disaggregated,2.0,2,2" || cell(other, "cv_over_5_percent") != "True" {
		t.Errorf("got %q", lines[other])
	}
	if got := strings.Join(lines[5][:6], ","); got != "dynamo_vllm_disaggregated,4.0,2,1,99.0," {
		t.Errorf("one of two launches is valid: %s", got)
	}
	table := unwrapped(written(t, f.Table))
	for _, want := range []string{"*  2 of 2; CV over 5 %: tok/s/gpu 13 %\n", "*  1 of 2\n"} {
		if !strings.Contains(table, want) {
			t.Errorf("the table lacks %q:\n%s", want, table)
		}
	}
}

func TestSummaryOfASeriesWithoutAFrontier(t *testing.T) {
	cells := rounds(1, 1)
	cells[0].Deployment.ISL = 7 // in one launch only
	_, lines := summary(t, facts(t, cells, Options{}))
	if got := strings.Join(lines[0], ","); got != "vllm_serve_aggregated,1.0,2,2,,,,,,,,,,,,,,,,False,False,," {
		t.Errorf("launches that are not comparable have no mean: %s", got)
	}
}

func TestSummaryColumnsAreDescribed(t *testing.T) {
	for _, c := range SummaryColumns() {
		if c.Help == "" {
			t.Errorf("%s has no description", c.Name)
		}
	}
}

func TestThePictureHasTheIntervals(t *testing.T) {
	f := facts(t, rounds(1, 1.02), Options{})
	for _, s := range f.Picture().Series {
		for i, p := range s.Points {
			low, high, _ := f.Series[slices.IndexFunc(f.Series, func(o Series) bool { return strings.HasPrefix(s.Name, o.Label) })].Points[i].Y.Interval()
			if p.Cross.Low != low || p.Cross.High != high || p.Cross.Left != p.X {
				t.Errorf("%s: got %+v, want y from %g to %g", s.Name, p, low, high)
			}
		}
	}
}

func TestRoundsAreInTableAndCSV(t *testing.T) {
	f := facts(t, aaCells(1, 1), Options{})
	lines := f.lines()
	round, arm := slices.Index(lines[0], "round"), slices.Index(lines[0], "arm")
	for i, r := range f.Rows {
		if lines[i+1][round] != strconv.Itoa(r.Round) || lines[i+1][arm] != r.Arm {
			t.Errorf("row %d: %q, %q of %+v", i, lines[i+1][round], lines[i+1][arm], r)
		}
	}
	if table := string(written(t, f.Table)); !strings.Contains(table, "conc  round  /user") || !strings.Contains(table, "vllm_serve_aggregated (B)     1      2   20.0") {
		t.Errorf("got\n%s", table)
	}
	if table := string(written(t, f.Table)); !strings.Contains(table, "\nmean                       conc  /user   sd   /gpu   sd  *  launches\n") {
		t.Errorf("the columns of the means have other names:\n%s", table)
	}
	single := facts(t, rounds(1), Options{})
	if table := string(written(t, single.Table)); strings.Contains(table, "round") {
		t.Errorf("one round needs no column:\n%s", table)
	}
	if lines := facts(t, curve("aggregated", [][2]float64{{1, 1}}), Options{}).lines(); lines[1][round] != "" {
		t.Errorf("a round that is not recorded: %q", lines[1])
	}
}

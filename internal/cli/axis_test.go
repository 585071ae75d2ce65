package cli

import (
	"path/filepath"
	"strings"
	"testing"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/report"
	"topobench/internal/verdict"
)

// Hours of measurement end in an answer, also where aiperf lacks the number of the axis.
func TestARunWithoutItsAxisHasTheGuides(t *testing.T) {
	metric := func(stats map[string]float64) aiperf.Metric { return aiperf.Metric{Stats: stats} }
	bare := artifacts.Cell{Concurrency: 1, GPUs: 1, Verdict: verdict.Verdict{State: verdict.Valid},
		Measurement: aiperf.Measurement{Path: filepath.Join(t.TempDir(), aiperf.ExportName),
			Metrics: map[string]aiperf.Metric{
				"output_token_throughput":          metric(map[string]float64{"avg": 9}),
				"output_token_throughput_per_user": metric(map[string]float64{"avg": 8})}}}
	full := bare
	full.Measurement.Metrics = map[string]aiperf.Metric{
		"request_count":               metric(map[string]float64{"avg": 10}),
		"output_token_throughput":     metric(map[string]float64{"avg": 9}),
		"e2e_output_token_throughput": metric(map[string]float64{"p10": 7})}
	for _, row := range []struct {
		cell  artifacts.Cell
		chart string
		x     float64
		notes int
	}{{bare, "pareto_plot.png", 8, 1}, {full, "pareto_plot_e2e.png", 7, 0}} {
		facts, err := onAxis([]artifacts.Cell{row.cell}, report.Options{X: "e2e"})
		if err != nil {
			t.Fatal(err)
		}
		if got := facts.Chart(); got != row.chart || facts.Series[0].Points[0].X.Mean != row.x {
			t.Errorf("got %s, %+v, want %s with x = %g", got, facts.Series[0].Points, row.chart, row.x)
		}
		if len(facts.Warnings) != row.notes || row.notes > 0 && !strings.Contains(facts.Warnings[0], "--x e2e") {
			t.Errorf("%s: warnings %q", row.chart, facts.Warnings)
		}
	}
	if _, err := onAxis(nil, report.Options{X: "none"}); err == nil {
		t.Error("an unknown axis was taken")
	}
}

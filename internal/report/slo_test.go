package report

import (
	"strings"
	"testing"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/slo"
	"topobench/internal/verdict"
)

func objectives(t *testing.T, text string) slo.Targets {
	t.Helper()
	targets, faults := slo.Parse(text)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return targets
}

// waiting gives every cell 100 requests, and the TTFT that by has for it.
func waiting(cells []artifacts.Cell, by func(artifacts.Cell) float64) []artifacts.Cell {
	for i, c := range cells {
		c.Measurement.Metrics["request_count"] = aiperf.Metric{Stats: map[string]float64{"avg": 100}}
		c.Measurement.Metrics["time_to_first_token"] = aiperf.Metric{Stats: map[string]float64{"avg": 1, "p90": by(cells[i])}}
	}
	return cells
}

// flat is a table in one line.
func flat(t *testing.T, f Facts) string {
	t.Helper()
	return strings.Join(strings.Fields(string(written(t, f.Table))), " ")
}

func states(f Facts, mode string, concurrency int) (of []slo.State) {
	for _, r := range f.Rows {
		if r.cell.Deployment.Mode == mode && r.Concurrency == concurrency {
			of = append(of, r.SLO.State)
		}
	}
	return of
}

// The mean over launches decides for all of them. Launches without a valid cell, or with too few requests for the
// percentile, have no part in it.
func TestTheSLOIsJudgedOnTheMeanOverRounds(t *testing.T) {
	const level = 2
	for _, row := range []struct {
		why   string
		ttft  [3]float64
		spoil func(*artifacts.Cell) // in the third launch
		want  slo.State
		rows  int // with that state
	}{
		{"one launch is above, the mean is not", [3]float64{400, 590, 500}, nil, slo.Within, 3},
		{"one launch is below, the mean is not", [3]float64{400, 650, 500}, nil, slo.Outside, 3},
		{"an invalid cell does not count", [3]float64{400, 450, 9000},
			func(c *artifacts.Cell) { c.Verdict.State = verdict.Invalid }, slo.Within, 2},
		{"nor does a percentile of nine requests", [3]float64{400, 450, 9000}, func(c *artifacts.Cell) {
			c.Measurement.Metrics["request_count"] = aiperf.Metric{Stats: map[string]float64{"avg": 9}}
		}, slo.Within, 3},
	} {
		cells := waiting(rounds(1, 1, 1), func(c artifacts.Cell) float64 {
			if c.Concurrency == level {
				return row.ttft[c.Deployment.Round-1]
			}
			return 1
		})
		for i := range cells {
			if row.spoil != nil && cells[i].Deployment.Round == 3 && cells[i].Concurrency == level {
				row.spoil(&cells[i])
			}
		}
		f := facts(t, cells, Options{SLO: objectives(t, "ttft_p90=500ms")})
		n := 0
		for _, state := range states(f, "aggregated", level) {
			if state == row.want {
				n++
			}
		}
		if n != row.rows || f.Series[0].Points[1].SLO.State != row.want {
			t.Errorf("%s: %v, point %+v", row.why, states(f, "aggregated", level), f.Series[0].Points[1].SLO)
		}
		if on := f.Series[0].Points[1].Efficient; on != (row.want == slo.Within) {
			t.Errorf("%s: on the frontier: %t", row.why, on)
		}
	}
}

// The slow end of the other side is outside: neither the frontier of the means nor that of a launch has it, on no axis.
func TestPointsOutsideAreOffTheFrontier(t *testing.T) {
	cells := waiting(rounds(1, 1.01), func(c artifacts.Cell) float64 {
		if c.Deployment.Mode == "disaggregated" && c.Concurrency == 1 {
			return 812.25
		}
		return 100
	})
	without := facts(t, cells, Options{})
	f := facts(t, cells, Options{SLO: objectives(t, "ttft_p90=500ms"), Beyond: []Beyond{{"other", "artifacts_9", 1, []int{64, 128}}}})
	if from := without.Comparisons[0].Measured.Lo; from != 20 {
		t.Errorf("without an SLO the shared range begins at %g", from)
	}
	if from := f.Comparisons[0].Measured.Lo; from != 45 {
		t.Errorf("the shared range begins at %g: a launch has the point outside", from)
	}
	if curve := f.curveOn("dynamo_vllm_disaggregated", f.axis); curve == nil {
		t.Error("no curve")
	} else if from, _ := curve.Range(); from != 45 {
		t.Errorf("on an axis the frontier begins at %g", from)
	}
	for form, row := range map[string][2]string{
		"table":    {flat(t, f), "valid; outside the SLO: ttft_p90 812.25 ms (mean of 2)"},
		"means":    {flat(t, f), "2 of 2; outside the SLO: ttft_p90 812.25 ms (mean of 2)"},
		"skipped":  {string(written(t, f.Table)), "\nother, artifacts_9: concurrency 64 128 skipped, above two levels outside the SLO\n"},
		"summary":  {string(written(t, f.Summary)), "dynamo_vllm_disaggregated,1.0,2,2,10.0"},
		"JSON":     {string(written(t, f.JSON)), `"missed": [`},
		"sentence": {f.Sentences()[0], " (SLO ttft_p90=500ms; outside: dynamo_vllm_disaggregated at concurrency 1)"},
		"warnings": {strings.Join(f.Warnings, "\n"), "dynamo_vllm_disaggregated: concurrency 1 is outside the SLO ttft_p90=500ms: crossed out"},
	} {
		if !strings.Contains(row[0], row[1]) {
			t.Errorf("%s lacks %q:\n%s", form, row[1], row[0])
		}
	}
	header, lines := summary(t, f)
	if got := lines[3][len(header)-4:]; strings.Join(got, ",") != "False,False,outside," {
		t.Errorf("summary.csv: %v", got)
	}
	if got := field(t, f, 3, "slo"); got != "outside" {
		t.Errorf("results.csv: %q", got)
	}
	crossed := 0
	for _, s := range f.Picture().Series {
		for _, p := range s.Points {
			if p.Outside {
				crossed++
				if p.Frontier || p.X != 10 {
					t.Errorf("%+v is crossed out", p)
				}
			}
		}
	}
	if crossed != 1 {
		t.Errorf("%d points are crossed out", crossed)
	}
	for form, text := range map[string]string{"table": string(written(t, without.Table)), "sentence": without.Sentences()[0],
		"JSON": string(written(t, without.JSON)), "warnings": strings.Join(without.Warnings, "\n")} {
		if strings.Contains(text, "SLO") || strings.Contains(text, "goodput") || strings.Contains(text, "missed") {
			t.Errorf("without an SLO the %s has it:\n%s", form, text)
		}
	}
}

// A point that cannot be judged stays on the frontier, and every form has a note.
func TestPointsWithoutEvidenceAreNotJudged(t *testing.T) {
	cells := waiting(rounds(1), func(artifacts.Cell) float64 { return 100 })
	for i := range cells {
		if cells[i].Concurrency == 1 {
			cells[i].Measurement.Metrics["request_count"] = aiperf.Metric{Stats: map[string]float64{"avg": 9}}
		}
	}
	f := facts(t, cells, Options{SLO: objectives(t, "ttft_p90=500ms,ttft_avg=1s")})
	if p := f.Series[0].Points[0]; p.SLO.State != slo.NotJudged || !p.Efficient {
		t.Errorf("%+v", p)
	}
	for form, row := range map[string][2]string{
		"table":    {flat(t, f), "valid; SLO not judged: ttft_p90"},
		"sentence": {f.Sentences()[0], "; not judged: dynamo_vllm_disaggregated at concurrency 1, vllm_serve_aggregated at concurrency 1)"},
		"warnings": {strings.Join(f.Warnings, "\n"), "SLO not judged at concurrency 1, which lacks ttft_p90"},
		"CSV":      {field(t, f, 0, "slo"), "not judged"},
	} {
		if !strings.Contains(row[0], row[1]) {
			t.Errorf("%s lacks %q:\n%s", form, row[1], row[0])
		}
	}
}

func TestASideWithoutAPointWithinTheSLO(t *testing.T) {
	cells := waiting(rounds(1), func(c artifacts.Cell) float64 {
		if c.Deployment.Mode == "aggregated" {
			return 501
		}
		return 500
	})
	f := facts(t, cells, Options{SLO: objectives(t, "ttft_p90=500ms")})
	if got := f.Sentences()[0]; f.Comparisons[0].Measured != nil || !strings.Contains(got, "vllm_serve_aggregated has no valid point within the SLO") ||
		!strings.HasSuffix(got, " (SLO ttft_p90=500ms; outside: vllm_serve_aggregated at concurrency 1 2 4)") {
		t.Errorf("got %s", got)
	}
	if !strings.Contains(strings.Join(f.Warnings, "\n"), "no point is left") {
		t.Errorf("warnings %v", f.Warnings)
	}
	alone := facts(t, cells[3:], Options{SLO: objectives(t, "ttft_p90=500ms")})
	if got := alone.Answer(); len(got) != 1 || !strings.Contains(got[0], "(SLO ttft_p90=500ms)") {
		t.Errorf("the frontier of one side: %q", got)
	}
}

// Goodput comes from the sidecars here. Means are over launches.
func TestGoodputIsShown(t *testing.T) {
	cells := waiting(rounds(1, 1), func(artifacts.Cell) float64 { return 100 })
	for i, c := range cells {
		if c.Concurrency == 2 {
			cells[i].Records = &aiperf.Summary{Requests: 100, SLO: "ttft_p90=500ms", Goodput: new(float64(c.Deployment.Round))}
		}
	}
	f := facts(t, cells, Options{SLO: objectives(t, "ttft_p90=0.5s")})
	if a, b, none := field(t, f, 1, "goodput"), field(t, f, 7, "goodput"), field(t, f, 0, "goodput"); a+b+none != "1.02.0" {
		t.Errorf("results.csv: %q, %q, %q", a, b, none)
	}
	header, lines := summary(t, f)
	if got := lines[1][len(header)-1]; got != "1.5" || lines[0][len(header)-1] != "" {
		t.Errorf("summary.csv: %q", got)
	}
	if table := string(written(t, f.Table)); !strings.Contains(table, " goodput") || strings.Count(table, " 2.00 ") != 2 {
		t.Errorf("table:\n%s", table)
	}
	other := facts(t, cells, Options{SLO: objectives(t, "ttft_p90=400ms")})
	if got := field(t, other, 1, "goodput"); got != "" {
		t.Errorf("another SLO without records: %q", got)
	}
}

// Launches that were not measured alike have no means.
func TestMixedLaunchesAreNotJudged(t *testing.T) {
	cells := waiting(rounds(1, 1), func(artifacts.Cell) float64 { return 9000 })
	cells[0].Deployment.ISL = 7
	f := facts(t, cells, Options{SLO: objectives(t, "ttft_p90=500ms")})
	if got := states(f, "aggregated", 2); got[0] != "" || got[1] != "" || states(f, "disaggregated", 2)[0] != slo.Outside {
		t.Errorf("got %v", got)
	}
}

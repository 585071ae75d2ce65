package report

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/verdict"
)

// with sets a statistic of a cell's metric.
func with(c artifacts.Cell, tag, stat string, v float64) artifacts.Cell {
	metrics := map[string]aiperf.Metric{}
	for name, m := range c.Measurement.Metrics {
		metrics[name] = m
	}
	stats := map[string]float64{stat: v}
	for name, old := range metrics[tag].Stats {
		if name != stat {
			stats[name] = old
		}
	}
	metrics[tag] = aiperf.Metric{Stats: stats}
	c.Measurement.Metrics = metrics
	return c
}

const e2e = "e2e_output_token_throughput"

func TestFormsOnTheOtherAxes(t *testing.T) {
	for x, suffix := range map[string]string{"p90": "_itl_p90", "e2e": "_e2e"} {
		f, dir := recorded(t, Options{X: x}), t.TempDir()
		golden(t, "table"+suffix+".txt", written(t, f.Table))
		golden(t, "sentences"+suffix+".txt", []byte(strings.Join(append(f.Sentences(), f.Warnings...), "\n")+"\n"))
		if _, err := f.Files(dir); err != nil {
			t.Fatal(err)
		}
		want := []string{"pareto_plot" + suffix + ".png", "pareto_plot" + suffix + ".svg", "results" + suffix + ".csv",
			"summary" + suffix + ".csv"}
		if diff := cmp.Diff(want, names(t, dir)); diff != "" {
			t.Errorf("--x %s: %s", x, diff)
		}
		if f.Picture().XName == recorded(t, Options{}).Picture().XName {
			t.Errorf("--x %s: the chart has the name of the guide's axis", x)
		}
	}
}

// No two charts share a name: --stat p90 is another one than --x p90.
func TestEveryAxisHasFilesOfItsOwn(t *testing.T) {
	seen := map[string]string{}
	for _, stat := range Stats() {
		for _, a := range axes(stat) {
			if other := seen[a.File]; other != "" && other != a.Flag+a.Mark {
				t.Errorf("%s and %s are both in pareto_plot%s.png", other, a.Flag+a.Mark, a.File)
			}
			seen[a.File] = a.Flag + a.Mark
		}
	}
}

// The point of equal throughput per user differs by axis, and so does the frontier.
func TestXIsThatOfTheAxis(t *testing.T) {
	cell := with(with(at("aggregated", 50, 80), "inter_token_latency", "p90", 25), e2e, "p10", 12.5)
	fast := with(with(at("aggregated", 60, 90), "inter_token_latency", "p90", 50), e2e, "p10", 14)
	fast.Concurrency = 2
	for x, want := range map[string][2]float64{"user": {50, 60}, "p90": {40, 20}, "e2e": {12.5, 14}} {
		f, err := Of([]artifacts.Cell{cell, fast}, Options{X: x})
		if err != nil {
			t.Fatal(err)
		}
		p := f.Series[0].Points
		if got := [2]float64{p[0].X.Mean, p[1].X.Mean}; got != want {
			t.Errorf("--x %s: x is %v, want %v", x, got, want)
		}
		if first := x == "p90"; p[0].Efficient != first || f.Rows[0].Efficient != first || !p[1].Efficient {
			t.Errorf("--x %s: the first point is on the frontier of p90 only: %+v", x, p)
		}
	}
}

func TestAxesThatContradict(t *testing.T) {
	cells := []artifacts.Cell{at("aggregated", 1, 1)}
	for _, row := range []struct {
		o    Options
		want []string // parts of the error; none: it is taken
	}{
		{Options{X: "user", Stat: "max"}, nil},
		{Options{X: "e2e", Stat: "p50"}, []string{"--stat p50", "--x e2e"}},
		{Options{X: "p90", Stat: "p90"}, []string{"--stat p90", "--x p90"}},
		{Options{X: "ttft"}, []string{`"ttft"`, "user p90 e2e"}},
		{Options{X: "ttft", Stat: "p51"}, []string{`"ttft"`, `"p51"`}},
	} {
		_, err := Of(cells, row.o)
		if (err == nil) != (row.want == nil) {
			t.Errorf("%+v: %v", row.o, err)
		}
		for _, part := range row.want {
			if !strings.Contains(fmt.Sprint(err), part) {
				t.Errorf("%+v: %v lacks %q", row.o, err, part)
			}
		}
	}
}

func TestAxisThatNoCellHas(t *testing.T) {
	cell := at("aggregated", 1, 1)
	cell.Measurement.Path = filepath.Join(t.TempDir(), aiperf.ExportName)
	zero := with(cell, "inter_token_latency", "p90", 0)
	unread := artifacts.Cell{Deployment: cell.Deployment, Err: errors.New("no such file"), GPUs: 2}
	for _, row := range []struct {
		x    string
		cell artifacts.Cell
		want []string // parts of the error
	}{
		{"user", cell, nil},
		{"e2e", cell, []string{"--x e2e", e2e, aiperf.RecordsName}},
		{"p90", cell, []string{"--x p90", "inter_token_latency"}},
		{"p90", zero, []string{"inter_token_latency is 0"}},
		{"e2e", with(cell, e2e, "p10", 3), nil},
		{"e2e", unread, nil}, // its own fault is in the table
	} {
		_, err := Of([]artifacts.Cell{unread, row.cell}, Options{X: row.x})
		_, missing := errors.AsType[*AxisError](err)
		if missing != (row.want != nil) {
			t.Errorf("--x %s: %v", row.x, err)
		}
		for _, part := range row.want {
			if !strings.Contains(fmt.Sprint(err), part) {
				t.Errorf("--x %s: %v lacks %q", row.x, err, part)
			}
		}
	}
}

// An axis that a cell lacks leaves that cell out; a wrong place would look right.
func TestACellWithoutTheAxisIsNotDrawn(t *testing.T) {
	bare := at("aggregated", 2, 2)
	bare.Concurrency = 4
	placed := with(with(at("aggregated", 1, 1), e2e, "p10", 3), "request_count", "avg", 10)
	f, err := Of([]artifacts.Cell{placed, bare}, Options{X: "e2e"})
	if err != nil {
		t.Fatal(err)
	}
	if s := f.Series[0]; len(s.Points) != 1 || s.Valid != 1 || s.Cells != 2 || len(f.Picture().Series[0].Points) != 1 {
		t.Errorf("got %+v", s)
	}
	if len(f.Warnings) != 1 || !strings.Contains(f.Warnings[0], "(concurrency 4) is not drawn") {
		t.Errorf("got %q", f.Warnings)
	}
}

// Records are read for --x e2e only: a thousand of them take seconds.
func TestRecordsAreReadForTheirAxisOnly(t *testing.T) {
	dir := t.TempDir()
	record := `{"metadata":{"benchmark_phase":"profiling"},"metrics":{"output_sequence_length":{"value":10},` +
		`"request_latency":{"value":400}}}` + "\n"
	if err := os.WriteFile(filepath.Join(dir, aiperf.RecordsName), []byte(record), 0o644); err != nil {
		t.Fatal(err)
	}
	cell := with(at("aggregated", 1, 1), "request_count", "avg", 1)
	cell.Measurement.Path, cell.Verdict.State = filepath.Join(dir, aiperf.ExportName), verdict.Valid
	for x, want := range map[string]float64{"user": 0, "p90": 0, "e2e": 25} {
		got := rows([]artifacts.Cell{cell}, Options{X: x, Stat: "avg"})[0].Numbers[perUserE2E]
		if math.Abs(got-want) > 1e-9 {
			t.Errorf("--x %s: got %g, want %g", x, got, want)
		}
	}
}

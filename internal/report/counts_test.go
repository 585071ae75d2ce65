package report

import (
	"encoding/csv"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/verdict"
)

// realVLLM is the facts of exports from real vLLM servers. aiperf tokenises their output into more tokens
// than the servers generated.
func realVLLM(t *testing.T) Facts {
	t.Helper()
	cells, errs := artifacts.Tree(filepath.Join("testdata", "token_counts"))
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	f, err := Of(cells, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestTokenCountsThatDifferAreMarked(t *testing.T) {
	f := realVLLM(t)
	golden(t, "token_counts.txt", []byte(string(written(t, f.Table))+strings.Join(f.Warnings, "\n")+"\n"))
	lines, err := csv.NewReader(strings.NewReader(string(written(t, f.CSV)))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := func(name string) int { return slices.Index(lines[0], name) }
	// tokens/s of the export, by its two counts of output tokens, over two GPUs
	for i, row := range []struct{ throughput, usage, text float64 }{
		{37.31785265047747, 15, 18.8}, {41.17063270188986, 15, 18.6}, {97.88241115746338, 15, 17.075},
	} {
		line := lines[i+1]
		got, err := strconv.ParseFloat(line[column("output_token_throughput_per_gpu_by_usage")], 64)
		if want := row.throughput / 2 * row.usage / row.text; err != nil || math.Abs(got-want) > 1e-9 {
			t.Errorf("row %d: %g by usage (%v), want %g", i, got, err, want)
		}
		if differ := line[column("token_counts_differ")]; differ != "True" {
			t.Errorf("row %d: token_counts_differ is %q", i, differ)
		}
	}
}

func TestTokenCountsDifferByMoreThanTwoPercent(t *testing.T) {
	for _, row := range []struct {
		why         string
		text, usage float64 // below 0: the export lacks it
		differ      string
		byUsage     bool
	}{
		{"the same", 50, 50, "False", true},
		{"2 % more", 51, 50, "False", true},
		{"more than that", 51.1, 50, "True", true},
		{"less by more than that", 48.9, 50, "True", true},
		{"no usage", 50, -1, "", false},
		{"no text", -1, 50, "", false},
		{"no token by the text: nothing to divide by", 0, 50, "True", false},
	} {
		cell := at("aggregated", 10, 10)
		for tag, v := range map[string]float64{"output_sequence_length": row.text, "usage_completion_tokens": row.usage} {
			if v >= 0 {
				cell.Measurement.Metrics[tag] = aiperf.Metric{Stats: map[string]float64{"avg": v}}
			}
		}
		f, err := Of([]artifacts.Cell{cell}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		lines := f.lines()
		column := func(name string) string { return lines[1][slices.Index(lines[0], name)] }
		if got := column("token_counts_differ"); got != row.differ {
			t.Errorf("%s: token_counts_differ is %q, want %q", row.why, got, row.differ)
		}
		if has := column(byUsage) != ""; has != row.byUsage {
			t.Errorf("%s: a throughput by usage: %t, want %t", row.why, has, row.byUsage)
		}
		marked := strings.Contains(string(written(t, f.Table)), "†")
		if want := row.differ == "True"; marked != want || (len(f.Warnings) > 0) != want {
			t.Errorf("%s: marked %t, warnings %q, want %t", row.why, marked, f.Warnings, want)
		}
		if f.Rows[0].State != verdict.Valid || !f.Rows[0].Efficient {
			t.Errorf("%s: that counts differ makes no cell invalid", row.why)
		}
	}
}

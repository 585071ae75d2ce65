package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"topobench/internal/artifacts"
	"topobench/internal/text"
	"topobench/internal/verdict"
)

// unwrapped joins the lines of a table that continue a row.
func unwrapped(table []byte) string { return strings.ReplaceAll(string(table), "\n    ", " ") }

// tooWide are the lines of a text that do not fit.
func tooWide(s string) (lines []string) {
	for line := range strings.Lines(s) {
		if line = strings.TrimSuffix(line, "\n"); utf8.RuneCountInString(line) > text.Width {
			lines = append(lines, line)
		}
	}
	return lines
}

// Long labels, large numbers, marks and reasons: no table is wider than a terminal, and no label looks like another.
func TestTablesFitATerminal(t *testing.T) {
	kinds := []string{"dynamo_vllm_llama_3_3_70b_instruct_fp8_prefill_tp2_decode_tp4_a",
		"dynamo_vllm_llama_3_3_70b_instruct_fp8_prefill_tp2_decode_tp4_b", "k"}
	var cells []artifacts.Cell
	for n := range 6 {
		for i, c := range curve("aggregated", [][2]float64{{123456, 10 + float64(n)}, {45000, 80000}, {20000, 90000}}) {
			c.Deployment.Kind, c.Deployment.Round, c.N = kinds[n%3], 1+n/3, n
			c.Artifacts = fmt.Sprintf("artifacts_%d", n)
			if i == n%3 {
				c.Verdict = verdict.Verdict{State: verdict.Unchecked, Reasons: []string{strings.Repeat("a reason ", 30), "b"}}
			}
			cells = append(cells, c)
		}
	}
	for _, o := range []Options{{}, {Stat: "avg", Baseline: kinds[0] + "_aggregated"}} {
		f := facts(t, cells, o)
		whole := string(written(t, f.Table))
		for _, c := range f.Comparisons {
			whole += c.ReadingsTable()
		}
		if wide := tooWide(whole); len(wide) > 0 {
			t.Errorf("wider than %d columns:\n%s\nin\n%s", text.Width, strings.Join(wide, "\n"), whole)
		}
		var labels []string
		for line := range strings.Lines(whole) {
			if name, _, cut := strings.Cut(line, "…"); cut {
				end, _, _ := strings.Cut(line[len(name):], " ")
				labels = append(labels, name+end)
			}
		}
		if got := text.Distinct(labels); len(got) != 4 || !slices.Contains(strings.Fields(whole), "k_aggregated") { // one width for each table
			t.Errorf("labels %q in\n%s", got, whole)
		}
	}
}

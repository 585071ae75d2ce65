package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// CSV writes a line per row: the columns of plot_pareto.py's results.csv first, then ours. A number is
// written as Python's repr does; what was not measured is empty. A text that a spreadsheet would take
// for a formula gets an apostrophe.
func (f Facts) CSV(w io.Writer) error {
	if err := csv.NewWriter(w).WriteAll(f.lines()); err != nil {
		return fmt.Errorf("cannot write the CSV: %w", err)
	}
	return nil
}

// lines are the header and one for each row.
func (f Facts) lines() [][]string {
	theirs, ours := theirColumns(f.Stat), ourColumns(f.Stat)
	lines := [][]string{header(theirs, ours)}
	for i, r := range f.Rows {
		lines = append(lines, r.record(i, theirs, ours))
	}
	return lines
}

func header(theirs, ours []string) []string {
	names := append([]string{"", "label", "configuration", "concurrency"}, theirs...)
	names = append(names, "is_pareto_efficient", "valid", "reason", "name", "artifacts", "gpus", "simulated")
	return append(append(names, ours...), "aiperf_version", byUsage, "token_counts_differ", "launch")
}

// record is header's line for row i.
func (r Row) record(i int, theirs, ours []string) []string {
	line := []string{strconv.Itoa(i), cell(r.Label), cell(r.Configuration), pythonFloat(float64(r.Concurrency))}
	line = append(line, r.fields(theirs)...)
	line = append(line, pythonBool(r.Efficient), string(r.State), cell(strings.Join(r.Reasons, "; ")), cell(r.Name), cell(r.Artifacts), "", pythonBool(r.Simulated))
	if r.GPUs > 0 {
		line[len(line)-2] = strconv.Itoa(r.GPUs)
	}
	line = append(append(line, r.fields(ours)...), cell(r.AIPerf))
	line = append(line, r.fields([]string{byUsage})...)
	differ := ""
	if r.CountsDiffer != nil {
		differ = pythonBool(*r.CountsDiffer)
	}
	return append(line, differ, strconv.Itoa(r.Launch))
}

// theirColumns are the numbers of plot_pareto.py, in its order.
func theirColumns(stat string) []string {
	m := upstreams(stat)
	return []string{m[0].column(), perGPU, m[1].column(), m[2].column()}
}

func ourColumns(stat string) []string {
	var names []string
	for _, m := range ours(stat) {
		names = append(names, m.column())
	}
	return names
}

func (r Row) fields(columns []string) []string {
	var fields []string
	for _, name := range columns {
		field := ""
		if v, ok := r.Numbers[name]; ok {
			field = pythonFloat(v)
		}
		fields = append(fields, field)
	}
	return fields
}

// cell defuses a formula: label and model names come from files that others wrote.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// pythonFloat is Python's repr: the shortest text that reads back the same, with an exponent below
// 1e-4 and from 1e16 on.
func pythonFloat(v float64) string {
	if size := math.Abs(v); size != 0 && (size < 1e-4 || size >= 1e16) {
		return strconv.FormatFloat(v, 'e', -1, 64)
	}
	text := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

func pythonBool(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

// JSON writes the facts, indented. It fails if a number is not finite.
func (f Facts) JSON(w io.Writer) error {
	to := json.NewEncoder(w)
	to.SetEscapeHTML(false)
	to.SetIndent("", "  ")
	if err := to.Encode(f); err != nil {
		return fmt.Errorf("cannot write the JSON: %w", err)
	}
	return nil
}

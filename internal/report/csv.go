package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// CSV writes a line for each cell: first the columns of plot_pareto.py's results.csv, then ours. Numbers
// have Python's repr; a missing one is an empty field. A text that a spreadsheet would run as a formula gets
// an apostrophe in front.
func (f Facts) CSV(w io.Writer) error {
	if err := csv.NewWriter(w).WriteAll(f.lines()); err != nil {
		return fmt.Errorf("cannot write the CSV: %w", err)
	}
	return nil
}

// lines are the header and one line for each row.
func (f Facts) lines() [][]string {
	theirs, further := theirColumns(f.Stat), ourColumns(f.Stat)
	header := slices.Concat([]string{"", "label", "configuration", "concurrency"}, theirs,
		[]string{"is_pareto_efficient", "valid", "reason", "name", "artifacts", "gpus", "simulated"}, further,
		[]string{"aiperf_version", byUsage, "token_counts_differ", "launch", "noted", "notes"},
		recordColumns(), []string{unsupported, "round", "arm", sloState, goodput}, powerColumns())
	lines := [][]string{header}
	for i, r := range f.Rows {
		gpus, differ := "", ""
		if r.GPUs > 0 {
			gpus = strconv.Itoa(r.GPUs)
		}
		if r.CountsDiffer != nil {
			differ = pythonBool(*r.CountsDiffer)
		}
		lines = append(lines, slices.Concat(
			[]string{strconv.Itoa(i), defused(r.Label), defused(r.Configuration), pythonFloat(float64(r.Concurrency))},
			r.fields(theirs),
			[]string{pythonBool(r.Efficient), string(r.State), defused(strings.Join(r.Reasons, "; ")), defused(r.Name),
				defused(r.Artifacts), gpus, pythonBool(r.Simulated)},
			r.fields(further), []string{defused(r.AIPerf)}, r.fields([]string{byUsage}),
			[]string{differ, strconv.Itoa(r.Launch), defused(strings.Join(r.Noted, "; ")),
				defused(strings.Join(r.Notes, "; "))},
			r.fields(recordColumns()),
			[]string{strings.Join(r.Unsupported, "; "), r.round(), defused(r.Arm), string(r.SLO.State)},
			r.fields([]string{goodput}), r.fields(powerColumns())))
	}
	return lines
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

// defused keeps a spreadsheet from running a text as a formula: labels and names come from files of others.
func defused(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// pythonFloat is Python's repr: the shortest text that gives the same number, with an exponent below 1e-4
// and from 1e16.
func pythonFloat(v float64) string {
	if size := math.Abs(v); size != 0 && (size < 1e-4 || size >= 1e16) {
		return strconv.FormatFloat(v, 'e', -1, 64)
	}
	digits := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(digits, ".") {
		digits += ".0"
	}
	return digits
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

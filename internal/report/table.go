package report

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"topobench/internal/stats"
	"topobench/internal/text"
	"topobench/internal/verdict"
)

// Table writes aligned columns for a terminal: a line for each cell, then, if there are several launches, a line for
// each mean with its standard deviation and a mark if that is large. A star marks the frontier, a dash a missing
// number, a blank a percentile of too few requests, a dagger a number that depends on aiperf's count of tokens where
// the server counted others. With an SLO there is the goodput.
func (f Facts) Table(w io.Writer) error {
	lines := [][]string{tableHeader(f.axis, f.Stat)}
	if f.SLO != "" {
		lines[0] = slices.Insert(lines[0], 6, goodputHeader)
	}
	columns := theirColumns(f.Stat)
	columns[0] = f.axis.Column
	marked := slices.ContainsFunc(f.Rows, Row.miscounted)
	for _, r := range f.Rows {
		line := []string{text.Clean(r.series()), strconv.Itoa(r.Concurrency)}
		for i, name := range columns {
			shown := r.shown(name)
			if ttft := i == 2; marked && !ttft { // the other rows get a space, so that digits stay aligned
				dagger := " "
				if r.miscounted() {
					dagger = "†"
				}
				shown += dagger
			}
			line = append(line, shown)
		}
		if f.SLO != "" {
			line = append(line, r.shown(goodput))
		}
		lines = append(lines, append(line, star(r.Efficient), r.verdict()))
	}
	table := align(lines)

	if slices.ContainsFunc(f.Rows, func(r Row) bool { return r.Round > 1 }) {
		table = align(f.withRounds(lines))
	}
	means := [][]string{
		{"mean", "conc", lines[0][2], "sd", lines[0][3], "sd", "frontier", "valid launches"}}
	for _, s := range f.Series {
		if _, most := s.repeats(); most < 2 {
			continue
		}
		for _, p := range s.Points {
			means = append(means, []string{text.Clean(s.Label), strconv.Itoa(p.Concurrency),
				number(p.X.Mean), deviation(p.X), number(p.Y.Mean), deviation(p.Y),
				star(p.Efficient), s.validText(p)})
		}
	}
	if len(means) > 1 {
		table += "\n" + align(means)
	}
	for _, b := range f.Beyond {
		table += b.String() + "\n"
	}
	if _, err := io.WriteString(w, table); err != nil {
		return fmt.Errorf("cannot write the table: %w", err)
	}
	return nil
}

// withRounds has the rounds behind the concurrencies.
func (f Facts) withRounds(lines [][]string) [][]string {
	wider := [][]string{slices.Insert(slices.Clone(lines[0]), 2, "round")}
	for i, r := range f.Rows {
		wider = append(wider, slices.Insert(slices.Clone(lines[i+1]), 2, r.round()))
	}
	return wider
}

// validText counts the launches with a valid cell: "2 of 3", with the mark of a large spread.
func (s Series) validText(p Point) string {
	count := fmt.Sprintf("%d of %d", p.X.N, s.counted())
	if spread := p.spread(); spread != "" {
		count += "; " + spread
	}
	if judged := p.SLO.String(); judged != "" {
		count += "; " + judged
	}
	return count
}

// tableHeader names the columns. tok/s/gpu is an average whatever the statistic is.
func tableHeader(on Axis, stat string) []string {
	suffix, mark := "", ""
	if stat != "avg" {
		suffix = " " + stat
	}
	if on.Mark != "" {
		mark = " " + on.Mark
	}
	return []string{"series", "conc", "tok/s/user" + mark, "tok/s/gpu", "TTFT ms" + suffix, "ITL ms" + suffix,
		"frontier", "valid"}
}

func (r Row) shown(column string) string {
	if slices.Contains(r.Unsupported, column) {
		return ""
	}
	if v, ok := r.Numbers[column]; ok {
		return number(v)
	}
	return "-"
}

const reasonWidth = 100 // characters in the table

// verdict has the first reason, which is the cause; the CSV has all.
func (r Row) verdict() string {
	observed := limits(r.Notes, r.Noted)
	if judged := r.SLO.String(); judged != "" {
		observed = slices.Insert(observed, 0, judged)
	}
	switch {
	case r.State == verdict.Valid && len(observed) > 0:
		return strings.Join(append([]string{"valid"}, observed...), "; ")
	case r.State == verdict.Valid || len(r.Reasons) == 0:
		return string(r.State)
	}
	reason := string(r.State) + ": " + text.Ends(r.Reasons[0], reasonWidth)
	if more := len(r.Reasons) - 1; more > 0 {
		reason += fmt.Sprintf(" (and %d more)", more)
	}
	return reason
}

// deviation is a standard deviation; one value has none.
func deviation(s stats.Sample) string {
	if s.N < 2 {
		return "-"
	}
	return number(s.SD)
}

func star(on bool) string {
	if on {
		return "*"
	}
	return ""
}

// align pads all columns but the last: text in the first on its right, the others, which are numbers, on
// their left.
func align(lines [][]string) string {
	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, field := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(field))
		}
	}
	var b strings.Builder
	for _, line := range lines {
		last := len(line) - 1
		fmt.Fprintf(&b, "%-*s", widths[0], line[0])
		for i, field := range line[1:last] {
			fmt.Fprintf(&b, "  %*s", widths[i+1], field)
		}
		fmt.Fprintf(&b, "  %s\n", line[last])
	}
	return b.String()
}

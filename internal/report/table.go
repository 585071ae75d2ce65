package report

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"topobench/internal/verdict"
)

// Table writes aligned columns for a terminal. A star marks the frontier, a dash what was not measured,
// a dagger a number for which the server counted other tokens than aiperf.
func (f Facts) Table(w io.Writer) error {
	names := theirColumns(f.Stat)
	stat := "" // of the columns that have it: tok/s/gpu is always an average
	if f.Stat != "avg" {
		stat = " " + f.Stat
	}
	lines := [][]string{{"series", "conc", "tok/s/user" + stat, "tok/s/gpu", "TTFT ms" + stat, "ITL ms" + stat, "frontier", "valid"}}
	marked := slices.ContainsFunc(f.Rows, Row.miscounted)
	for _, r := range f.Rows {
		line := []string{printable(r.Label), strconv.Itoa(r.Concurrency)}
		for i, name := range names {
			line = append(line, r.shown(name))
			if marked && i != 2 { // TTFT counts no tokens; all or none, so that the digits stay below each other
				line[len(line)-1] += dagger(r.miscounted())
			}
		}
		lines = append(lines, append(line, star(r.Efficient), r.verdict()))
	}
	if _, err := io.WriteString(w, align(lines)); err != nil {
		return fmt.Errorf("cannot write the table: %w", err)
	}
	return nil
}

func (r Row) shown(column string) string {
	if v, ok := r.Numbers[column]; ok {
		return number(v)
	}
	return "-"
}

// verdict has the first reason; the CSV has all.
func (r Row) verdict() string {
	if r.State == verdict.Valid || len(r.Reasons) == 0 {
		return string(r.State)
	}
	said := string(r.State) + ": " + r.Reasons[0]
	if more := len(r.Reasons) - 1; more > 0 {
		said += fmt.Sprintf(" (and %d more)", more)
	}
	return said
}

func dagger(on bool) string {
	if on {
		return "†"
	}
	return " "
}

func star(on bool) string {
	if on {
		return "*"
	}
	return ""
}

// align pads all columns but the last: the first to the left, the others, which are numbers, to the right.
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

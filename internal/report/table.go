package report

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"topobench/internal/stats"
	"topobench/internal/text"
	"topobench/internal/verdict"
)

// Table writes aligned columns for a terminal: a line for each cell, then, if there are several launches, a line for
// each mean with its standard deviation and a mark if that is large. A star marks the frontier, a dash a missing
// number, a blank a percentile of too few requests, a dagger a number that depends on aiperf's count of tokens where
// the server counted others. With an SLO there is the goodput.
func (f Facts) Table(w io.Writer) error {
	header := tableHeader(f.axis, f.Stat)
	if f.SLO != "" {
		header = slices.Insert(header, 6, goodputHeader)
	}
	columns := theirColumns(f.Stat)
	columns[0] = f.axis.Column
	marked := slices.ContainsFunc(f.Rows, Row.miscounted)
	starred := false
	var lines [][]string
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
		lines, starred = append(lines, append(line, star(r.Efficient), r.verdict())), starred || r.Efficient
	}
	if slices.ContainsFunc(f.Rows, func(r Row) bool { return r.Round > 1 }) { // the rounds behind the concurrencies
		header = slices.Insert(header, 2, "round")
		for i, r := range f.Rows {
			lines[i] = slices.Insert(lines[i], 2, r.round())
		}
	}
	table := text.Table(header, lines) + f.means()
	if starred {
		table += "* on the frontier\n"
	}
	for _, b := range f.Beyond {
		table += b.String() + "\n"
	}
	if _, err := io.WriteString(w, table); err != nil {
		return fmt.Errorf("cannot write the table: %w", err)
	}
	return nil
}

// means is the table of the means over launches; empty if there are none.
func (f Facts) means() string {
	var lines [][]string
	for _, s := range f.Series {
		if _, most := s.repeats(); most < 2 {
			continue
		}
		for _, p := range s.Points {
			lines = append(lines, []string{text.Clean(s.Label), strconv.Itoa(p.Concurrency),
				number(p.X.Mean), deviation(p.X), number(p.Y.Mean), deviation(p.Y),
				star(p.Efficient), s.validText(p)})
		}
	}
	if len(lines) == 0 {
		return ""
	}
	of := tableHeader(f.axis, f.Stat)
	return "\n" + text.Table([]string{"mean", "conc", of[2], "sd", of[3], "sd", "*", "valid\nlaunches"}, lines)
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
		mark = "\n" + on.Mark
	}
	return []string{"series", "conc", "tok/s\n/user" + mark, "tok/s\n/gpu", "TTFT\nms" + suffix, "ITL\nms" + suffix,
		"*", "valid"}
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

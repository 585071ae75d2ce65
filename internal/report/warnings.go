package report

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"topobench/internal/text"
	"topobench/internal/verdict"
)

// warnings names everything that limits the numbers and that the picture does not show.
func warnings(f Facts) []string {
	all := []string{}
	warn := func(format string, args ...any) { all = append(all, text.Clean(fmt.Sprintf(format, args...))) }
	duplicate := f.duplicates()
	for _, s := range f.Series {
		switch {
		case len(s.Mixed) > 0:
			warn("%s is one series made of artifacts that are not comparable: %s: it has no frontier and no "+
				"comparison; give each its own deployment kind", s.Label, strings.Join(s.Mixed, "; "))
		case len(s.Artifacts) > 1 && notPaired(s.each, nil) != "":
			warn("%s is one series made of %s: cells with the same concurrency are averaged as repeats; "+
				"if these are different topologies, plot them separately", s.Label, strings.Join(s.Artifacts, ", "))
		}
		if len(s.Listed) > 0 && len(s.Mixed) == 0 {
			warn("%s is one series made of artifacts with unlike settings: %s", s.Label, strings.Join(s.Listed, "; "))
		}
		if cells := s.which(f.Rows, duplicate); cells.n > 0 {
			warn("%s: %s more than once in one artifacts_N: a copy or an earlier attempt is averaged as a repeat",
				s.Label, cells.verb("occurs", "occur"))
		}
		for _, state := range []verdict.State{verdict.Invalid, verdict.Unchecked} {
			if cells := s.which(f.Rows, func(r Row) bool { return r.State == state && f.placed(r) }); cells.n > 0 {
				warn("%s: %s %s: hollow in the picture and off the frontier; table and CSV have the reasons",
					s.Label, cells.verb("is", "are"), state)
			}
			if cells := s.which(f.Rows, func(r Row) bool { return r.State == state && !f.placed(r) }); cells.n > 0 {
				warn("%s: %s %s and not in the picture; table and CSV have the reasons", s.Label,
					cells.verb("is", "are"), state)
			}
		}
		if cells := s.which(f.Rows, Row.miscounted); cells.n > 0 {
			warn("%s: in %s aiperf counts other output tokens than the server's usage (†). tok/s/user, tok/s/gpu "+
				"and ITL use aiperf's count; by usage tok/s/gpu is %s", s.Label, cells.text, s.byUsage(f.Rows))
		}
		if cells := s.which(f.Rows, Row.relaunched); cells.n > 0 {
			warn("%s: %s measured after a restart of the topology, with an empty prefix cache", s.Label,
				cells.verb("was", "were"))
		}
		if cells := s.which(f.Rows, func(r Row) bool { return r.State == verdict.Valid && !f.placed(r) }); cells.n > 0 {
			warn("%s: %s not drawn, for lack of %s or output_token_throughput_avg", s.Label, cells.verb("is", "are"),
				f.axis.Column)
		}
		for _, unjudged := range append(s.percentileWarnings(f), s.sloWarnings()...) {
			warn("%s", unjudged)
		}
		for _, limit := range limits(s.Notes, s.Noted) {
			warn("%s: %s", s.Label, limit)
		}
	}
	all = append(all, unlikeSides(f.Comparisons)...)
	if each := f.aiperfs(); len(each) > 1 {
		warn("several versions of aiperf measured the cells: %s: versions differ in what they count",
			strings.Join(each, ", "))
	}
	return all
}

// aiperfs are the versions of aiperf that measured cells, each with its artifacts_N.
func (f Facts) aiperfs() []string {
	var versions []trait
	for _, r := range f.Rows {
		if len(r.Numbers) > 0 { // aiperf did not measure the others
			versions = append(versions, trait{r.Artifacts, cmp.Or(r.AIPerf, "an early version")})
		}
	}
	return apart(versions)
}

// unlikeSides names the differences that a ratio is reported with.
func unlikeSides(comparisons []Comparison) (all []string) {
	for _, c := range comparisons {
		sides := c.Other + " and " + c.Baseline
		if c.Measured == nil {
			continue
		}
		if len(c.Differ) > 0 {
			all = append(all, text.Clean("the requests to "+sides+" differ: "+strings.Join(c.Differ, ", ")))
		}
		if len(c.Hardware) > 0 {
			all = append(all, text.Clean(sides+" ran on unlike GPUs: "+strings.Join(c.Hardware, ", ")))
		}
	}
	return all
}

func (f Facts) placed(r Row) bool {
	_, _, ok := r.point(f.axis)
	return ok
}

// duplicates reports of a row whether another cell of its artifacts_N has the same concurrency.
func (f Facts) duplicates() func(Row) bool {
	cells := map[string]int{}
	name := func(r Row) string { return fmt.Sprint(r.Artifacts, " ", r.Concurrency) }
	for _, r := range f.Rows {
		cells[name(r)]++
	}
	return func(r Row) bool { return cells[name(r)] > 1 }
}

// byUsage lists tok/s/gpu by usage of the miscounted cells, in the order of the table.
func (s Series) byUsage(rows []Row) string {
	var values []string
	for _, r := range rows {
		if r.series() == s.Label && r.miscounted() {
			values = append(values, r.shown(byUsage))
		}
	}
	return strings.Join(values, " ")
}

// cellCount is some cells of a series in words: "2 of 9 cells (concurrency 4 8)".
type cellCount struct {
	n    int
	text string
}

// verb adds a verb in the singular or the plural.
func (c cellCount) verb(one, several string) string {
	if c.n == 1 {
		return c.text + " " + one
	}
	return c.text + " " + several
}

// which counts the cells of the series that match, and names their concurrencies.
func (s Series) which(rows []Row, match func(Row) bool) cellCount {
	var levels []string
	for _, r := range rows {
		if r.series() == s.Label && match(r) {
			levels = append(levels, strconv.Itoa(r.Concurrency))
		}
	}
	return cellCount{len(levels), fmt.Sprintf("%d of %s (concurrency %s)", len(levels),
		text.Count(s.Cells, "cell", "cells"), strings.Join(text.Distinct(levels), " "))}
}

package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"topobench/internal/artifacts"
	"topobench/internal/stats"
	"topobench/internal/text"
	"topobench/internal/verdict"
)

// gridView is a table of the page.
type gridView struct {
	Name string
	Head []string
	Rows [][]fieldView
}

// Class is that of a column's head: the numbers of a table are on the right of their column.
func (g gridView) Class(column int) string {
	if len(g.Rows) > 0 && column < len(g.Rows[0]) && g.Rows[0][column].Class == "number" {
		return "number"
	}
	return "text"
}

// fieldView is a field. Class is "number", "state" and the state, or "differs".
type fieldView struct{ Text, Href, Class string }

func words(s string) fieldView { return fieldView{Text: text.Clean(s)} }

func digits(s string) fieldView { return fieldView{Text: s, Class: "number"} }

// cellGrid has a row for each cell, with x on every axis that a cell has.
func (f Facts) cellGrid(shown []Facts) gridView {
	g := gridView{Name: "Cells", Head: []string{"series", "conc"}}
	several := slices.ContainsFunc(f.Rows, func(r Row) bool { return r.Round > 1 })
	if several {
		g.Head = append(g.Head, "round")
	}
	for _, on := range shown {
		g.Head = append(g.Head, "tok/s/user "+cmp.Or(on.axis.Mark, f.Stat))
	}
	g.Head = append(append(g.Head, tableHeader(f.axis, f.Stat)[3:6]...), "state", "reason")
	for i, r := range f.Rows {
		row := []fieldView{{Text: text.Clean(r.series()), Href: "#" + f.groupOf(r)},
			digits(strconv.Itoa(r.Concurrency))}
		if several {
			row = append(row, digits(r.round()))
		}
		for _, on := range shown {
			x := r.shown(on.axis.Column)
			if on.Rows[i].Efficient {
				x = "★ " + x
			}
			row = append(row, digits(x))
		}
		for _, column := range theirColumns(f.Stat)[1:] {
			row = append(row, digits(r.shown(column)))
		}
		state := fieldView{Text: string(r.State), Class: "state " + string(r.State)}
		g.Rows = append(g.Rows, append(row, state, words(strings.Join(r.remarks(), "; "))))
	}
	return g
}

// remarks are the reasons why a cell is not valid, and its relation to the SLO.
func (r Row) remarks() []string {
	if judged := r.SLO.String(); judged != "" {
		return append(slices.Clone(r.Reasons), judged)
	}
	return r.Reasons
}

// meanGrid has the means over launches with their intervals. Without a second launch it has no row.
func (f Facts) meanGrid() gridView {
	g := gridView{Name: "Means over launches", Head: []string{"series", "conc", "tok/s/user" + f.axis.marked(),
		percent(stats.Confidence) + " interval", "tok/s/gpu", percent(stats.Confidence) + " interval", "frontier",
		"valid launches"}}
	for _, s := range f.Series {
		if _, most := s.repeats(); most < 2 {
			continue
		}
		for _, p := range s.Points {
			g.Rows = append(g.Rows, []fieldView{words(s.Label), digits(strconv.Itoa(p.Concurrency)),
				digits(number(p.X.Mean)), digits(intervalOr(p.X)), digits(number(p.Y.Mean)), digits(intervalOr(p.Y)),
				words(strings.ReplaceAll(star(p.Efficient), "*", "★")), words(s.validText(p))})
		}
	}
	return g
}

func intervalOr(s stats.Sample) string {
	low, high, ok := s.Interval()
	if !ok {
		return "-"
	}
	return number(low) + " to " + number(high)
}

// readingGrid is ReadingsTable with a field for each number.
func (c Comparison) readingGrid() gridView {
	bounded := slices.ContainsFunc(c.Readings, func(r Reading) bool { return r.RatioLow != nil })
	g := gridView{Name: text.Clean(c.Other + " against " + c.Baseline + ", tokens/s/gpu"),
		Head: []string{"tok/s/user", "other", "baseline", "ratio"}}
	if bounded {
		counted := "rounds"
		if c.Unpaired != "" {
			counted = "launches"
		}
		g.Head = append(g.Head, percent(stats.Confidence)+" interval", counted)
	}
	g.Head = append(g.Head, "step")
	for _, r := range c.Readings {
		var row []fieldView
		for _, field := range r.line(c, bounded) {
			row = append(row, digits(field))
		}
		g.Rows = append(g.Rows, row)
	}
	return g
}

// differences are the settings that differ between the sides: those of the engines by group, then those of the load.
func differences(f Facts) (grids []gridView) {
	for _, part := range append(sections(f.Settings), section{"load settings that differ", f.Load.Differ}) {
		from := f.Settings
		if strings.HasPrefix(part.title, "load") {
			from = f.Load
		}
		if len(part.names) > 0 {
			grids = append(grids, settingGrid(part.title, from, part.names))
		}
	}
	return grids
}

// settingGrids are all settings of all sides.
func (f Facts) settingGrids() (grids []gridView) {
	for _, part := range []struct {
		title string
		from  artifacts.Settings
	}{{"engines, programs and machine", f.Settings}, {"load", f.Load}} {
		var names []string
		for _, side := range part.from.Sides {
			for name := range side.Values {
				names = union(names, name)
			}
		}
		if slices.Sort(names); len(names) > 0 {
			grids = append(grids, settingGrid(part.title, part.from, names))
		}
	}
	return grids
}

// settingGrid has a row for each name and a column for each side. A value unlike that of the first side is marked.
func settingGrid(title string, from artifacts.Settings, names []string) gridView {
	g := gridView{Name: title, Head: []string{"setting"}}
	for _, side := range from.Sides {
		g.Head = append(g.Head, text.Clean(side.Name))
	}
	for _, name := range names {
		row := []fieldView{words(name)}
		for _, side := range from.Sides {
			field := words(cmp.Or(side.Values[name], "?"))
			if side.Values[name] != from.Sides[0].Values[name] {
				field.Class = "differs"
			}
			row = append(row, field)
		}
		g.Rows = append(g.Rows, row)
	}
	return g
}

// validityView is how much the numbers of a series are worth.
type validityView struct {
	Label, Count string
	Limits       []string // notes, and checks that could not be made
	Excluded     []string // cells that are not valid, with all reasons
}

func (f Facts) validity() (all []validityView) {
	for _, s := range f.Series {
		v := validityView{Label: text.Clean(s.Label), Limits: limits(s.Notes, s.Noted),
			Count: fmt.Sprintf("%d of %s valid", s.Valid, text.Count(s.Cells, "cell", "cells"))}
		for _, difference := range s.Mixed {
			v.Limits = append(v.Limits, "no frontier: its artifacts differ: "+difference)
		}
		for _, r := range f.Rows {
			if r.series() == s.Label && r.State != verdict.Valid {
				v.Excluded = append(v.Excluded, fmt.Sprintf("concurrency %d in %s is %s: %s", r.Concurrency,
					text.Clean(r.Artifacts), r.State, strings.Join(r.Reasons, "; ")))
			}
		}
		all = append(all, v)
	}
	return all
}

// intervalOf is an interval with its ratio.
func intervalOf(ratio, low, high float64) stats.Ratio {
	return stats.Ratio{Value: ratio, Low: low, High: high, Bounded: true}
}

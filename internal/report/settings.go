package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"topobench/internal/artifacts"
)

// SettingsTable has the engine settings that differ between the sides of a comparison, side by side, or
// says that none does. It is empty where there are not two sides to compare.
func SettingsTable(s artifacts.Settings) string {
	if len(s.Sides) < 2 {
		return ""
	}
	if len(s.Differ) == 0 {
		return "engine settings: the same on every side\n"
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	line := func(first string, of func(artifacts.Side) string) {
		fmt.Fprint(w, first)
		for _, side := range s.Sides {
			fmt.Fprint(w, "\t", printable(of(side)))
		}
		fmt.Fprintln(w)
	}
	line("engine settings that differ", func(side artifacts.Side) string { return side.Name })
	for _, name := range s.Differ {
		line("  "+printable(name), func(side artifacts.Side) string { return cmp.Or(side.Values[name], "?") })
	}
	if err := w.Flush(); err != nil {
		return err.Error() // a strings.Builder does not fail
	}
	return b.String()
}

// deployments are those of the cells, each artifacts_N once, in order.
func deployments(cells []artifacts.Cell) []artifacts.Deployment {
	cells = slices.Clone(cells)
	slices.SortStableFunc(cells, func(a, b artifacts.Cell) int { return cmp.Compare(a.N, b.N) })
	var all []artifacts.Deployment
	for i, c := range cells {
		if i == 0 || c.N != cells[i-1].N {
			all = append(all, c.Deployment)
		}
	}
	return all
}

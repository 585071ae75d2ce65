package text

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of a table of sides, in characters.
const (
	leastSide = 12  // a column is not made narrower for another beside it
	mostName  = 34  // longer names of rows wrap
	mostValue = 120 // of longer values only the part that differs is shown
)

// Sides aligns rows of a name and a value for each side. Values wrap, and sides for which there is no room have a
// further table below.
func Sides(rows [][]string) string {
	for i, row := range rows {
		rows[i] = slices.Concat(row[:1], differing(row[1:]))
	}
	var tables []string
	for first, sides := 1, len(rows[0]); first < sides; {
		widths, next := []int{min(mostName, widest(rows, 0))}, first
		left := Width - widths[0]
		for next < sides && (next == first || left >= 2+min(leastSide, widest(rows, next))) {
			left -= 2 + min(leastSide, widest(rows, next))
			widths = append(widths, widest(rows, next))
			next++
		}
		fitted(widths[1:], Width-widths[0])
		var b strings.Builder
		for _, row := range rows {
			b.WriteString(wrapped(slices.Concat(row[:1], row[first:next]), widths))
		}
		tables, first = append(tables, b.String()), next
	}
	return strings.Join(tables, "\n")
}

// fitted narrows the widest columns until all fit, with two spaces before each.
func fitted(widths []int, room int) {
	for {
		sum, most := 0, 0
		for i, w := range widths {
			if sum += 2 + w; w > widths[most] {
				most = i
			}
		}
		if sum <= room {
			return
		}
		widths[most]--
	}
}

func widest(rows [][]string, column int) (width int) {
	for _, row := range rows {
		width = max(width, utf8.RuneCountInString(row[column]))
	}
	return width
}

// wrapped is a row of a table, in as many lines as its longest cell. Further lines of a name are indented.
func wrapped(row []string, widths []int) string {
	cells, most := make([][]string, len(row)), 0
	for i, cell := range row {
		cells[i] = broken(cell, widths[i])
		most = max(most, len(cells[i]))
	}
	var b strings.Builder
	for n := range most {
		var line strings.Builder
		for i, parts := range cells {
			part := ""
			if n < len(parts) {
				part = parts[n]
			}
			if i > 0 {
				line.WriteString("  ")
			}
			fmt.Fprintf(&line, "%-*s", widths[i], part)
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

// broken splits a text into lines of at most width characters: after a space, comma, slash or the like in their second
// half, else anywhere. Further lines are indented four columns more than a first one that is indented.
func broken(s string, width int) (lines []string) {
	runes, indent := []rune(s), ""
	if strings.HasPrefix(s, "  ") {
		indent = "    "
	}
	for len(runes) > width {
		at := width
		for i := width; i > width/2; i-- {
			if strings.ContainsRune(" ,;/_-=", runes[i-1]) {
				at = i
				break
			}
		}
		lines = append(lines, string(runes[:at]))
		runes = []rune(indent + strings.TrimLeft(string(runes[at:]), " "))
	}
	return append(lines, string(runes))
}

// differing cuts from long values what all have in common at the front and at the end, but for a few characters.
func differing(values []string) []string {
	long := slices.ContainsFunc(values, func(v string) bool { return utf8.RuneCountInString(v) > mostValue })
	if !long {
		return values
	}
	front, back := common(values, false), common(values, true)
	return Each(values, func(v string) string {
		const around = 10
		runes := []rune(v)
		from, to := max(0, front-around), min(len(runes), len(runes)-back+around)
		if from >= to || to-from > mostValue && from == 0 && to == len(runes) {
			return Ends(v, mostValue)
		}
		shown := Ends(string(runes[from:to]), mostValue)
		if from > 0 {
			shown = "…" + shown
		}
		if to < len(runes) {
			shown += "…"
		}
		return shown
	})
}

// common is the number of characters that all values share at the front, or at the end.
func common(values []string, end bool) int {
	n := 0
	for first := []rune(values[0]); n < len(first); n++ {
		for _, v := range values {
			runes := []rune(v)
			if n >= len(runes) || !end && runes[n] != first[n] ||
				end && runes[len(runes)-1-n] != first[len(first)-1-n] {
				return n
			}
		}
	}
	return n
}

package text

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Width is the number of columns of a table: those of a usual terminal without the last, which stays free.
const Width = 79

// leastName is the number of columns that names keep beside any numbers.
const leastName = 12

// Table aligns rows below a header, whose texts may have several lines. The first column has names, cut to fit but
// never to equal texts; the last has texts, which wrap below the row; those between have numbers, which are never cut.
func Table(header []string, rows [][]string) string {
	head, last := stacked(header), len(header)-1
	widths := make([]int, len(header))
	for i := range widths {
		for _, line := range head {
			widths[i] = max(widths[i], utf8.RuneCountInString(line[i]))
		}
		for _, row := range rows {
			first := row[i]
			if i == last {
				first, _ = headOf(first)
			}
			if i > 0 {
				widths[i] = max(widths[i], utf8.RuneCountInString(first))
			}
		}
	}
	room := Width
	for _, w := range widths[1:] {
		room -= 2 + w
	}
	names := Labels(Each(rows, func(row []string) string { return row[0] }), max(room, leastName))
	for _, name := range names {
		widths[0] = max(widths[0], utf8.RuneCountInString(name))
	}
	var lines []string
	for _, line := range head {
		lines = append(lines, strings.TrimRight(aligned(line[0], line, widths)+line[last], " "))
	}
	for i, row := range rows {
		line := aligned(names[i], row, widths)
		if head, rest := headOf(row[last]); utf8.RuneCountInString(line+row[last]) > Width && rest != "" {
			lines = append(append(lines, line+head), Wrap(rest, "    ", "    ", Width)...)
		} else {
			lines = append(lines, strings.TrimRight(line+row[last], " "))
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

// headOf splits a text behind its first colon or semicolon.
func headOf(s string) (head, rest string) {
	if i := strings.IndexAny(s, ":;"); i >= 0 && strings.HasPrefix(s[i+1:], " ") {
		return s[:i+1], s[i+2:]
	}
	return s, ""
}

// aligned is a line of a table without its last text: the name on the left, numbers on the right of their columns.
func aligned(name string, line []string, widths []int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-*s", widths[0], name)
	for i, field := range line[1 : len(line)-1] {
		fmt.Fprintf(&b, "  %*s", widths[i+1], field)
	}
	return b.String() + "  "
}

// stacked splits the texts of a header into lines, which end at the last one.
func stacked(header []string) (lines [][]string) {
	most := 1
	for _, h := range header {
		most = max(most, strings.Count(h, "\n")+1)
	}
	for range most {
		lines = append(lines, make([]string, len(header)))
	}
	for i, h := range header {
		parts := strings.Split(h, "\n")
		for j, part := range parts {
			lines[most-len(parts)+j][i] = part
		}
	}
	return lines
}

// Labels cuts names to width characters such that unlike names stay unlike: in the middle, at the front or at the end,
// or, if each of these makes two alike, behind a number of their own.
func Labels(names []string, width int) []string {
	unlike := Distinct(names)
	for _, head := range []int{width / 2, 0, width - 1} {
		short := Each(names, func(name string) string { return cut(name, head, width) })
		if len(Distinct(short)) == len(unlike) {
			return short
		}
	}
	return Each(names, func(name string) string {
		number := fmt.Sprintf("%d ", slices.Index(unlike, name)+1)
		return number + cut(name, 0, width-len(number))
	})
}

// cut leaves head characters at the front of a longer name, an ellipsis, and those that fit at its end.
func cut(name string, head, width int) string {
	runes := []rune(name)
	if len(runes) <= width {
		return name
	}
	return string(runes[:head]) + "…" + string(runes[len(runes)-width+head+1:])
}

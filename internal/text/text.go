// Package text makes foreign text safe to show, reads the ends of logs, wraps prose, and replaces files in one step.
package text

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// escape matches an escape sequence (ECMA-48), also one that is cut off: a control sequence; a control string, such as
// a window title, which ends with BEL or ESC \; or intermediate bytes and one final byte.
var escape = regexp.MustCompile(`\x1b(?:\[[ -?]*[@-~]?|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b.?)?|[ -/]*[0-~]?)`) // constant

// Clean turns s into one line that is safe on a terminal and in a report. Escape sequences, control characters,
// direction overrides and broken UTF-8 are dropped; line ends and tabs become spaces. Only the last state of a progress
// bar, which overwrites itself with carriage returns, is kept.
func Clean(s string) string {
	lines := strings.Split(strings.TrimRight(s, "\r\n"), "\n")
	for i, line := range lines {
		line = strings.TrimRight(line, "\r")
		lines[i] = strings.Map(func(r rune) rune {
			switch {
			case unicode.IsSpace(r):
				return ' '
			case unicode.IsPrint(r) && r != utf8.RuneError:
				return r
			}
			return -1
		}, escape.ReplaceAllString(line[strings.LastIndexByte(line, '\r')+1:], ""))
	}
	return strings.Join(lines, " ")
}

// OneLine joins the lines of a message: "; " is between two, unless the first ends in a mark of its own.
func OneLine(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		words := strings.Join(strings.Fields(Clean(line)), " ")
		switch end := b.String(); {
		case words == "" || end == "":
		case strings.ContainsRune(":;,.", rune(end[len(end)-1])):
			b.WriteByte(' ')
		default:
			b.WriteString("; ")
		}
		b.WriteString(words)
	}
	return b.String()
}

// Line is Clean, cut to width characters.
func Line(s string, width int) string {
	runes := []rune(Clean(s))
	if len(runes) <= width {
		return string(runes)
	}
	return string(runes[:width]) + " ..."
}

// Duration is a duration without a zero at its end: 5m, 1h30m, 1m30s.
func Duration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Wrap breaks s between words into lines of at most width characters. The first line begins
// with first, the others with rest. A longer word has a line of its own.
func Wrap(s, first, rest string, width int) []string {
	line, empty := first, true
	var lines []string
	for _, word := range strings.Fields(s) {
		switch {
		case empty:
			line += word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = rest + word
		}
		empty = false
	}
	return append(lines, strings.TrimRight(line, " "))
}

// Numbers expands a list with ranges, such as "0,4-6", as Linux and Slurm write it.
func Numbers(list string) (numbers []int, err error) {
	const longest = 1 << 16
	for part := range strings.SplitSeq(list, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		from, err := strconv.Atoi(first)
		to, bad := strconv.Atoi(last)
		if err != nil || bad != nil || from > to || to-from > longest {
			return nil, fmt.Errorf("%q is no index and no range", part)
		}
		for ; from <= to; from++ {
			numbers = append(numbers, from)
		}
	}
	return numbers, nil
}

// Count is a number of things: "1 launch", "2 launches".
func Count(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + several
}

// Each returns the text of each element of a list.
func Each[T any](list []T, text func(T) string) []string {
	texts := make([]string, len(list))
	for i, element := range list {
		texts[i] = text(element)
	}
	return texts
}

// Distinct keeps the first of equal texts, in order.
func Distinct(texts []string) []string {
	var kept []string
	for _, t := range texts {
		if !slices.Contains(kept, t) {
			kept = append(kept, t)
		}
	}
	return kept
}

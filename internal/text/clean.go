// Package text makes foreign text safe to show, reads the ends of logs, wraps prose, and replaces files in one step.
package text

import (
	"regexp"
	"strings"
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

// Line is Clean, cut to width characters.
func Line(s string, width int) string {
	runes := []rune(Clean(s))
	if len(runes) <= width {
		return string(runes)
	}
	return string(runes[:width]) + " ..."
}

// Package text makes foreign text safe to show, reads the ends of logs, and replaces
// files in one step.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean turns s into one line that is safe on a terminal and in a report. Escape
// sequences, control characters, direction overrides and broken UTF-8 are dropped; line
// ends and tabs become spaces. Only the last state of a progress bar, which overwrites
// itself with carriage returns, is kept.
func Clean(s string) string {
	var b strings.Builder
	for i, line := range strings.Split(strings.TrimRight(s, "\r\n"), "\n") {
		line = strings.TrimRight(line, "\r")
		line = line[strings.LastIndexByte(line, '\r')+1:]
		if i > 0 {
			b.WriteByte(' ')
		}
		for line != "" {
			if line[0] == '\x1b' {
				line = line[escapeLength(line):]
				continue
			}
			r, size := utf8.DecodeRuneInString(line)
			switch {
			case unicode.IsSpace(r):
				b.WriteByte(' ')
			case unicode.IsPrint(r) && r != utf8.RuneError:
				b.WriteRune(r)
			}
			line = line[size:]
		}
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

// escapeLength is the length of the escape sequence (ECMA-48) at the start of s, which
// begins with ESC.
func escapeLength(s string) int {
	if len(s) < 2 {
		return len(s)
	}
	i, last := 1, byte(0x2f) // intermediate bytes, then one final byte
	switch s[1] {
	case '[': // a control sequence has parameter bytes too
		i, last = 2, 0x3f
	case ']', 'P', 'X', '^', '_':
		return stringLength(s)
	}
	for i < len(s) && s[i] >= 0x20 && s[i] <= last {
		i++
	}
	if i < len(s) && s[i] >= 0x30 && s[i] <= 0x7e {
		i++
	}
	return i
}

// stringLength is escapeLength of a control string, such as a window title. It ends
// with BEL or ESC \; an unterminated one reaches to the end of s.
func stringLength(s string) int {
	i := strings.IndexAny(s[2:], "\a\x1b")
	switch {
	case i < 0:
		return len(s)
	case s[2+i] == '\a':
		return 2 + i + 1
	}
	return min(len(s), 2+i+2)
}

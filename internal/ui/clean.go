package ui

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean makes foreign text harmless: escape sequences and whatever else is not
// printable are dropped, a tab is a space, and of text that overwrites itself
// with carriage returns, as progress bars do, the last stays.
func clean(text string) string {
	text = strings.TrimRight(text, "\r\n")
	text = text[strings.LastIndexByte(text, '\r')+1:]
	var b strings.Builder
	for text != "" {
		if text[0] == '\x1b' {
			text = text[escapeLength(text):]
			continue
		}
		r, size := utf8.DecodeRuneInString(text)
		if r == '\t' {
			r = ' '
		}
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		}
		text = text[size:]
	}
	return b.String()
}

// escapeLength is the length of the escape sequence (ECMA-48) that text, which
// begins with ESC, begins with.
func escapeLength(text string) int {
	if len(text) < 2 {
		return len(text)
	}
	i, last := 1, byte(0x2f) // intermediate bytes, then one final byte
	switch text[1] {
	case '[': // a control sequence has parameter bytes too
		i, last = 2, 0x3f
	case ']', 'P', 'X', '^', '_':
		return stringLength(text)
	}
	for i < len(text) && text[i] >= 0x20 && text[i] <= last {
		i++
	}
	if i < len(text) && text[i] >= 0x30 && text[i] <= 0x7e {
		i++
	}
	return i
}

// stringLength is escapeLength of a control string, such as a window title. It
// ends with BEL or ESC \; one that does not end takes all of the text.
func stringLength(text string) int {
	i := strings.IndexAny(text[2:], "\a\x1b")
	switch {
	case i < 0:
		return len(text)
	case text[2+i] == '\a':
		return 2 + i + 1
	}
	return min(len(text), 2+i+2)
}

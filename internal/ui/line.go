package ui

import "strings"

// style is the number of an ANSI "select graphic rendition" sequence.
type style string

const (
	plain  style = ""
	bold   style = "1"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
)

func (s State) style() style {
	switch s {
	case Ready:
		return green
	case Died:
		return red
	case Starting, Stopping:
		return yellow
	case Waiting, Gone:
	}
	return plain
}

// span is text in one style; a line is spans side by side.
type span struct {
	text  string
	style style
}

type line []span

// render is the line for a screen of so many columns, 0 = as long as it is.
// The last column stays free: some terminals wrap when it is filled.
func (l line) render(color bool, columns int) string {
	var b strings.Builder
	room := columns - 1
	for _, s := range l {
		text := s.text
		if columns > 0 {
			text, room = cut(text, room)
		}
		if color && s.style != plain && text != "" {
			text = "\x1b[" + string(s.style) + "m" + text + "\x1b[0m"
		}
		b.WriteString(text)
	}
	return strings.TrimRight(b.String(), " ")
}

// cut returns what of text fits into room columns, and the room left over,
// which is 0 as soon as something did not fit.
func cut(text string, room int) (string, int) {
	for i, r := range text {
		w := 1
		// Two columns for all but Latin letters is too much for many, and
		// so never too little: a line that wraps would break the redrawing.
		if r >= 0x300 {
			w = 2
		}
		if w > room {
			return text[:i], 0
		}
		room -= w
	}
	return text, room
}

package ui

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"
)

// fallbackColumns and fallbackRows are the size of a terminal that does not report one, such as a serial line.
const fallbackColumns, fallbackRows = 80, 24

// The variables that decide how the screen is drawn.
const (
	TermVariable    = "TERM"
	DumbTerm        = "dumb"
	NoColorVariable = "NO_COLOR" // no-color.org
)

// Detect returns the Options for out. A terminal is redrawn in place unless TERM is "dumb",
// and has colours unless NO_COLOR is set (no-color.org).
func Detect(out io.Writer, getenv func(string) string) Options {
	o := Options{Out: out, Now: time.Now}
	file, ok := out.(interface{ Fd() uintptr })
	if !ok || !term.IsTerminal(int(file.Fd())) || getenv(TermVariable) == DumbTerm {
		return o
	}
	o.TTY, o.Color = true, getenv(NoColorVariable) == ""
	o.Size = func() (int, int) {
		columns, rows, err := term.GetSize(int(file.Fd()))
		if err != nil || columns <= 0 || rows <= 0 {
			return fallbackColumns, fallbackRows
		}
		return columns, rows
	}
	return o
}

// Lenient returns a writer on w that survives a closed pipe or terminal: it drops the write
// that fails with EPIPE or EIO, and all output after it. It returns other errors, such as a
// full disk. The process must catch SIGPIPE; otherwise a closed pipe kills it first.
func Lenient(w io.Writer) io.Writer { return &lenient{out: w} }

type lenient struct {
	out    io.Writer
	closed bool
}

// Fd is that of the output below, so that Detect recognises a terminal; no terminal without one.
func (l *lenient) Fd() uintptr {
	if file, ok := l.out.(interface{ Fd() uintptr }); ok {
		return file.Fd()
	}
	return ^uintptr(0)
}

func (l *lenient) Write(p []byte) (int, error) {
	if l.closed {
		return len(p), nil
	}
	n, err := l.out.Write(p)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.EIO) {
		l.closed = true
		return len(p), nil
	}
	return n, err
}

// pen draws on one output. It never hides the cursor, and leaves it at the start of the line
// below the moving lines, so that a killed run leaves a usable terminal.
type pen struct {
	Options
	drawn  []string // the moving lines on the screen
	broken bool     // a write failed: the terminal is closed
}

// draw writes the lasting lines above the moving lines, and live in place of the moving lines drawn before, in one
// write. The cursor goes up by exactly the lines drawn before. If the terminal has become narrower and wrapped them, a
// stale row stays, but no lasting line is erased.
func (p *pen) draw(lasting, live []line) {
	if p.broken {
		return
	}
	frame := p.fit(live)
	if len(lasting) == 0 && slices.Equal(frame, p.drawn) {
		return
	}
	var b strings.Builder
	if n := len(p.drawn); n > 0 {
		fmt.Fprintf(&b, "\r\x1b[%dA\x1b[J", n)
	}
	for _, l := range lasting {
		b.WriteString(strings.Join(p.wrapped(l), "\n") + "\n")
	}
	for _, s := range frame {
		b.WriteString(s + "\n")
	}
	p.drawn = frame
	_, err := io.WriteString(p.Out, b.String())
	p.broken = err != nil
}

// fit cuts the moving lines to the terminal: none wraps, and all of them fit its height with
// the cursor's own line, because the cursor cannot return to a line that has scrolled away.
func (p *pen) fit(live []line) []string {
	if !p.TTY || len(live) == 0 {
		return nil
	}
	columns, rows := p.Size()
	// The first lines stay, one counts the omitted ones, and the last one is the sweep.
	switch room, last := max(1, rows-1), live[len(live)-1:]; {
	case len(live) <= room:
	case room == 1:
		live = last
	default:
		more := line{{text: fmt.Sprintf("  and %d more", len(live)-room+1)}}
		live = slices.Concat(live[:room-2], []line{more}, last)
	}
	frame := make([]string, len(live))
	for i, l := range live {
		frame[i] = l.render(p.Color, columns)
	}
	return frame
}

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
	return map[State]style{Starting: yellow, Ready: green, Stopping: yellow, Died: red}[s]
}

// span is text in one style; a line is its spans in order.
type span struct {
	text  string
	style style
}

type line []span

// render returns the line cut to a width in columns; 0 means any width. The last column stays
// free, because some terminals wrap when it is filled.
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

// cut returns the start of text that fits into room columns, and the columns left over: 0 if text did not fit.
func cut(text string, room int) (string, int) {
	for i, r := range text {
		w := 1
		// Two columns are too many for most letters beyond Latin, but never too few: a
		// line that wraps would break the redrawing.
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

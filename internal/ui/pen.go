package ui

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// pen draws on one output. The cursor always rests at the start of the line
// below the moving lines and is never hidden, so that a killed run leaves a
// usable terminal.
type pen struct {
	out    io.Writer
	tty    bool
	color  bool
	size   func() (columns, rows int)
	drawn  []string // the moving lines on the screen
	broken bool     // a write failed: the terminal is closed
}

// draw puts lasting above the moving lines and live in place of those drawn
// before, in one write. It goes up by the lines it drew and not one more: when
// the terminal got narrower and wrapped them, a stale row may stay, but a
// lasting line is never wiped.
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
		b.WriteString(l.render(p.color, 0) + "\n")
	}
	for _, s := range frame {
		b.WriteString(s + "\n")
	}
	p.drawn = frame
	_, err := io.WriteString(p.out, b.String())
	p.broken = err != nil
}

// fit cuts the moving lines to the terminal: none wraps, and all of them with
// the cursor's own line fit its height, because the cursor cannot go back to
// what has scrolled away.
func (p *pen) fit(live []line) []string {
	if !p.tty || len(live) == 0 {
		return nil
	}
	columns, rows := p.size()
	if room := max(1, rows-1); len(live) > room {
		live = shorten(live, room)
	}
	frame := make([]string, len(live))
	for i, l := range live {
		frame[i] = l.render(p.color, columns)
	}
	return frame
}

// shorten keeps room lines: the last, which is the sweep, and what fits of the
// first, with a line that counts the others.
func shorten(live []line, room int) []line {
	last := live[len(live)-1:]
	if room < 2 {
		return last
	}
	more := line{{text: fmt.Sprintf("  and %d more", len(live)-room+1)}}
	return slices.Concat(live[:room-2], []line{more}, last)
}

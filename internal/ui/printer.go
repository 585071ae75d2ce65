package ui

import (
	"bytes"
	"io"
	"strings"

	"topobench/internal/text"
)

// Printer prints text for a person. On a terminal its lines wrap at words. Elsewhere they stay as they are, because
// other programs search them.
type Printer struct {
	Options
	fault error // of the first write that failed; later text is dropped
}

// NewPrinter detects what out is.
func NewPrinter(out io.Writer, getenv func(string) string) *Printer {
	return &Printer{Options: Detect(out, getenv)}
}

// Print prints lines, each with a newline behind it.
func (p *Printer) Print(lines ...string) { p.print(plain, lines) }

// Bold is Print in bold type, where the terminal has colours.
func (p *Printer) Bold(lines ...string) { p.print(bold, lines) }

// Write prints whole lines like Print. The beginning of a line stays as it is.
func (p *Printer) Write(text []byte) (int, error) {
	if bytes.HasSuffix(text, []byte("\n")) {
		p.Print(string(text))
	} else {
		p.write(string(text))
	}
	if p.fault != nil {
		return 0, p.fault
	}
	return len(text), nil
}

// Whole prints a line that a person copies: it is never wrapped.
func (p *Printer) Whole(line string) { p.write(line + "\n") }

// Err is the error of the first write that failed.
func (p *Printer) Err() error { return p.fault }

func (p *Printer) print(s style, lines []string) {
	for _, l := range lines {
		for part := range strings.SplitSeq(strings.TrimRight(l, "\n"), "\n") {
			p.write(strings.Join(p.wrapped(line{{text: part, style: s}}), "\n") + "\n")
		}
	}
}

func (p *Printer) write(text string) {
	if p.fault == nil {
		_, p.fault = io.WriteString(p.Out, text)
	}
}

// wrapped renders a line that stays. One column stays free, as in a moving line.
func (o Options) wrapped(l line) []string {
	whole := l.render(o.TTY && o.Color, 0)
	if !o.TTY {
		return []string{whole}
	}
	columns, _ := o.Size()
	return text.Fold(whole, columns-1)
}

package ui

import (
	"errors"
	"io"
	"syscall"
	"time"

	"golang.org/x/term"
)

// fallbackColumns and fallbackRows are for a terminal that does not tell its
// size, such as a serial line.
const fallbackColumns, fallbackRows = 80, 24

// The variables that decide how the screen is drawn.
const (
	TermVariable    = "TERM"
	DumbTerm        = "dumb"
	NoColorVariable = "NO_COLOR" // no-color.org
)

// Detect returns the Options for out: redrawing if it is a terminal and TERM
// is not "dumb", colours unless NO_COLOR is set (no-color.org).
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

// Lenient returns a writer on w for which a closed pipe or terminal is no
// error: the first EPIPE or EIO, and all output after it, is dropped. Other
// errors, such as a full disk, are returned. The process must ignore SIGPIPE,
// else a closed pipe kills it before it sees the error.
func Lenient(w io.Writer) io.Writer { return &lenient{out: w} }

type lenient struct {
	out    io.Writer
	closed bool
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

package ui

import (
	"strconv"
	"strings"
	"testing"
)

// screen emulates a terminal: newline, carriage return, cursor up, clear to the end,
// colours (ignored), wrapping and scrolling. Any other sequence fails the test.
type screen struct {
	t             *testing.T
	columns, rows int
	lines         []string // all lines, including those that scrolled away
	x, y          int      // y is an index of lines
	writes        int
}

func newScreen(t *testing.T, columns, rows int) *screen {
	return &screen{t: t, columns: columns, rows: rows, lines: []string{""}}
}

func (s *screen) size() (int, int) { return s.columns, s.rows }

func (s *screen) Write(p []byte) (int, error) {
	s.writes++
	for text := string(p); text != ""; {
		if rest, ok := strings.CutPrefix(text, "\x1b["); ok {
			end := strings.IndexAny(rest, "AJm")
			if end < 0 {
				s.t.Fatalf("unknown sequence in %q", text)
			}
			s.control(rest[end], rest[:end])
			text = rest[end+1:]
			continue
		}
		s.put(text[0])
		text = text[1:]
	}
	return len(p), nil
}

// put draws an ASCII character; the tests draw no others here.
func (s *screen) put(c byte) {
	switch {
	case c == '\n':
		s.down()
	case c == '\r':
		s.x = 0
	case c < ' ' || c > '~':
		s.t.Errorf("byte %#x reached the screen", c)
	default:
		if s.x == s.columns {
			s.down()
		}
		row := s.lines[s.y]
		row += strings.Repeat(" ", max(0, s.x-len(row)))
		s.lines[s.y] = row[:s.x] + string(c) + row[min(len(row), s.x+1):]
		s.x++
	}
}

func (s *screen) down() {
	s.x, s.y = 0, s.y+1
	if s.y == len(s.lines) {
		s.lines = append(s.lines, "")
	}
}

func (s *screen) control(final byte, parameter string) {
	switch final {
	case 'A':
		n, err := strconv.Atoi(parameter)
		if err != nil {
			s.t.Errorf("cursor up by %q", parameter)
		}
		s.y = max(s.y-n, len(s.lines)-s.rows, 0) // the cursor cannot return to lines that scrolled away
	case 'J':
		s.lines = s.lines[:s.y+1]
		s.lines[s.y] = s.lines[s.y][:min(s.x, len(s.lines[s.y]))]
	}
}

// resize changes the width and wraps the lines again, as a terminal does.
func (s *screen) resize(columns int) {
	var lines []string
	for _, l := range s.lines {
		for len(l) > columns {
			lines, l = append(lines, l[:columns]), l[columns:]
		}
		lines = append(lines, l)
	}
	s.columns, s.lines, s.y = columns, lines, len(lines)-1
}

func (s *screen) String() string { return strings.Join(s.lines, "\n") }

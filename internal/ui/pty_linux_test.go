package ui

import (
	"fmt"
	"testing"
	"time"

	"topobench/internal/testbed"
)

func TestDetectATerminal(t *testing.T) {
	_, program := testbed.Terminal(t)
	for _, row := range []struct {
		why        string
		env        map[string]string
		tty, color bool
	}{
		{"a terminal has colours", nil, true, true},
		{"NO_COLOR turns colours off", map[string]string{"NO_COLOR": "1"}, true, false},
		{"a dumb terminal gets plain lines", map[string]string{"TERM": "dumb"}, false, false},
	} {
		o := Detect(program, func(name string) string { return row.env[name] })
		if o.TTY != row.tty || o.Color != row.color {
			t.Errorf("%s: got terminal %t, colour %t", row.why, o.TTY, o.Color)
		}
	}
	if columns, rows := Detect(program, none).Size(); columns != 33 || rows != 11 {
		t.Errorf("size is %d x %d, want 33 x 11", columns, rows)
	}
}

// The user closes the window during a run.
func TestF53AClosedTerminalIsNoError(t *testing.T) {
	window, program := testbed.Terminal(t)
	v := New(Detect(program, none))
	v.Note("before")
	if _, err := window.Read(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	if err := window.Close(); err != nil {
		t.Fatal(err)
	}
	v.Note("after")
	start := time.Now()
	v.Close()
	if took := time.Since(start); took >= closePatience || !v.pen.broken {
		t.Errorf("closing took %v; the pen noticed the closed terminal: %t", took, v.pen.broken)
	}
	w := Lenient(program)
	if n, err := fmt.Fprint(w, "table"); err != nil || n != 5 {
		t.Errorf("writing the table returned %d, %v", n, err)
	}
}

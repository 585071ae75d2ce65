package status

import (
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pty returns a new terminal of 33 columns and 11 rows: the end that a
// terminal window holds, and the end that a program writes to.
func pty(t *testing.T) (window, program *os.File) {
	t.Helper()
	window, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("this system gives no terminal: %v", err)
	}
	t.Cleanup(func() { window.Close() })
	fd := int(window.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: 33, Row: 11})
	}
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("this system gives no terminal: %v", err)
	}
	t.Cleanup(func() { program.Close() })
	return window, program
}

func TestDetectKnowsATerminal(t *testing.T) {
	_, program := pty(t)
	for _, row := range []struct {
		why        string
		env        map[string]string
		tty, color bool
	}{
		{"a terminal has colours", nil, true, true},
		{"NO_COLOR takes them", map[string]string{"NO_COLOR": "1"}, true, false},
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

// F-53: the window is closed in the middle of a run.
func TestAClosedTerminalIsNoError(t *testing.T) {
	window, program := pty(t)
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
		t.Errorf("closing took %v, the loss was noticed: %t", took, v.pen.broken)
	}
	w := Lenient(program)
	if n, err := fmt.Fprint(w, "table"); err != nil || n != 5 {
		t.Errorf("the table gives %d, %v", n, err)
	}
}

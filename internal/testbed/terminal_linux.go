package testbed

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// Terminal returns a new terminal of 33 columns and 11 rows: the window's end and the
// program's end. It skips the test if the system has no terminals.
func Terminal(t testing.TB) (window, program *os.File) {
	t.Helper()
	window, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("cannot open a terminal on this system: %v", err)
	}
	t.Cleanup(func() { window.Close() })
	n, err := open(window)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("cannot open a terminal on this system: %v", err)
	}
	t.Cleanup(func() { program.Close() })
	return window, program
}

// open unlocks the other end of a terminal, sets its size and returns its number. It does
// not call Fd, which would make a Close wait for a Read.
func open(window *os.File) (n int, err error) {
	raw, err := window.SyscallConn()
	if err != nil {
		return 0, err
	}
	var inner error
	err = raw.Control(func(fd uintptr) {
		if n, inner = unix.IoctlGetInt(int(fd), unix.TIOCGPTN); inner != nil {
			return
		}
		if inner = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); inner != nil {
			return
		}
		inner = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Col: 33, Row: 11})
	})
	return n, errors.Join(err, inner)
}

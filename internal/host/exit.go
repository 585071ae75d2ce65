package host

import (
	"fmt"
	"strings"
	"syscall"
	"time"

	"topobench/internal/text"
)

// tailLines is how much of a log an error shows.
const tailLines = 20

// Exit is how a child ended.
type Exit struct {
	Code   int            // exit code, -1 after a signal
	Signal syscall.Signal // the signal that ended it, 0 for none
	// Stopped: Stop or Interrupt was called before it ended.
	Stopped bool
	// Lost: its shepherd was killed, and the child was killed for that.
	Lost   bool
	At     time.Time
	Killed int // descendants that outlived it and had to be killed
}

// String is for a person: how it ended, and whether topobench ordered it.
func (e Exit) String() string {
	switch {
	case e.At.IsZero():
		return "still running"
	case e.Lost && e.Stopped:
		return "stopped by signal 9: its shepherd did not answer"
	case e.Lost:
		return "killed because its shepherd was killed (not by topobench)"
	case e.Signal != 0 && e.Stopped:
		return fmt.Sprintf("stopped by signal %d", int(e.Signal))
	case e.Signal != 0:
		return fmt.Sprintf("killed by signal %d (not by topobench)", int(e.Signal))
	case e.Stopped:
		return fmt.Sprintf("stopped with exit %d", e.Code)
	default:
		return fmt.Sprintf("exit %d", e.Code)
	}
}

// DiedError reports that a child ended although nothing stopped it.
type DiedError struct {
	Name   string
	Exit   Exit
	Log    string   // path
	Tail   []string // its last lines
	LogErr error    // why the log could not be read
	Hint   string   // the next step, where the log shows a known cause
}

// LogEnd is how many bytes of the end of a log Died uses.
const LogEnd = 64 << 10

// Died describes an end that was not ordered. end is the last LogEnd bytes of the child's
// log, err is why they could not be read. A child that was killed had no time to log a
// cause, so it gets no hint.
func Died(spec Spec, exit Exit, end []byte, err error) *DiedError {
	e := &DiedError{Name: spec.Name, Exit: exit, Log: spec.Log, Tail: text.Last(end, tailLines), LogErr: err}
	if exit.Signal != syscall.SIGKILL {
		lines := text.Lines(end)
		e.Hint = Hint(lines[max(0, len(lines)-hintLines):])
	}
	return e
}

func (e *DiedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s died: %v\n", e.Name, e.Exit)
	switch {
	case e.LogErr != nil:
		fmt.Fprintf(&b, "  cannot read its log: %v", e.LogErr)
		return b.String()
	case len(e.Tail) == 0:
		fmt.Fprintf(&b, "  nothing in %s", e.Log)
		return b.String()
	}
	fmt.Fprintf(&b, "  last lines of %s:", e.Log)
	for _, line := range e.Tail {
		b.WriteString("\n    " + line)
	}
	if e.Hint != "" {
		b.WriteString("\n  " + e.Hint)
	}
	return b.String()
}

// Package shepherd is the hidden command that owns one child's process tree and outlives its
// own parent, the orchestrator.
//
// On the order to start, it starts the child in a process group of its own. It reports the
// child's start and end. It is the sub-reaper of every process below the child. It exits when
// the kernel has no descendant left, or after 30 s with the names of those that it could not
// kill. When its lifeline closes, because the orchestrator ended in any way, it kills the tree
// at once.
//
// The lifeline is fd 3, with one order per line. Reports go to fd 4, one JSON object per line.
// The child inherits neither.
package shepherd

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"topobench/internal/host/proc"
)

// Command is the first argument that makes our binary a shepherd.
const Command = "shepherd"

// File descriptors that a shepherd inherits.
const (
	lifelineFD = 3
	reportsFD  = 4
)

// Orders on the lifeline. A space and a signal number follow OrderInterrupt.
const (
	OrderStart     = "start"     // the first; after another one, or none, no child runs
	OrderStop      = "stop"      // the policy's signal to the child's group, then the grace, then SIGKILL to the tree
	OrderForce     = "force"     // no grace from now on
	OrderInterrupt = "interrupt" // a signal to the child itself only
)

// Event is the subject of a report.
type Event string

// Events in their order. Failed is the only report if the child cannot start.
const (
	Started Event = "started" // PID, Ticks
	Failed  Event = "failed"  // Errno or Error: the child did not start
	Ended   Event = "ended"   // Code, Signal, Ordered: the child itself ended
	Gone    Event = "gone"    // Killed, Left: the whole tree ended
)

// Report is one line of the shepherd.
type Report struct {
	Event  Event         `json:"event"`
	PID    int           `json:"pid,omitzero"`
	Ticks  uint64        `json:"ticks,omitzero"`
	Errno  syscall.Errno `json:"errno,omitzero"`
	Error  string        `json:"error,omitzero"`
	Code   int           `json:"code,omitzero"`
	Signal int           `json:"signal,omitzero"`
	// Ordered is true if an order to stop or interrupt came before the child ended.
	Ordered bool `json:"ordered,omitzero"`
	// Killed counts the descendants of the child that the shepherd had to kill.
	Killed int         `json:"killed,omitzero"`
	Left   []proc.Proc `json:"left,omitzero"`
}

// Policy determines how the shepherd starts and stops the child.
type Policy struct {
	Signal  syscall.Signal
	Grace   time.Duration
	Nice    int
	Session bool // the child leads a session of its own, with the nice value
}

// Args returns the command line of the shepherd for argv, without the binary's name.
func (p Policy) Args(argv []string) []string {
	args := []string{
		Command,
		"--signal=" + strconv.Itoa(int(p.Signal)),
		"--grace=" + p.Grace.String(),
		"--nice=" + strconv.Itoa(p.Nice),
		"--session=" + strconv.FormatBool(p.Session),
		"--",
	}
	return append(args, argv...)
}

// Is reports whether a command line is a shepherd's.
func Is(cmdline []string) bool {
	at := slices.Index(cmdline, Command)
	return at > 0 && at+1 < len(cmdline) && strings.HasPrefix(cmdline[at+1], "--signal=")
}

// parse is the reverse of Args, without the leading Command.
func parse(args []string) (Policy, []string, error) {
	flags := flag.NewFlagSet(Command, flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the error goes into a report
	number := flags.Int("signal", int(syscall.SIGTERM), "signal that stops the child")
	grace := flags.Duration("grace", 0, "time between that signal and SIGKILL")
	nice := flags.Int("nice", 0, "added to the child's nice value")
	session := flags.Bool("session", false, "start the child in a session with that nice value")
	if err := flags.Parse(args); err != nil {
		return Policy{}, nil, fmt.Errorf("cannot read the shepherd's arguments: %w", err)
	}
	if flags.NArg() == 0 {
		return Policy{}, nil, fmt.Errorf("cannot start a child: no command after --")
	}
	return Policy{syscall.Signal(*number), *grace, *nice, *session}, flags.Args(), nil
}

// interruption returns the signal of an "interrupt N" order.
func interruption(order string) (syscall.Signal, bool) {
	number, found := strings.CutPrefix(order, OrderInterrupt+" ")
	n, err := strconv.Atoi(number)
	return syscall.Signal(n), found && err == nil && n > 0
}

// Package host runs one child at a time through a shepherd: its log, its end,
// and the end of everything it started.
//
// Start returns when the child runs or could not be started. Done fires the
// moment the child itself ends, however it ends. Stop returns when nothing of
// its tree is left, the shepherd included, or says what is left. A child's
// output goes straight into its log file: nobody has to read for it to live, and
// none of it passes through this process's memory.
//
// It is the only door to go-cmd and os/exec. Everything here needs Linux.
package host

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/go-cmd/cmd"

	"topobench/internal/host/proc"
	"topobench/internal/host/shepherd"
)

// startLimit bounds the wait for the shepherd's first report; it takes
// milliseconds, and a second on a machine that is swapping.
const startLimit = 30 * time.Second

// Spec says how one child is started and stopped.
type Spec struct {
	Name string // for messages, as in "decode-0"
	// Argv is the command; a name without a slash is looked up in this process's PATH.
	Argv []string
	// Env is the whole environment; nil is an empty one, nothing is inherited.
	Env []string
	Dir string // working directory, "" for this process's own
	// Log takes stdout and stderr, appended; made with mode 0600.
	Log string
	// Signal asks the child's process group to stop; 0 means SIGTERM.
	Signal syscall.Signal
	// Grace is the time between that signal and SIGKILL.
	Grace time.Duration
	Nice  int // added to the child's nice value
}

// Starter starts children through the shepherd.
type Starter struct {
	Exe  string   // a binary with the shepherd command; "" is the running one
	Args []string // put before the shepherd command
	Logs *Logs    // keeps the logs small; nil = they grow as they will
	// Born is told of each child, with its log, and its shepherd as soon as they run,
	// for whoever must know them again; may be nil, is called from several goroutines.
	OnStart func(name, log string, child, shepherd proc.Proc)
}

// StartError says that a child never ran. Err matches fs.ErrNotExist,
// fs.ErrPermission, or what else the system answered.
type StartError struct {
	Name string
	Argv []string
	Err  error
}

func (e *StartError) Error() string {
	return fmt.Sprintf("cannot start %s: %v%s", e.Name, e.Err, startAdvice(e.Err))
}

func (e *StartError) Unwrap() error { return e.Err }

// startAdvice is what to do about a program that the system would not start.
func startAdvice(err error) string {
	for _, a := range []struct {
		errno syscall.Errno
		text  string
	}{
		{syscall.EAGAIN, "the limit on processes and threads is reached: end some, or raise it (ulimit -u; pids.max of a container)"},
		{syscall.ENOMEM, "the machine's memory does not suffice: see what holds it (free -g)"},
		{syscall.EMFILE, "too many files are open: raise the limit (ulimit -n)"},
		{syscall.ENFILE, "too many files are open on this machine (fs.file-max)"},
		{syscall.ETXTBSY, "the program's file is being written to: wait until its installation is done"},
		{syscall.ENOEXEC, "it is no program for this machine, or a script without #!"},
	} {
		if errors.Is(err, a.errno) {
			return "; " + a.text
		}
	}
	return ""
}

// Start starts the child of spec. It returns once the child runs, and the error
// is a *StartError if it never will.
func (s Starter) Start(spec Spec) (*Child, error) {
	fail := func(err error) (*Child, error) {
		return nil, &StartError{Name: spec.Name, Argv: spec.Argv, Err: err}
	}
	if err := supported(); err != nil {
		return fail(err)
	}
	spec, err := spec.complete()
	if err != nil {
		return fail(err)
	}
	ends, err := open(spec.Log)
	if err != nil {
		return fail(err)
	}
	s.Logs.add(spec.Log)
	c := newChild(spec, ends.lifeline, s.command(spec, ends))
	c.cmd.Start()
	c.awaitFork()
	go c.readReports(ends.reports)
	select {
	case <-c.started:
	case <-c.cmd.Done(): // the shepherd itself could not be started, or died
	case <-time.After(startLimit):
		c.killShepherd()
	}
	ends.release()
	if err := c.startFault(); err != nil {
		return fail(err)
	}
	if s.OnStart != nil {
		s.OnStart(spec.Name, spec.Log, c.self, c.shepherd)
	}
	return c, nil
}

// complete fills in what is left out and finds the binary, so that a wrong name
// is told before anything is started.
func (s Spec) complete() (Spec, error) {
	if len(s.Argv) == 0 || s.Argv[0] == "" {
		return s, errors.New("no command is given")
	}
	if s.Log == "" {
		return s, errors.New("no log file is given")
	}
	if s.Signal == 0 {
		s.Signal = syscall.SIGTERM
	}
	if s.Env == nil {
		s.Env = []string{} // os/exec takes nil for "inherit mine"
	}
	if strings.Contains(s.Argv[0], "/") {
		return s, nil
	}
	path, err := exec.LookPath(s.Argv[0])
	if err != nil {
		return s, err
	}
	s.Argv = append([]string{path}, s.Argv[1:]...)
	return s, nil
}

// command builds the go-cmd command of the shepherd. It neither buffers nor
// streams: a line without end or a reader that stalls would kill or hold the child.
func (s Starter) command(spec Spec, ends pipes) *cmd.Cmd {
	exe := s.Exe
	if exe == "" {
		exe = self // survives a replacement of the binary on disk
	}
	policy := shepherd.Policy{Signal: spec.Signal, Grace: spec.Grace, Nice: spec.Nice}
	args := append(append([]string{}, s.Args...), policy.Args(spec.Argv)...)
	before := func(e *exec.Cmd) {
		e.Stdout, e.Stderr = ends.log, ends.log
		e.ExtraFiles = []*os.File{ends.orders, ends.answers} // fds 3 and 4
		if s.Exe == "" {
			e.Args[0] = os.Args[0] // a name that a person finds in ps
		}
	}
	c := cmd.NewCmdOptions(cmd.Options{BeforeExec: []func(*exec.Cmd){before}}, exe, args...)
	c.Env, c.Dir = spec.Env, spec.Dir
	return c
}

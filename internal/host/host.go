// Package host is the machine that services run on: children through shepherds, and one
// look at processes, ports, GPUs and disk.
//
// Start returns when the child runs or could not be started. Done is closed the moment the
// child itself ends. Stop returns when its whole tree is gone, the shepherd included, or
// with an error that names the rest. A child's output goes straight into its log file: it
// does not pass through this process, and no reader can hold it up.
//
// It is the only door to go-cmd and os/exec. Children need Linux.
package host

import (
	"context"
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

// startLimit bounds the wait for the shepherd's first report, which takes milliseconds, or a
// second on a machine that is swapping.
const startLimit = 30 * time.Second

// Spec is how one child is started and stopped.
type Spec struct {
	Name string // for messages, as in "decode-0"
	// Argv is the command; a name without a slash is looked up in this process's PATH.
	Argv []string
	// Env is the whole environment; nil is an empty one, nothing is inherited.
	Env []string
	Dir string // working directory, "" for this process's own
	// Log takes stdout and stderr, appended; made with mode 0600.
	Log string
	// Signal stops the child's process group; 0 means SIGTERM.
	Signal syscall.Signal
	// Grace is the time between that signal and SIGKILL.
	Grace time.Duration
	Nice  int // added to the child's nice value
}

// Starter starts children through the shepherd.
type Starter struct {
	Exe  string   // a binary with the shepherd command; "" is the running one
	Args []string // put before the shepherd command
	// Sessions gives each child with a nice value a session of its own, which has that value too. On some Linux
	// systems a nice value counts only within a session (autogroups), and each login is one.
	Sessions bool
	Logs     *Logs // limits the size of logs; nil = unlimited
	// OnStart, if set, is called before a child is started, with its log and its shepherd,
	// which waits. After an error the child is not started. It may be called concurrently.
	OnStart func(name, log string, shepherd proc.Proc) error
	// OnChild, if set, is called once the child runs. It may be called concurrently.
	OnChild func(name string, child proc.Proc)
}

// StartError reports that a child never ran. Err matches fs.ErrNotExist,
// fs.ErrPermission, or another error of the system.
type StartError struct {
	Name string
	Argv []string
	Err  error
}

func (e *StartError) Error() string {
	return fmt.Sprintf("cannot start %s: %v%s", e.Name, e.Err, startAdvice(e.Err))
}

func (e *StartError) Unwrap() error { return e.Err }

// startAdvice is the next step where the system did not start a program.
func startAdvice(err error) string {
	for _, a := range []struct {
		errno syscall.Errno
		text  string
	}{
		{syscall.EAGAIN, threadsAdvice},
		{syscall.ENOMEM, "this machine is out of memory: see which processes use it (free -g)"},
		{syscall.EMFILE, "too many files are open: raise the limit (ulimit -n)"},
		{syscall.ENFILE, "too many files are open on this machine (fs.file-max)"},
		{syscall.ETXTBSY, "the program's file is being written to: wait until its installation is done"},
		{syscall.ENOEXEC, "it is not a program for this machine, or a script without #!"},
	} {
		if errors.Is(err, a.errno) {
			return "; " + a.text
		}
	}
	return ""
}

// Start starts a child. It returns once the child runs; the error is a *StartError if it
// never will.
func (s Starter) Start(spec Spec) (*Child, error) { return s.start(spec, nil, nil) }

// start starts a child. stdin and stdout stay the caller's; nil = none, and the log.
func (s Starter) start(spec Spec, stdin, stdout *os.File) (*Child, error) {
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
	pipes, err := openPipes(spec.Log)
	if err != nil {
		return fail(err)
	}
	pipes.stdin, pipes.stdout = stdin, stdout
	s.Logs.add(spec.Log)
	c := newChild(spec, pipes.lifeline, s.command(spec, pipes))
	c.cmd.Start()
	c.awaitFork()
	pipes.release()
	go c.readReports(pipes.reports)
	first := shepherd.OrderStart
	if c.shepherd.PID == 0 {
		first = shepherd.OrderStop // it is gone, or its identity is unreadable
	} else if s.OnStart != nil {
		if err := s.OnStart(spec.Name, spec.Log, c.shepherd); err != nil {
			return fail(errors.Join(err, c.Stop(context.Background())))
		}
	}
	_ = c.order(first) // an error means that the shepherd is gone
	select {
	case <-c.started:
	case <-c.cmd.Done(): // the shepherd itself could not be started, or died
	case <-time.After(startLimit):
		c.killShepherd()
	}
	if err := c.startFault(); err != nil {
		return fail(err)
	}
	if s.OnChild != nil {
		s.OnChild(spec.Name, c.self)
	}
	return c, nil
}

// complete fills in the defaults and finds the binary, so that a wrong name is an error
// before anything is started.
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

// command builds the go-cmd command of the shepherd. It neither buffers nor streams: an
// endless line would fill the memory, and a stalled reader would hold up the child.
func (s Starter) command(spec Spec, p pipes) *cmd.Cmd {
	exe := s.Exe
	if exe == "" {
		exe = self // also where the binary on disk was replaced
	}
	policy := shepherd.Policy{Signal: spec.Signal, Grace: spec.Grace, Nice: spec.Nice,
		Session: s.Sessions && spec.Nice != 0}
	args := append(append([]string{}, s.Args...), policy.Args(spec.Argv)...)
	before := func(e *exec.Cmd) {
		e.Stdout, e.Stderr = p.log, p.log
		if p.stdout != nil {
			e.Stdin, e.Stdout = p.stdin, p.stdout
		}
		e.ExtraFiles = []*os.File{p.orders, p.answers} // fds 3 and 4
		if s.Exe == "" {
			e.Args[0] = os.Args[0] // for a person who looks for it with ps
		}
	}
	c := cmd.NewCmdOptions(cmd.Options{BeforeExec: []func(*exec.Cmd){before}}, exe, args...)
	c.Env, c.Dir = spec.Env, spec.Dir
	return c
}

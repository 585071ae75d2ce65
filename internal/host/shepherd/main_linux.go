package shepherd

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"topobench/internal/host/proc"
)

// Main is the command; args are the arguments after "shepherd". It returns the child's exit
// code (128 + signal, as in a shell), 127 if it could not start the child, and 1 if it could
// not kill a process of the tree.
func Main(args []string) int {
	keepFromChild()
	reports := json.NewEncoder(os.NewFile(reportsFD, "reports"))
	s := listen(os.NewFile(lifelineFD, "lifeline"))
	// An error of a report is no reason to stop; a closed lifeline is.
	s.report = func(r Report) { _ = reports.Encode(r) }

	child, err := s.begin(args)
	if err != nil {
		s.report(failure(err))
		return 127
	}
	s.report(Report{Event: Started, PID: child.PID, Ticks: child.Ticks})
	s.tend()
	left := s.killTree()
	s.report(Report{Event: Gone, Killed: s.killed, Left: left})
	switch {
	case len(left) > 0:
		return 1
	case s.status.Signaled():
		return 128 + int(s.status.Signal())
	default:
		return s.status.ExitStatus()
	}
}

// listen subscribes to the signals and orders of a shepherd.
func listen(lifeline io.Reader) *shepherd {
	s := &shepherd{
		deaths:    make(chan os.Signal, 1),
		terminate: make(chan os.Signal, 1),
		orders:    make(chan string),
	}
	signal.Notify(s.deaths, syscall.SIGCHLD)
	signal.Notify(s.terminate, syscall.SIGTERM)
	// These signals are caught and dropped. They are not ignored, because the child would
	// inherit that, and a Python that starts with SIGINT ignored never handles it.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT,
		syscall.SIGPIPE, syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU)
	go func() { // runs until the process ends
		defer close(s.orders)
		for lines := bufio.NewScanner(lifeline); lines.Scan(); {
			s.orders <- lines.Text()
		}
	}()
	return s
}

// keepFromChild marks every descriptor but the first three as close-on-exec: its own, and the
// ones that the orchestrator inherited.
func keepFromChild() {
	if unix.CloseRange(lifelineFD, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC) != nil { // before Linux 5.11
		syscall.CloseOnExec(lifelineFD)
		syscall.CloseOnExec(reportsFD)
	}
}

// begin makes this process the sub-reaper, and starts the child once that is ordered.
func (s *shepherd) begin(args []string) (child proc.Proc, err error) {
	var argv []string
	if s.policy, argv, err = parse(args); err != nil {
		return child, err
	}
	if err = proc.SetSubreaper(); err != nil {
		return child, err
	}
	if err = s.awaitOrder(); err != nil {
		return child, err
	}
	if s.child, err = spawn(argv, s.policy.Nice, s.policy.Session); err != nil {
		return child, err
	}
	return proc.Read(s.child) // it cannot vanish, because only this process reaps it
}

// awaitOrder waits until the orchestrator has recorded this process and orders the start.
// A closed lifeline reads as the order "".
func (s *shepherd) awaitOrder() error {
	select {
	case order := <-s.orders:
		if order == OrderStart {
			return nil
		}
		return fmt.Errorf("its shepherd got no order to start it, but %q", order)
	case <-s.terminate:
		return errors.New("its shepherd got SIGTERM before the order to start it")
	}
}

// spawn starts argv on a thread of its own with the nice value, so that the child has it from
// its first instruction on. The thread stays locked and ends with the goroutine, so the
// shepherd keeps its own nice value.
func spawn(argv []string, nice int, session bool) (pid int, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if nice != 0 {
			if err = syscall.Setpriority(syscall.PRIO_PROCESS, 0, nice); err != nil {
				err = fmt.Errorf("cannot set nice value %d: %w", nice, err)
				return
			}
		}
		var child *os.Process
		if child, err = execute(argv, session); err == nil {
			pid = child.Pid
			if session {
				niceSession(pid, nice)
			}
			err = child.Release() // this package waits for it by pid
		}
	}()
	<-done
	return pid, err
}

// busyLimit bounds the retries of a start while the binary is open for writing (ETXTBSY): a
// copy may be about to finish, or a fork of another process may hold the descriptor.
const busyLimit = 500 * time.Millisecond

func execute(argv []string, session bool) (child *os.Process, err error) {
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		child, err = os.StartProcess(argv[0], argv, &os.ProcAttr{
			Files: []*os.File{os.Stdin, os.Stdout, os.Stderr},
			Sys:   &syscall.SysProcAttr{Setpgid: !session, Setsid: session},
		})
		if !errors.Is(err, syscall.ETXTBSY) || time.Since(began) > busyLimit {
			return child, err
		}
	}
}

// niceSession gives the session that a process leads a nice value. It is a matter of speed only, and a kernel without
// autogroups has no such file, so an error is none of the start.
func niceSession(pid, nice int) {
	path, value := fmt.Sprintf("/proc/%d/autogroup", pid), []byte(strconv.Itoa(nice))
	for began := time.Now(); time.Since(began) < busyLimit; time.Sleep(20 * time.Millisecond) {
		// The kernel takes one value every 0.1 s from all who are not root together.
		if err := os.WriteFile(path, value, 0); !errors.Is(err, syscall.EAGAIN) {
			return
		}
	}
}

func failure(err error) Report {
	r := Report{Event: Failed, Error: err.Error()}
	errors.As(err, &r.Errno)
	return r
}

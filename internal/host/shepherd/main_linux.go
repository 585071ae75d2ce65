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
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"topobench/internal/host/proc"
)

// Main is the command; args are those after "shepherd". It returns the child's
// exit code (128 + signal as a shell has it), 127 if it could not be started, 1
// if something of the tree could not be killed.
func Main(args []string) int {
	keepFromChild()
	reports := json.NewEncoder(os.NewFile(reportsFD, "reports"))
	s := listen(os.NewFile(lifelineFD, "lifeline"))
	// An error of a report is no reason to stop: only a closed lifeline is.
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

// listen subscribes to everything that can happen to a shepherd.
func listen(lifeline io.Reader) *shepherd {
	s := &shepherd{
		deaths:    make(chan os.Signal, 1),
		terminate: make(chan os.Signal, 1),
		orders:    make(chan string),
	}
	signal.Notify(s.deaths, syscall.SIGCHLD)
	signal.Notify(s.terminate, syscall.SIGTERM)
	// Caught and dropped, not ignored: the child would inherit an ignored signal, and a
	// Python that starts with SIGINT ignored never handles it.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT,
		syscall.SIGPIPE, syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU)
	go func() { // lives as long as the process
		defer close(s.orders)
		for lines := bufio.NewScanner(lifeline); lines.Scan(); {
			s.orders <- lines.Text()
		}
	}()
	return s
}

// keepFromChild marks every descriptor but the first three as close-on-exec: its own, and
// those that the orchestrator inherited.
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
	if s.child, err = spawn(argv, s.policy.Nice); err != nil {
		return child, err
	}
	return proc.Read(s.child) // it cannot vanish: only this process reaps it
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

// spawn starts argv on a thread of its own, whose nice value the child inherits from its
// first instruction on. The thread ends with the goroutine because it stays locked, so the
// shepherd keeps its own nice value.
func spawn(argv []string, nice int) (pid int, err error) {
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
		if child, err = execute(argv); err == nil {
			pid = child.Pid
			err = child.Release() // this package waits for it by pid
		}
	}()
	<-done
	return pid, err
}

// busyLimit is how long a start is retried while the binary is open for writing (ETXTBSY),
// by a copy that is about to end or by a fork of another process.
const busyLimit = 500 * time.Millisecond

func execute(argv []string) (child *os.Process, err error) {
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		child, err = os.StartProcess(argv[0], argv, &os.ProcAttr{
			Files: []*os.File{os.Stdin, os.Stdout, os.Stderr},
			Sys:   &syscall.SysProcAttr{Setpgid: true},
		})
		if !errors.Is(err, syscall.ETXTBSY) || time.Since(began) > busyLimit {
			return child, err
		}
	}
}

func failure(err error) Report {
	r := Report{Event: Failed, Error: err.Error()}
	errors.As(err, &r.Errno)
	return r
}

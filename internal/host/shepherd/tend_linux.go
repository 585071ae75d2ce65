package shepherd

import (
	"os"
	"syscall"
	"time"

	"topobench/internal/host/proc"
)

// shepherd is one child's tree, with its signals and orders.
type shepherd struct {
	policy Policy
	child  int // pid, and process group
	report func(Report)

	deaths    chan os.Signal // a process of the tree may have ended
	terminate chan os.Signal
	orders    chan string // closed with the lifeline

	ended   bool // the child itself was reaped, so another process may have its pid
	status  syscall.WaitStatus
	ordered bool // an order or a signal to end came
	killing bool
	killed  int
}

// tend watches the tree until it is empty, or until tend has to kill it: the child ended by
// itself, the grace is over, or the orchestrator is gone.
func (s *shepherd) tend() {
	var over <-chan time.Time // not nil while stopping
	for !s.collect() {
		if s.ended && over == nil {
			return // a service without its leader is dead, and gets no grace
		}
		var stop bool
		select {
		case <-s.deaths:
		case <-over:
			return
		case <-s.terminate:
			stop = true
		case order, open := <-s.orders:
			if !open {
				return
			}
			stop = s.handle(order)
		}
		if stop && over == nil {
			s.signal(-s.child, s.policy.Signal)
			s.signal(-s.child, syscall.SIGCONT) // a stopped process handles no other signal
			over = time.After(s.policy.Grace)
		}
		if s.policy.Grace == 0 && over != nil {
			return
		}
	}
}

// handle carries out an order. It returns true for the order to stop.
func (s *shepherd) handle(order string) (stop bool) {
	if sig, ok := interruption(order); ok {
		s.signal(s.child, sig)
		return false
	}
	if order == OrderForce {
		s.policy.Grace = 0
	}
	return order == OrderStop
}

// signal signals the child or its group. The pid is safe to use, because only this goroutine
// can reap the child and free it.
func (s *shepherd) signal(pid int, sig syscall.Signal) {
	if !s.ended {
		s.ordered = true
		_ = syscall.Kill(pid, sig) // it may have just ended; the next collect reaps it
	}
}

// collect reaps every child that has ended, and reports whether the tree is empty.
func (s *shepherd) collect() (empty bool) {
	for _, pid := range s.children() {
		status, reaped := proc.Reap(pid)
		switch {
		case !reaped:
		case pid == s.child:
			s.ended, s.status = true, status
			s.report(ending(status, s.ordered))
		case s.killing && status.Signaled() && status.Signal() == syscall.SIGKILL:
			s.killed++
		}
	}
	return proc.Childless()
}

// killTree kills until the kernel has no child of this process. It kills the direct children
// first and at once, because a chain of processes that each fork and exit stays ahead of a
// walk through /proc.
func (s *shepherd) killTree() (left []proc.Proc) {
	s.killing, s.ordered = true, s.ordered || !s.ended
	deadline := time.Now().Add(proc.KillLimit)
	for !s.collect() {
		for _, pid := range s.children() {
			_ = syscall.Kill(pid, syscall.SIGKILL) // not reaped yet, so the pid is still the child's
		}
		// The error is about reading /proc; the loop goes on until its deadline.
		left, _ = proc.Kill(s.tree)
		if time.Now().After(deadline) {
			return left
		}
		select {
		case <-s.deaths:
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

// children returns the pids of the direct children: from the kernel's list, or from a walk of
// /proc if the kernel has no list.
func (s *shepherd) children() []int {
	if pids := proc.Children(); len(pids) > 0 || proc.Childless() {
		return pids
	}
	all, err := proc.Snapshot()
	if err != nil {
		return []int{s.child}
	}
	var pids []int
	for _, p := range all {
		if p.PPID == os.Getpid() {
			pids = append(pids, p.PID)
		}
	}
	return pids
}

func (s *shepherd) tree(all []proc.Proc) []proc.Proc {
	return proc.Below(all, os.Getpid(), nil)
}

func ending(status syscall.WaitStatus, ordered bool) Report {
	r := Report{Event: Ended, Code: status.ExitStatus(), Ordered: ordered}
	if status.Signaled() {
		r.Signal = int(status.Signal())
	}
	return r
}

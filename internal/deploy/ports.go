package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"topobench/internal/host/proc"
	"topobench/internal/plan"
)

// BusyError lists ports, or GPUs, or runs, that somebody else has.
type BusyError struct {
	GPUs  bool // else ports
	Runs  bool // that live, and are not to be cleaned
	Taken []string
}

func (e *BusyError) Error() string {
	what, next := "ports", "end that process, or choose other ports (frontend.port, balancer.port, port, port_base)"
	if e.GPUs {
		what, next = "GPUs", "wait for them with --wait-gpus 2h, or choose others (cuda_visible_devices); nothing of theirs was touched"
	}
	if e.Runs {
		return fmt.Sprintf("cannot clean: %s\n  wait for it, or end it with clean --force", strings.Join(e.Taken, "; "))
	}
	return fmt.Sprintf("cannot use the %s of the plan: %s\n  %s", what, strings.Join(e.Taken, "; "), next)
}

// FreePorts binds every port once, on loopback and on all addresses, as the
// server will: with SO_REUSEADDR, which TIME_WAIT does not disturb, and without
// SO_REUSEPORT, with which two servers would share a port in silence.
func FreePorts(ports []plan.Port) error {
	var taken []string
	for _, p := range inOrder(ports) {
		if err := bind(p.Number); err != nil {
			taken = append(taken, fmt.Sprintf("%d (%s of %s) %s", p.Number, p.Use, p.Service, owner(p.Number, err)))
		}
	}
	if len(taken) > 0 {
		return &BusyError{Taken: taken}
	}
	return nil
}

// inOrder returns each port number once, ascending.
func inOrder(ports []plan.Port) []plan.Port {
	sorted := slices.SortedFunc(slices.Values(ports), func(a, b plan.Port) int { return cmp.Compare(a.Number, b.Number) })
	return slices.CompactFunc(sorted, func(a, b plan.Port) bool { return a.Number == b.Number })
}

func bind(port int) error {
	for _, host := range []string{"127.0.0.1", "0.0.0.0"} {
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp4", fmt.Sprintf("%s:%d", host, port))
		if err != nil {
			return err
		}
		if err := l.Close(); err != nil {
			return err
		}
	}
	return nil
}

func owner(port int, err error) string {
	if !errors.Is(err, syscall.EADDRINUSE) {
		return err.Error()
	}
	if p, ok := proc.Listener(port); ok {
		return fmt.Sprintf("is taken by process %d (%s)", p.PID, p.Comm)
	}
	return "is taken by a process that cannot be seen from here"
}

// strangerWithin is how long a port is waited for although a stranger has it:
// it may be looking at the port only, as FreePorts does.
const strangerWithin = time.Second

// portsFreed waits until every port binds again. taken is a *BusyError if all
// that do not have got an owner that is not of ours, err says anything else.
func portsFreed(ports []plan.Port, limit time.Duration) (taken, err error) {
	began := time.Now()
	for {
		if err = FreePorts(ports); err == nil {
			return nil, nil
		}
		if time.Since(began) > strangerWithin {
			if names := takenOver(ports); len(names) > 0 {
				return &BusyError{Taken: names}, nil
			}
		}
		if time.Since(began) > limit {
			return nil, err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// takenOver names the ports that a process of somebody else has taken; none if
// one of them has an owner that is ours or cannot be seen.
func takenOver(ports []plan.Port) []string {
	var names []string
	for _, p := range ports {
		if bind(p.Number) == nil {
			continue
		}
		owner, seen := proc.Listener(p.Number)
		all, err := proc.Snapshot()
		if !seen || err != nil || ours(owner, all, os.Getpid()) {
			return nil
		}
		names = append(names, fmt.Sprintf("%d (%s of %s) was taken over by process %d (%s), which is not ours", p.Number, p.Use, p.Service, owner.PID, owner.Comm))
	}
	return names
}

// ours reports whether p is the process self or descends from it.
func ours(p proc.Proc, all []proc.Proc, self int) bool {
	return p.PID == self || slices.ContainsFunc(proc.Below(all, self, nil), p.Same)
}

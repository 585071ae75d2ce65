package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"topobench/internal/plan"
	"topobench/internal/proctree"
)

// BusyError lists ports that somebody else has.
type BusyError struct{ Taken []string }

func (e *BusyError) Error() string {
	return "cannot use the ports of the plan: " + strings.Join(e.Taken, "; ") +
		"\n  end that process, or choose other ports (frontend.port, balancer.port, port, port_base)"
}

// FreePorts binds every port once, on loopback and on all addresses, as the
// server will: with SO_REUSEADDR, which TIME_WAIT does not disturb, and without
// SO_REUSEPORT, with which two servers would share a port in silence.
func FreePorts(ports []plan.Port) error {
	var taken []string
	for _, p := range ports {
		if err := bind(p.Number); err != nil {
			taken = append(taken, fmt.Sprintf("%d (%s of %s) %s", p.Number, p.Use, p.Service, owner(p.Number, err)))
		}
	}
	if len(taken) > 0 {
		return &BusyError{Taken: taken}
	}
	return nil
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
	if p, ok := proctree.Listener(port); ok {
		return fmt.Sprintf("is taken by process %d (%s)", p.PID, p.Comm)
	}
	return "is taken by a process that cannot be seen from here"
}

// portsFreed waits until every port binds again.
func portsFreed(ports []plan.Port, limit time.Duration) error {
	deadline := time.Now().Add(limit)
	for {
		err := FreePorts(ports)
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

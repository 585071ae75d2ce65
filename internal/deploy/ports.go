package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"syscall"
	"time"

	"topobench/internal/host/proc"
	"topobench/internal/plan"
)

// FreePorts binds every port once, on loopback and on all addresses, as the server will:
// with SO_REUSEADDR, which TIME_WAIT does not disturb, and without SO_REUSEPORT, with
// which two servers would share a port unnoticed. The error is a *PortsBusyError.
func FreePorts(ports []plan.Port) error {
	if taken := takenPorts(ports); len(taken) > 0 {
		return &PortsBusyError{Taken: taken}
	}
	return nil
}

// takenPorts lists the ports that do not bind, with their owners.
func takenPorts(ports []plan.Port) (taken []string) {
	for _, p := range inOrder(ports) {
		if err := bind(p.Number); err != nil {
			taken = append(taken, fmt.Sprintf("%s %s", describe(p), owner(p.Number, err)))
		}
	}
	return taken
}

func describe(p plan.Port) string { return fmt.Sprintf("%d (%s of %s)", p.Number, p.Use, p.Service) }

// inOrder returns each port number once, ascending.
func inOrder(ports []plan.Port) []plan.Port {
	byNumber := func(a, b plan.Port) int { return cmp.Compare(a.Number, b.Number) }
	return slices.CompactFunc(slices.SortedFunc(slices.Values(ports), byNumber),
		func(a, b plan.Port) bool { return a.Number == b.Number })
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
	return "is taken by a process that is not visible from here"
}

const (
	// portsWithin is how long the kernel may take to give a port back.
	portsWithin = 10 * time.Second
	// foreignWithin is how long the check waits for a port that a foreign process has: that
	// may only be trying it, as FreePorts does.
	foreignWithin = time.Second
)

// portsCheck passes when every port binds again. It is *PortsBusyError if a foreign
// process owns each port that does not.
func portsCheck(ports []plan.Port) TeardownCheck {
	began := time.Now()
	return TeardownCheck{Name: portsName, Within: portsWithin, Check: func(context.Context) (left []Leftover, err error) {
		taken := takenPorts(ports)
		if len(taken) > 0 && time.Since(began) > foreignWithin {
			if foreign := takenOver(ports); len(foreign) > 0 {
				return nil, &PortsBusyError{Taken: foreign}
			}
		}
		for _, text := range taken {
			left = append(left, Leftover{Detail: "port " + text})
		}
		return left, nil
	}}
}

// takenOver lists the ports that a foreign process has taken; none if the owner of one of
// them is ours or not visible.
func takenOver(ports []plan.Port) []string {
	var foreign []string
	for _, p := range inOrder(ports) {
		if bind(p.Number) == nil {
			continue
		}
		owner, seen := proc.Listener(p.Number)
		all, err := proc.Snapshot()
		if !seen || err != nil || ours(owner, all, os.Getpid()) {
			return nil
		}
		foreign = append(foreign, fmt.Sprintf("%s was taken over by process %d (%s), which is not ours",
			describe(p), owner.PID, owner.Comm))
	}
	return foreign
}

// ours reports whether p is the process self or descends from it.
func ours(p proc.Proc, all []proc.Proc, self int) bool {
	return p.PID == self || slices.ContainsFunc(proc.Below(all, self, nil), p.Same)
}

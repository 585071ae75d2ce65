package stack

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"topobench/internal/plan"
)

// Claim keeps other runs of topobench on this machine from the ports until
// release: FreePorts alone lets two runs that start at the same moment both pass.
// A port that another run has claimed is a *BusyError. A port may be given twice.
//
// A claim is an abstract unix socket: the kernel frees it with the process, no
// child inherits it, and like the port it belongs to the network namespace.
func Claim(ports []plan.Port) (release func(), err error) {
	var held []net.Listener
	release = func() {
		for _, l := range held {
			_ = l.Close() // only a second Close fails
		}
	}
	// In the order of the numbers and no further than the first that is taken: so
	// one of several runs has them all, whatever they have in common.
	for _, p := range inOrder(ports) {
		l, err := net.ListenUnix("unix", claimOf(p))
		if err == nil {
			held = append(held, l)
			continue
		}
		release()
		if errors.Is(err, syscall.EADDRINUSE) {
			return nil, &BusyError{Taken: []string{fmt.Sprintf("%d (%s of %s) is held by another topobench run%s", p.Number, p.Use, p.Service, holder(p))}}
		}
		return nil, fmt.Errorf("cannot claim port %d: %w", p.Number, err)
	}
	return release, nil
}

func claimOf(p plan.Port) *net.UnixAddr {
	return &net.UnixAddr{Net: "unix", Name: fmt.Sprintf("@topobench-port-%d", p.Number)}
}

// holder is who claimed the port, as " (process 4711)", or nothing where that
// cannot be learnt. A connection knows who listens at its other end, unix(7).
func holder(p plan.Port) string {
	conn, err := (&net.Dialer{Timeout: time.Second}).Dial("unix", claimOf(p).Name)
	if err != nil {
		return "" // it ended meanwhile
	}
	defer conn.Close()
	raw, err := conn.(*net.UnixConn).SyscallConn()
	if err != nil {
		return ""
	}
	var peer *syscall.Ucred
	var unknown error
	err = raw.Control(func(fd uintptr) {
		peer, unknown = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	})
	if errors.Join(err, unknown) != nil || peer.Pid == 0 { // 0: in another pid namespace
		return ""
	}
	return fmt.Sprintf(" (process %d)", peer.Pid)
}

package deploy

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"slices"
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
	var things []thing
	for _, p := range inOrder(ports) {
		things = append(things, thing{fmt.Sprintf("port-%d", p.Number), fmt.Sprintf("%d (%s of %s)", p.Number, p.Use, p.Service)})
	}
	return claim(things, false)
}

// ClaimGPUs is Claim for devices: names by UUID. Runs in different network
// namespaces see each other's processes on a GPU, but not these claims.
func ClaimGPUs(devices map[string]string) (release func(), err error) {
	var things []thing
	for uuid, name := range devices {
		things = append(things, thing{"gpu-" + uuid, name})
	}
	slices.SortFunc(things, func(a, b thing) int { return cmp.Compare(a.key, b.key) })
	return claim(things, true)
}

// thing is what only one run may have: key for the kernel, name for a person.
type thing struct{ key, name string }

// claim takes all things or none. They are in an order that every run has, and it
// goes no further than the first that is taken: so one of several runs has them
// all, whatever they have in common.
func claim(things []thing, gpus bool) (release func(), err error) {
	var held []net.Listener
	release = func() {
		for _, l := range held {
			_ = l.Close() // only a second Close fails
		}
	}
	for _, t := range things {
		l, err := net.ListenUnix("unix", t.address())
		if err == nil {
			held = append(held, l)
			continue
		}
		release()
		if errors.Is(err, syscall.EADDRINUSE) {
			return nil, &BusyError{GPUs: gpus, Taken: []string{t.name + " is held by another topobench run" + t.holder()}}
		}
		return nil, fmt.Errorf("cannot claim %s: %w", t.name, err)
	}
	return release, nil
}

func (t thing) address() *net.UnixAddr {
	return &net.UnixAddr{Net: "unix", Name: "@topobench-" + t.key}
}

// holder is who claimed it, as " (process 4711)", or nothing where that cannot be
// learnt. A connection knows who listens at its other end, unix(7).
func (t thing) holder() string {
	conn, err := (&net.Dialer{Timeout: time.Second}).Dial("unix", t.address().Name)
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

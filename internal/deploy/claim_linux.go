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

// Claim keeps other runs of topobench on this machine from the ports until release:
// FreePorts alone lets two runs that start at the same moment both pass. For a port that
// another run has claimed the error is a *PortsBusyError. A port may be given twice.
//
// A claim is an abstract unix socket: the kernel frees it with the process, no child
// inherits it, and like the port it belongs to the network namespace.
func Claim(ports []plan.Port) (release func(), err error) {
	return claim(portResources(ports), portBusy)
}

func portResources(ports []plan.Port) (resources []resource) {
	for _, p := range inOrder(ports) {
		resources = append(resources, resource{fmt.Sprintf("port-%d", p.Number), describe(p)})
	}
	return resources
}

func portBusy(taken string) error { return &PortsBusyError{Taken: []string{taken}, ByRun: true} }

// ClaimGPUs is Claim for devices: names by UUID, *GPUsBusyError. Runs in different
// network namespaces see each other's processes on a GPU, but not these claims.
func ClaimGPUs(devices map[string]string) (release func(), err error) {
	return claim(gpuResources(devices), gpuBusy)
}

func gpuResources(devices map[string]string) (resources []resource) {
	for uuid, name := range devices {
		resources = append(resources, resource{"gpu-" + uuid, name})
	}
	slices.SortFunc(resources, func(a, b resource) int { return cmp.Compare(a.key, b.key) })
	return resources
}

func gpuBusy(taken string) error { return &GPUsBusyError{Taken: []string{taken}} }

// Claimed lists the errors of Claim and ClaimGPUs for everything that another run has claimed. It claims nothing: a run
// that starts at this moment must not fail.
func Claimed(ports []plan.Port, devices map[string]string) (faults []error) {
	busy := func(resources []resource, fault func(string) error) {
		for _, r := range resources {
			if holder := r.holder(); holder != "" {
				faults = append(faults, fault(r.name+" is held by another topobench run"+holder))
			}
		}
	}
	busy(portResources(ports), portBusy)
	busy(gpuResources(devices), gpuBusy)
	return faults
}

// resource belongs to one run at a time: key for the kernel, name for a person.
type resource struct{ key, name string }

// claim takes all resources or none. Every run takes them in the same order and stops at
// the first that is taken, so one of several runs has all of its own, whatever they share.
func claim(resources []resource, busy func(taken string) error) (release func(), err error) {
	var held []net.Listener
	release = func() {
		for _, l := range held {
			_ = l.Close() // only a second Close fails
		}
	}
	for _, r := range resources {
		l, err := net.ListenUnix("unix", r.address())
		if err == nil {
			held = append(held, l)
			continue
		}
		release()
		if errors.Is(err, syscall.EADDRINUSE) {
			return nil, busy(r.name + " is held by another topobench run" + r.holder())
		}
		return nil, fmt.Errorf("cannot claim %s: %w", r.name, err)
	}
	return release, nil
}

func (r resource) address() *net.UnixAddr {
	return &net.UnixAddr{Net: "unix", Name: "@topobench-" + r.key}
}

// holder is the process that claimed r, as " (process 4711)", or nothing if that is not
// known. A connection has the credentials of its listener, unix(7).
func (r resource) holder() string {
	conn, err := (&net.Dialer{Timeout: time.Second}).Dial("unix", r.address().Name)
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

package host

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// Claim keeps other runs of topobench on this machine from resources until release: it takes all of them or none. For
// one that another run has the error is a *TakenError. A resource may be given twice.
//
// A claim is an abstract unix socket: the kernel frees it with the process, no child inherits it, and like a port it
// belongs to the network namespace. Every run claims in the same order and stops at the first that is taken, so one of
// several runs has all of its own, whatever they share.
func Claim(resources []Resource) (release func(), err error) {
	var held []net.Listener
	release = func() {
		for _, l := range held {
			_ = l.Close() // only a second Close fails
		}
	}
	for _, r := range byKey(resources) {
		l, err := net.ListenUnix("unix", r.address())
		if err == nil {
			held = append(held, l)
			continue
		}
		release()
		if errors.Is(err, syscall.EADDRINUSE) {
			return nil, &TakenError{Name: r.Name, Holder: r.holder()}
		}
		return nil, fmt.Errorf("cannot claim %s: %w", r.Name, err)
	}
	return release, nil
}

// Claimed lists the resources that another run has claimed. It claims nothing: a run that starts at this moment must
// not fail.
func Claimed(resources []Resource) (taken []*TakenError) {
	for _, r := range byKey(resources) {
		if holder := r.holder(); holder != "" {
			taken = append(taken, &TakenError{Name: r.Name, Holder: holder})
		}
	}
	return taken
}

// byKey has each resource once, in the order of all runs.
func byKey(resources []Resource) []Resource {
	sorted := slices.SortedFunc(slices.Values(resources), func(a, b Resource) int { return cmp.Compare(a.Key, b.Key) })
	return slices.CompactFunc(sorted, func(a, b Resource) bool { return a.Key == b.Key })
}

func (r Resource) address() *net.UnixAddr {
	return &net.UnixAddr{Net: "unix", Name: "@topobench-" + r.Key}
}

// holder is the process that claimed r, as " (process 4711)", with the name of another user, or nothing if that is not
// known. A connection has the credentials of its listener, unix(7).
func (r Resource) holder() string {
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
	if int(peer.Uid) == os.Geteuid() {
		return fmt.Sprintf(" (process %d)", peer.Pid)
	}
	id := strconv.Itoa(int(peer.Uid))
	name := "user " + id
	if u, err := user.LookupId(id); err == nil {
		name = u.Username
	}
	return fmt.Sprintf(" (process %d of %s)", peer.Pid, name)
}

package proc_test

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"topobench/internal/host/proc"
	"topobench/internal/testbed"
)

// A process is named once, however many of its sockets share a port, and a port without a
// listener has none.
func TestListenersOfSeveralPorts(t *testing.T) {
	first, free := sharing(t, "127.0.0.1:0"), sharing(t, "127.0.0.1:0")
	sharing(t, first.Addr().String())
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	child := start(t, 0, "healthy", free.Addr().String())
	ports := []int{port(t, first), port(t, free), 1}
	var got map[int][]proc.Proc
	testbed.Eventually(t, soon, func() bool {
		all, err := proc.Snapshot()
		got = proc.Listeners(all, ports)
		return err == nil && len(got[ports[1]]) > 0
	})
	if ours := got[ports[0]]; len(ours) != 1 || ours[0].PID != os.Getpid() {
		t.Errorf("%v on port %d, want this process alone", ours, ports[0])
	}
	if other := got[ports[1]]; len(other) != 1 || !other[0].Same(child) || len(got) != 2 {
		t.Errorf("%v on port %d, want %v alone; in all %v", other, ports[1], child, got)
	}
}

// Sockets of both families are found, and their connections are not.
func TestListenersOfBothFamilies(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if found := listeners(t, port(t, l)); len(found) == 0 || found[0].PID != os.Getpid() {
			t.Errorf("%s: %v", address, found)
		}
		if err := l.Close(); err != nil { // the connection stays, and has the port
			t.Error(err)
		}
		if found := listeners(t, port(t, l)); len(found) > 0 {
			t.Errorf("%s is closed: %v", address, found)
		}
		conn.Close()
	}
}

// listeners are those on one port, now.
func listeners(t *testing.T, port int) []proc.Proc {
	t.Helper()
	all, err := proc.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	return proc.Listeners(all, []int{port})[port]
}

// sharing listens until the test ends, with a socket that lets others share its port.
func sharing(t *testing.T, address string) net.Listener {
	t.Helper()
	shares := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var fault error
		err := c.Control(func(fd uintptr) { fault = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
		return errors.Join(err, fault)
	}}
	l, err := shares.Listen(t.Context(), "tcp4", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // it may be closed already
	return l
}

func port(t *testing.T, l net.Listener) int {
	t.Helper()
	a, is := l.Addr().(*net.TCPAddr)
	if !is {
		t.Fatalf("%v is no TCP address", l.Addr())
	}
	return a.Port
}

// Connections that nobody accepts wait; those to another port do not count.
func TestBacklogCountsWaitingConnections(t *testing.T) {
	busy, idle := sharing(t, "127.0.0.1:0"), sharing(t, "127.0.0.1:0")
	for range 3 {
		c, err := net.Dial("tcp", busy.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	port, other := busy.Addr().(*net.TCPAddr).Port, idle.Addr().(*net.TCPAddr).Port
	if got := proc.Backlog([]int{port, other}); got[port] != 3 || got[other] != 0 {
		t.Errorf("got %v, want 3 on port %d and 0 on port %d", got, port, other)
	}
}

package host_test

import (
	"context"
	"net"
	"os/user"
	"strings"
	"syscall"
	"testing"
	"time"

	"topobench/internal/host"
)

// freeAddress is an address of this machine on which nothing listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

// A probe leaves no trace: a server that does not set SO_REUSEADDR, which TIME_WAIT would disturb, binds at once.
func TestListenAndDial(t *testing.T) {
	var l host.Local
	open, closed := freeAddress(t), freeAddress(t)
	release, err := l.Listen(t.Context(), []string{open})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		faults, err := l.Dial(t.Context(), []string{open, closed}, time.Minute)
		if err != nil || len(faults) != 1 || faults[closed] != "connection refused" {
			t.Fatalf("faults %v, %v", faults, err)
		}
	}
	release()
	plain := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		control := c.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 0) })
		if err != nil {
			return err
		}
		return control
	}}
	server, err := plain.Listen(t.Context(), "tcp", open)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	other := freeAddress(t)
	if _, err := l.Listen(t.Context(), []string{other, open}); err == nil || !strings.Contains(err.Error(), "cannot listen on "+open+": address already in use") {
		t.Errorf("a port that is taken: %v", err)
	}
	if faults, err := l.Dial(t.Context(), []string{other}, time.Minute); err != nil || len(faults) != 1 {
		t.Errorf("it listens on the other port: %v, %v", faults, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Dial(ctx, []string{open}, time.Minute); err == nil {
		t.Error("a probe that was cut off has a result")
	}
}

func TestLookNamesTheUserOfAPort(t *testing.T) {
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	look, err := host.Local{}.Look(t.Context(), host.Question{Processes: true, Listening: []int{port, 1}})
	if err != nil || len(look.Users) != 1 || look.Users[port] != me.Username {
		t.Errorf("users %v, %v; this one is %s", look.Users, err, me.Username)
	}
}

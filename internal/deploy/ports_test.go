package deploy

import (
	"net"
	"os"
	"testing"

	"topobench/internal/host"
	"topobench/internal/plan"
	"topobench/internal/testbed"
)

// A port whose connections are in TIME_WAIT is free: the server will bind it. One
// that a leftover listens on is not, until that is gone.
func TestF63PortInTimeWaitAndOfALeftover(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ports := []plan.Port{{Number: l.Addr().(*net.TCPAddr).Port, Service: "svc", Use: "http"}}
	if err := FreePorts(t.Context(), host.Local{}, ports); err == nil {
		t.Fatal("a port that is listened on is free")
	}
	timeWait(t, l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := FreePorts(t.Context(), host.Local{}, ports); err != nil {
		t.Error(err)
	}
}

// timeWait leaves a connection of the listener's port in TIME_WAIT: the server
// closes first.
func timeWait(t *testing.T, l net.Listener) {
	t.Helper()
	client, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
}

// The check that finds a leftover process with a service's listener kills it, and then
// its port is free.
func TestF63ListenerOfALeftoverIsKilled(t *testing.T) {
	b := newBed(t)
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	socket, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	stray, err := os.StartProcess("/bin/sleep", []string{"sleep", "60"}, &os.ProcAttr{Env: b.Env(), Files: []*os.File{nil, nil, nil, socket}})
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	socket.Close()
	o := b.options()
	o.Checks = []TeardownCheck{{Name: "stray", Within: soon, Check: nothing, Remove: func() error {
		err := stray.Kill()
		_, waited := stray.Wait()
		if err == nil {
			err = waited
		}
		return err
	}}}
	ports := []plan.Port{{Number: port, Service: "svc", Use: "http"}}
	s := newStack(t.Context(), target(o, plan.Service{Name: "svc", Ports: ports}))
	defer s.events.close()
	testbed.Eventually(t, soon, func() bool { return FreePorts(t.Context(), host.Local{}, s.plan.Ports()) != nil })
	if err := s.prove(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

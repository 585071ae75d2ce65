package deploy

import (
	"net"
	"strings"
	"syscall"
	"testing"

	"topobench/internal/host"
	"topobench/internal/plan"
	"topobench/internal/testbed"
)

// processes are those of a stack right now.
func (b *bed) processes(s *Stack) []host.ServiceProcesses {
	b.Helper()
	all, err := s.Processes()
	if err != nil {
		b.Fatal(err)
	}
	return all
}

// The leader stays, and the engine that it started dies.
func TestF05TreeThatLostAProcess(t *testing.T) {
	b := newBed(t)
	s := b.up(b.service("a", plan.Aggregated, 0, "leader"))
	testbed.Eventually(t, soon, func() bool { return len(b.processes(s)[0].Tree) == 1 })
	before := b.processes(s)
	if err := syscall.Kill(before[0].Tree[0].PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	testbed.Eventually(t, soon, func() bool { return len(b.processes(s)[0].Tree) == 0 })
	restarted, ended := host.CompareProcesses(before, b.processes(s))
	if len(restarted) > 0 || len(ended) != 1 || !strings.HasPrefix(ended[0], "a lost process ") {
		t.Errorf("got %q, %q", restarted, ended)
	}
}

// The listener of a service is found by its port, whoever that is.
func TestF22StrangerAnswersOnOurPort(t *testing.T) {
	b := newBed(t)
	s := b.up(b.service("a", plan.Aggregated, 0, "sleep"))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s.running[0].Ports = []plan.Port{{Number: l.Addr().(*net.TCPAddr).Port}}
	if got := b.processes(s)[0].Listener; got.PID != syscall.Getpid() {
		t.Errorf("got %+v", got)
	}
	if got := host.ForeignListeners(b.processes(s)); len(got) != 1 || !strings.Contains(got[0], "which topobench did not start") {
		t.Errorf("the test itself is no service of the stack: %q", got)
	}
	s.running[0].Ports = nil // of which the teardown proves that they are free
}

package deploy

import (
	"net"
	"strings"
	"syscall"
	"testing"

	"topobench/internal/host/proc"
	"topobench/internal/plan"
	"topobench/internal/testbed"
)

// members are those of a stack right now.
func (b *bed) members(s *Stack) []ServiceProcesses {
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
	testbed.Eventually(t, soon, func() bool { return len(b.members(s)[0].Tree) == 1 })
	before := b.members(s)
	if err := syscall.Kill(before[0].Tree[0].PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	testbed.Eventually(t, soon, func() bool { return len(b.members(s)[0].Tree) == 0 })
	restarted, ended := Compare(before, b.members(s))
	if len(restarted) > 0 || len(ended) != 1 || !strings.HasPrefix(ended[0], "a lost process ") {
		t.Errorf("got %q, %q", restarted, ended)
	}
}

func TestF32AnotherListensOnThePort(t *testing.T) {
	who := func(pid int, ticks uint64) proc.Proc { return proc.Proc{PID: pid, Ticks: ticks, Comm: "x"} }
	member := func(listener proc.Proc) []ServiceProcesses {
		return []ServiceProcesses{{Service: "a", Port: 8001, Listener: listener}}
	}
	for _, row := range []struct {
		why           string
		before, after proc.Proc
		changed       bool
	}{
		{"the same", who(7, 1), who(7, 1), false},
		{"another pid", who(7, 1), who(8, 2), true},
		{"the pid of another", who(7, 1), who(7, 2), true},
		{"it cannot be seen any more", who(7, 1), proc.Proc{}, false},
	} {
		if restarted, _ := Compare(member(row.before), member(row.after)); (len(restarted) > 0) != row.changed {
			t.Errorf("%s: %q", row.why, restarted)
		}
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
	if got := b.members(s)[0].Listener; got.PID != syscall.Getpid() {
		t.Errorf("got %+v", got)
	}
	if got := ForeignListeners(b.members(s)); len(got) != 1 || !strings.Contains(got[0], "is not ours, answers on port") {
		t.Errorf("the test itself is no service of the stack: %q", got)
	}
	s.running[0].Ports = nil // of which the teardown proves that they are free
}

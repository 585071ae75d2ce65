package monitor

import (
	"testing"

	"topobench/internal/host/proc"
)

func TestF32AnotherListensOnThePort(t *testing.T) {
	who := func(pid int, ticks, image uint64) ProcessIdentity {
		return ProcessIdentity{Proc: proc.Proc{PID: pid, Ticks: ticks, Comm: "x"}, Image: image}
	}
	member := func(listener ProcessIdentity) []ServiceProcesses {
		return []ServiceProcesses{{Service: "a", Port: 8001, Listener: listener}}
	}
	for _, row := range []struct {
		why           string
		before, after ProcessIdentity
		changed       bool
	}{
		{"the same", who(7, 1, 5), who(7, 1, 5), false},
		{"another pid", who(7, 1, 5), who(8, 2, 5), true},
		{"the pid of another", who(7, 1, 5), who(7, 2, 5), true},
		{"another program", who(7, 1, 5), who(7, 1, 6), true},
		{"the program is not known", who(7, 1, 5), who(7, 1, 0), false},
		{"it cannot be seen any more", who(7, 1, 5), ProcessIdentity{}, false},
	} {
		if restarted, _ := CompareProcesses(member(row.before), member(row.after)); (len(restarted) > 0) != row.changed {
			t.Errorf("%s: %q", row.why, restarted)
		}
	}
}

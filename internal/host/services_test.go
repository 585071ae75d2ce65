package host

import (
	"testing"

	"topobench/internal/host/proc"
)

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
		if restarted, _ := CompareProcesses(member(row.before), member(row.after)); (len(restarted) > 0) != row.changed {
			t.Errorf("%s: %q", row.why, restarted)
		}
	}
}

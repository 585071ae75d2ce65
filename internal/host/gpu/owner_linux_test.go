package gpu

import (
	"os"
	"testing"

	"topobench/internal/host/proc"
)

// /proc mounted with hidepid shows a user no process of others, and nvidia-smi their
// pids all the same: whoever lives and is not to be seen is a stranger.
func TestF33HiddenProcessIsAStranger(t *testing.T) {
	all, err := proc.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	const nobody = 1 << 22 // the kernel gives no pid above
	parent := os.Getppid()
	all = append(all, proc.Proc{PID: nobody - 1, State: 'Z', Threads: 1})
	for _, row := range []struct {
		why  string
		pid  int
		want Party
	}{
		{"it descends from the run", os.Getpid(), Ours},
		{"the run itself", parent, Theirs},
		{"it lives, and is not shown", nobody, Theirs},
		{"no such process: another namespace, or it ended", nobody + 1, Unseen},
		{"it ended, and waits for its parent", nobody - 1, Unseen},
	} {
		got := ownerOf(row.pid, all, parent, func(pid int) bool { return pid == nobody })
		if got.Party != row.want {
			t.Errorf("%s: %+v, want %s", row.why, got, row.want)
		}
	}
	for _, pid := range []int{0, os.Getpid(), parent, nobody} {
		if hidden(pid) {
			t.Errorf("process %d is to be seen, or is none", pid)
		}
	}
}

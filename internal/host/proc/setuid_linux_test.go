package proc_test

import (
	"os"
	"slices"
	"syscall"
	"testing"

	"topobench/internal/host/proc"
	"topobench/internal/testbed"
)

// A set-uid program shows root as its owner. The ledger knows it all the same, and who
// started it may end it.
func TestKnownSeesASetUIDProgram(t *testing.T) {
	const su = "/usr/bin/su"
	info, err := os.Stat(su)
	if os.Geteuid() == 0 || err != nil || info.Mode()&os.ModeSetuid == 0 {
		t.Skipf("for an ordinary user, where %s is set-uid", su)
	}
	asks, unanswered, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer asks.Close()
	defer unanswered.Close()
	child, err := os.StartProcess(su, []string{"su"}, &os.ProcAttr{Env: testbed.Audit(t).Env(), Files: []*os.File{asks}})
	if err != nil {
		t.Fatal(err)
	}
	var p proc.Proc
	testbed.Eventually(t, soon, func() bool {
		uid, unknown := proc.UID(child.Pid)
		p, err = proc.Read(child.Pid)
		return err == nil && unknown == nil && uid == 0
	})
	all, err := proc.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if seen := (proc.RunIdentity{Started: []proc.Proc{p}}).ByLedger(all); !slices.ContainsFunc(seen, p.Same) {
		t.Errorf("sees %v, want %v", seen, p)
	}
	if err := proc.Signal(p, syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	if _, err := child.Wait(); err != nil {
		t.Error(err)
	}
}

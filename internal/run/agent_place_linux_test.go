package run

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/testbed"
)

// A stopped agent whose record is in another place is not ended: its services are reported, and no proof is given.
func TestARecoveryInAnotherPlaceProvesNothing(t *testing.T) {
	witness, run := testbed.Audit(t), runID(t, "node1")
	first, err := ownProcess(t, os.Environ(), "node1", run, placesOf(t))
	if err != nil {
		t.Fatal(err)
	}
	marked := first.child(t, witness.Env(), "a", "sleep").Process()
	unmarked := first.child(t, witness.Env(), "b", "envless").Process() // as nginx and vLLM are
	if err := syscall.Kill(first.pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	next, err := inProcess(t, t.Context(), "node1",
		AgentOptions{Run: run, Temp: placesOf(t), Grace: 30 * time.Second, Recover: true})
	switch {
	case err == nil:
		t.Errorf("recovered, and processes %v and %v are there", marked, unmarked)
		_, _ = next.Close(t.Context())
		<-next.ended
	case !strings.Contains(err.Error(), fmt.Sprint(marked.PID)) || !strings.Contains(err.Error(), fmt.Sprint(unmarked.PID)):
		t.Errorf("the error does not name processes %v and %v: %v", marked, unmarked, err)
	}
	if err := syscall.Kill(first.pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if left, err := first.Close(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}

// A login whose shell started something before it became the agent left that to it: it is no leftover of a topology.
func TestChildrenOfTheLoginAreNoLeftovers(t *testing.T) {
	testbed.Audit(t)
	early := exec.Command("sleep", "60")
	if err := early.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = early.Process.Kill(); _ = early.Wait() }()
	f, err := inProcess(t, t.Context(), "node1",
		AgentOptions{Run: runID(t, "node1"), Temp: placesOf(t), Grace: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	look, err := f.Look(t.Context(), host.Question{Processes: true})
	if err != nil || len(look.Leftovers) > 0 {
		t.Errorf("leftovers %v, %v", look.Leftovers, err)
	}
	if left, err := f.Close(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
	if err := <-f.ended; err != nil {
		t.Error(err)
	}
}

package agent_test

import (
	"bytes"
	"errors"
	"os"
	"syscall"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/agent"
	"topobench/internal/testbed"
)

// A signal is for the child itself, and its shepherd is known: aiperf needs both.
func TestAChildThereIsInterrupted(t *testing.T) {
	witness := testbed.Audit(t)
	c, _ := connect(t, agent.Server{Host: host.Local{Starter: host.Starter{Exe: testbed.Program()}}, Machine: &machine{}})
	log := t.TempDir() + "/log"
	h := start(t, c, host.Spec{Name: "a", Argv: testbed.Argv("interrupted"), Env: witness.Env(), Log: log, Grace: time.Second})
	logged := func(words string) bool {
		text, err := os.ReadFile(log)
		return err == nil && bytes.Contains(text, []byte(words))
	}
	testbed.Eventually(t, 10*time.Second, func() bool { return logged("leader ready") && logged("child ready") })
	child := h.(interface {
		Interrupt(sig syscall.Signal) error
	})
	if err := child.Interrupt(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	<-h.Done()
	if err := h.Stop(t.Context()); err != nil || h.Exit().Code != 3 || !logged("leader interrupted") || logged("child interrupted") {
		t.Errorf("%+v, %v", h.Exit(), err)
	}
	if err := child.Interrupt(syscall.SIGINT); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("got %v", err)
	}
}

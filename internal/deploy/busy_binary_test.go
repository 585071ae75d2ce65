package deploy

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"topobench/internal/host"
	"topobench/internal/plan"
)

// F-28: the second service cannot be executed. The error has the cause and what to do,
// and the first one is gone.
func TestF28AStartThatTheSystemRefusesTakesDownWhatRuns(t *testing.T) {
	b := newBed(t)
	program := filepath.Join(b.dir, "program")
	writer, err := os.OpenFile(program, os.O_WRONLY|os.O_CREATE, 0o755) // no process can execute it while it is open
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	first, second := b.service("first", plan.Frontend, 0, "stubborn"), b.service("second", plan.Decode, 0, "sleep")
	first.Grace = 0
	second.Argv = []string{program}
	err = b.fails(plan.Plan{Services: []plan.Service{first, second}})
	if _, start := errors.AsType[*host.StartError](err); !start || !errors.Is(err, syscall.ETXTBSY) || !strings.Contains(err.Error(), "cannot start second") {
		t.Errorf("got %v", err)
	}
	if history := b.history(); !strings.Contains(history, "starting first") || !strings.HasSuffix(history, "gone first") {
		t.Errorf("events %s", history)
	}
}

package recovery

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"topobench/internal/host/proc"
	"topobench/internal/journal"
)

// RecordStart is in the file when it returns, before there is a child; from then on the
// shepherd and what descends from it belong to the run.
func TestF57StartIsInTheFileBeforeTheChildRuns(t *testing.T) {
	b := newBed(t)
	run := newRun(t)
	path := filepath.Join(run.Path(), journal.Name)
	j, err := journal.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	ledger, err := NewLedger(run, j)
	if err != nil {
		t.Fatal(err)
	}
	shepherd := b.start("", nil, "/bin/sh", "-c", "sleep 60; :")
	if err := ledger.RecordStart("svc", "svc.log", shepherd); err != nil {
		t.Fatal(err)
	}
	records, err := journal.Read(path)
	if err != nil || len(records) != 2 {
		t.Fatalf("%d records (%v), want the run's begin and the start", len(records), err)
	}
	if begin, ok := records[0].Event.(journal.RunBegin); !ok || begin.PID != os.Getpid() {
		t.Errorf("the first event is %+v", records[0].Event)
	}
	want := journal.Started{Name: "svc", Log: "svc.log", Shepherd: shepherd.PID, ShepherdTicks: shepherd.Ticks}
	if records[1].Event != want {
		t.Errorf("got %+v, want %+v", records[1].Event, want)
	}
	all, err := proc.Snapshot()
	if known := ledger.Trace().ByLedger(all); err != nil || !slices.ContainsFunc(known, shepherd.Same) {
		t.Errorf("known are %v, not %v (%v)", known, shepherd, err)
	}
	if name := ledger.Name(shepherd); name != "shepherd of svc" {
		t.Errorf("its name is %q", name)
	}
}

// A recorded child is identified, and the next owner of its pid is not.
func TestF57RecordedChildIsKnown(t *testing.T) {
	b := newBed(t)
	run := newRun(t)
	path := filepath.Join(run.Path(), journal.Name)
	j, err := journal.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	ledger, err := NewLedger(run, j)
	if err != nil {
		t.Fatal(err)
	}
	child := b.start("", nil, "/bin/sleep", "60")
	later := child
	later.Ticks++ // the pid's next owner
	ledger.RecordChild("svc", child)
	known := ledger.Trace().ByLedger([]proc.Proc{child})
	if !slices.Equal(known, []proc.Proc{child}) || ledger.Name(child) != "svc" {
		t.Errorf("known are %v, as %q, not %v", known, ledger.Name(child), child)
	}
	if known := ledger.Trace().ByLedger([]proc.Proc{later}); len(known) > 0 || ledger.Name(later) != "" {
		t.Errorf("the pid's next owner is known: %v", known)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	state, err := readState(run.Path())
	if err != nil || !slices.Equal(state.Children, []journal.Child{{Name: "svc", PID: child.PID, Ticks: child.Ticks}}) {
		t.Errorf("the journal has %+v (%v)", state.Children, err)
	}
}

package recovery

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/proc"
	"topobench/internal/journal"
	"topobench/internal/testbed"
)

// ledger is that of a new run below dir, with the path of its journal.
func newLedger(dir string) (l *Ledger, path string, err error) {
	run, err := Create(dir, dir, runID(dir))
	if err != nil {
		return nil, "", err
	}
	path = filepath.Join(run.Path(), journal.Name)
	j, err := journal.Open(path, nil)
	if err != nil {
		return nil, "", err
	}
	l, err = NewLedger(run, j)
	return l, path, err
}

// recordOnly is a run that records the start of a service and never orders it.
func recordOnly(dir string) error {
	ledger, path, err := newLedger(dir)
	if err != nil {
		return err
	}
	record := func(name, log string, shepherd proc.Proc) error {
		if err := ledger.RecordStart(name, log, shepherd); err != nil {
			return err
		}
		fmt.Println(shepherd.PID)
		select {}
	}
	log := filepath.Join(filepath.Dir(path), "svc.log")
	env := append(os.Environ(), "TOPOBENCH_RUN="+ledger.run.ID(), "TMPDIR="+ledger.run.TempDir())
	argv := []string{"/bin/sh", "-c", "echo >" + filepath.Join(dir, "mark") + "; exec sleep 60"}
	_, err = host.Starter{OnStart: record}.Start(host.Spec{Name: "svc", Argv: argv, Env: env, Log: log, Grace: time.Minute})
	return err
}

// kill -9 of the orchestrator between the record of a start and the order to it: no child
// has run, the shepherd ends, and clean has nothing to kill.
func TestF57KilledBetweenRecordAndOrder(t *testing.T) {
	b := newBed(t)
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	p, err := os.StartProcess(os.Args[0], []string{os.Args[0], "recorder", b.dir},
		&os.ProcAttr{Env: b.Env(), Files: []*os.File{nil, in, os.Stderr}})
	if err := errors.Join(err, in.Close()); err != nil {
		t.Fatal(err)
	}
	var shepherd int
	if _, err := fmt.Fscan(out, &shepherd); err != nil {
		t.Fatal(err)
	}
	if alive, err := proc.Read(shepherd); err != nil || !alive.Alive() || alive.PPID != p.Pid {
		t.Errorf("the shepherd is %+v (%v)", alive, err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	testbed.Eventually(t, soon, func() bool { return len(b.Living()) == 0 })
	if exists(filepath.Join(b.dir, "mark")) {
		t.Error("the child has run")
	}
	f := b.clean(b.cleaner())
	if f.Fate != Crashed || f.Killed > 0 || len(f.Table) > 0 || f.Err != nil {
		t.Errorf("clean found %+v", f)
	}
	state, err := readState(f.Path)
	if err != nil || len(state.Started) != 1 || state.Started[0].Shepherd != shepherd || len(state.Children) > 0 {
		t.Errorf("the journal has %+v (%v), want the start alone", state, err)
	}
}

// The start is in the file before the child runs, and the child comes after it.
func TestF57JournalHasStartThenChild(t *testing.T) {
	b := newBed(t)
	ledger, path, err := newLedger(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	b.Cleanup(func() { b.must(ledger.run.Close()) })
	log := filepath.Join(b.dir, "svc.log")
	starter := host.Starter{Exe: testbed.Program(), OnStart: ledger.RecordStart, OnChild: ledger.RecordChild}
	// The child itself prints the journal as it is when it begins.
	spec := host.Spec{Name: "svc", Argv: []string{"/bin/grep", "-c", `"started"`, path}, Env: b.Env(), Log: log, Grace: soon}
	output, exit, err := starter.Run(t.Context(), spec)
	if string(output) != "1\n" || exit.Code != 0 || err != nil {
		t.Errorf("the child counts %q starts (%v, %v)", output, exit, err)
	}
	b.must(ledger.journal.Close())
	records, err := journal.Read(path)
	var kinds []string
	for _, r := range records {
		kinds = append(kinds, r.Event.Kind())
	}
	if want := []string{journal.RunBegin{}.Kind(), journal.Started{}.Kind(), journal.Child{}.Kind()}; err != nil || !slices.Equal(kinds, want) {
		t.Errorf("the journal has %q (%v), want %q", kinds, err, want)
	}
}

// A start that cannot be recorded is no start.
func TestF57NoStartWithoutItsRecord(t *testing.T) {
	b := newBed(t)
	ledger, _, err := newLedger(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	b.must(ledger.journal.Close())
	b.Cleanup(func() { b.must(ledger.run.Close()) })
	starter := host.Starter{Exe: testbed.Program(), OnStart: ledger.RecordStart, OnChild: ledger.RecordChild}
	mark := filepath.Join(b.dir, "mark")
	_, err = starter.Start(host.Spec{Name: "svc", Argv: []string{"/bin/sh", "-c", "echo >" + mark}, Env: b.Env(),
		Log: filepath.Join(b.dir, "svc.log")})
	if _, is := errors.AsType[*host.StartError](err); !is || exists(mark) || len(b.Living()) > 0 {
		t.Errorf("got %v, and alive are %v", err, b.Living())
	}
}

func (b bed) must(err error) {
	b.Helper()
	if err != nil {
		b.Error(err)
	}
}

// BenchmarkStart is the start of a child with and without its record in a journal.
func BenchmarkStart(b *testing.B) {
	for _, recorded := range []bool{false, true} {
		b.Run(fmt.Sprintf("recorded=%t", recorded), func(b *testing.B) {
			bed := newBed(b)
			ledger, _, err := newLedger(bed.dir)
			if err != nil {
				b.Fatal(err)
			}
			starter := host.Starter{Exe: testbed.Program()}
			if recorded {
				starter.OnStart, starter.OnChild = ledger.RecordStart, ledger.RecordChild
			}
			spec := host.Spec{Name: "svc", Argv: []string{"/bin/sleep", "60"}, Env: bed.Env(),
				Log: filepath.Join(bed.dir, "svc.log"), Grace: soon}
			for b.Loop() {
				c, err := starter.Start(spec)
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				bed.must(c.Stop(b.Context()))
				b.StartTimer()
			}
			bed.must(errors.Join(ledger.journal.Close(), ledger.run.Close()))
		})
	}
}

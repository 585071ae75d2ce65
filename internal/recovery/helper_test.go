package recovery

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/proc"
	"topobench/internal/journal"
	"topobench/internal/testbed"
)

// soon is long for what takes milliseconds, for a machine that is busy.
const soon = 10 * time.Second

func TestMain(m *testing.M) {
	acts := map[string]func() error{
		"orchestrator": func() error { return orchestrate(os.Args[2], os.Args[3:]) },
		"recorder":     func() error { return recordOnly(os.Args[2]) },
		"run":          func() error { return runUntilKilled(os.Args[2]) },
	}
	if len(os.Args) > 2 && acts[os.Args[1]] != nil {
		if err := acts[os.Args[1]](); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	testbed.Main(m)
}

// bed is the place of a test: runs have their roots and temporary directories below dir.
type bed struct {
	testing.TB
	testbed.Tracker
	dir string
}

func newBed(t testing.TB) bed {
	t.Helper()
	b := bed{t, testbed.Audit(t), t.TempDir()}
	t.Cleanup(func() { reap(t) })
	return b
}

// reap kills and collects the orphans of this process, before the audit.
func reap(t testing.TB) {
	_, err := proc.KillAll(soon, func(all []proc.Proc) []proc.Proc { return proc.Below(all, os.Getpid(), nil) })
	if err != nil {
		t.Error(err)
	}
	for _, pid := range proc.Children() {
		proc.Reap(pid)
	}
}

// runID is the id of the test's run. Each test has its own: by their cookie the same test
// of another checkout would kill the processes of this one.
func runID(dir string) string {
	h := fnv.New64a()
	h.Write([]byte(dir))
	return fmt.Sprintf("run-%x", h.Sum64())
}

// cookie marks a process as one of the test's run.
func (b bed) cookie() string { return "TOPOBENCH_RUN=" + runID(b.dir) }

func (b bed) cleaner() Cleaner { return Cleaner{Temp: b.dir, limit: soon} }

// clean cleans, and fails unless one run is found.
func (b bed) clean(c Cleaner) Found {
	b.Helper()
	all, err := c.Clean(b.Context())
	if err != nil || len(all) != 1 {
		b.Fatalf("found %+v, %v, want one run", all, err)
	}
	return all[0]
}

// orchestrator is a run in a process of its own, which can be killed.
type orchestrator struct {
	bed
	process *os.Process
	started []journal.Started
}

// orchestrate is that process: a run whose services have the habits, each with a
// log. It prints what it started once all their processes are ready, and waits.
func orchestrate(dir string, habits []string) error {
	run, err := Create(dir, dir, runID(dir))
	if err != nil {
		return err
	}
	j, err := journal.Open(filepath.Join(run.Path(), journal.Name), nil)
	if err != nil {
		return err
	}
	ledger, err := NewLedger(run, j)
	if err != nil {
		return err
	}
	starter := host.Starter{OnStart: ledger.RecordStart, OnChild: ledger.RecordChild}
	for i, words := range habits {
		habit, arg, _ := strings.Cut(words, " ")
		name := fmt.Sprintf("%s-%d", habit, i)
		log := filepath.Join(run.Path(), name+".log")
		env := append(os.Environ(), "TOPOBENCH_RUN="+run.ID(), "TMPDIR="+run.TempDir())
		spec := host.Spec{Name: name, Argv: testbed.Argv(habit, arg), Env: env, Log: log, Grace: time.Minute}
		if _, err := starter.Start(spec); err != nil {
			return err
		}
		ready := 1
		if habit == "grandchild" || habit == "envless" || habit == "leader" {
			ready = 2
		}
		if !testbed.Soon(soon, func() bool {
			text, err := os.ReadFile(log)
			return err == nil && strings.Count(string(text), "ready") >= ready
		}) {
			return fmt.Errorf("%s is not ready", name)
		}
	}
	last := j.Write(context.Background(), journal.Smoke{}) // the events before it are in the file
	err = errors.Join(last, host.SetSubreaper(), json.NewEncoder(os.Stdout).Encode(ledger.state.Started))
	<-time.After(time.Minute)
	return err
}

// orchestrate starts an orchestrator.
func (b bed) orchestrate(habits ...string) orchestrator {
	b.Helper()
	out, in, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close()
	defer out.Close()
	p, err := os.StartProcess(os.Args[0], append([]string{os.Args[0], "orchestrator", b.dir}, habits...), &os.ProcAttr{
		Env: b.Env(), Files: []*os.File{nil, in, os.Stderr},
	})
	if err != nil {
		b.Fatal(err)
	}
	in.Close()
	o := orchestrator{bed: b, process: p}
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(&o.started); err != nil {
		b.Fatal(err)
	}
	return o
}

// killAll kills the orchestrator and its shepherds as if in one moment: they are
// stopped before, so that none can act on the death of another.
func (o orchestrator) killAll() {
	o.Helper()
	pids := []int{o.process.Pid}
	for _, b := range o.started {
		pids = append(pids, b.Shepherd)
	}
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGSTOP) // Eventually sees that it worked
	}
	for _, pid := range pids {
		testbed.Eventually(o, soon, func() bool { p, err := proc.Read(pid); return err == nil && p.State == 'T' })
	}
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			o.Fatal(err)
		}
	}
	if _, err := o.process.Wait(); err != nil {
		o.Fatal(err)
	}
	for _, pid := range pids[1:] { // this process adopts them, or init does
		testbed.Eventually(o, soon, func() bool { p, err := proc.Read(pid); return err != nil || !p.Alive() })
	}
}

// dead is the run of an owner that is gone, with these events in its journal.
func (b bed) dead(owner journal.RunBegin, events ...journal.Event) *Run {
	b.Helper()
	run, err := Create(b.dir, b.dir, runID(b.dir))
	if err != nil {
		b.Fatal(err)
	}
	b.journal(run, append([]journal.Event{owner}, events...)...)
	if err := run.unlock(); err != nil {
		b.Fatal(err)
	}
	return run
}

// journal appends events to the journal of a run.
func (b bed) journal(run *Run, events ...journal.Event) {
	b.Helper()
	j, err := journal.Open(filepath.Join(run.Path(), journal.Name), nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, e := range events {
		err = errors.Join(err, j.Write(b.Context(), e))
	}
	if err := errors.Join(err, j.Close()); err != nil {
		b.Fatal(err)
	}
}

// deadOwner is an owner of this boot, as old as this process, that is gone.
func (b bed) deadOwner() journal.RunBegin {
	b.Helper()
	boot, err := proc.Boot()
	if err != nil {
		b.Fatal(err)
	}
	self, err := proc.Read(os.Getpid())
	if err != nil {
		b.Fatal(err)
	}
	return journal.RunBegin{Boot: boot, PIDNamespace: proc.PIDNamespace(), UID: os.Geteuid(),
		PID: 1 << 30, Ticks: self.Ticks}
}

// start starts a command outside of any run, and waits until it executes.
func (b bed) start(dir string, env []string, argv ...string) proc.Proc {
	b.Helper()
	files := []*os.File{nil, os.Stderr, os.Stderr}
	p, err := os.StartProcess(argv[0], argv, &os.ProcAttr{Dir: dir, Env: b.Env(env...), Files: files})
	if err != nil {
		b.Fatal(err)
	}
	pid := p.Pid
	if err := p.Release(); err != nil {
		b.Fatal(err)
	}
	var seen proc.Proc
	testbed.Eventually(b, soon, func() bool {
		args, _ := proc.Cmdline(pid)
		seen, err = proc.Read(pid)
		// A zombie leader shows no arguments.
		return err == nil && (seen.State == 'Z' || len(args) > 0 && args[len(args)-1] == argv[len(argv)-1])
	})
	return seen
}

// running fails unless p is still running.
func (b bed) running(p proc.Proc) {
	b.Helper()
	if now, err := proc.Read(p.PID); err != nil || !now.Same(p) || !now.Alive() {
		b.Errorf("process %v was hit: %+v, %v", p, now, err)
	}
}

package recovery

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"topobench/internal/host/proc"
	"topobench/internal/journal"
	"topobench/internal/testbed"
)

// stubbornHabits are those of processes that are hard to find or to kill: by session and
// double fork, with an erased environment or none, stopped, or with a zombie as leader.
func stubbornHabits() []string {
	return []string{"grandchild", "envless", "titled", "stopped", "zombie-leader", "leader", "stubborn"}
}

// After kill -9 of the orchestrator and of all its shepherds, clean finds, kills and names
// every process.
func TestF57CleanAfterEverythingWasKilled(t *testing.T) {
	b := newBed(t)
	o := b.orchestrate(stubbornHabits()...)
	o.killAll()
	left := len(b.Living())
	if left < 10 {
		t.Fatalf("%d processes live, the test shows nothing: %v", left, b.Living())
	}
	dry := b.cleaner()
	dry.DryRun = true
	if f := b.clean(dry); f.Killed != left || f.Err != nil || len(b.Living()) != left {
		t.Errorf("a dry one finds %d of %d, %d live: %v", f.Killed, left, len(b.Living()), f.Err)
	}
	f := b.clean(b.cleaner())
	if living := b.Living(); len(living) > 0 || f.Err != nil || f.Killed != left {
		t.Errorf("it ended %d of %d and left %v (%v)\n%s", f.Killed, left, living, f.Err, strings.Join(f.Table, "\n"))
	}
	if !ended(f.Path) || exists(f.Temp) || f.Temp == "" {
		t.Errorf("the run is not finished: %+v", f)
	}
	if table := strings.Join(f.Table, "\n"); !strings.Contains(table, " titled-2 ") || !strings.Contains(table, "PID") {
		t.Errorf("the table does not name the service:\n%s", table)
	}
	if all, err := b.cleaner().Clean(t.Context()); err != nil || len(all) > 0 {
		t.Errorf("a second time: %+v, %v", all, err)
	}
}

// In a chain of processes each one forks and ends within less time than a snapshot takes.
func TestF5HCleanEndsAForkRacer(t *testing.T) {
	b := newBed(t)
	o := b.orchestrate("racer 1000")
	o.killAll()
	f := b.clean(b.cleaner())
	if living := b.Living(); len(living) > 0 || f.Err != nil || f.Killed == 0 {
		t.Errorf("it ended %d and left %v (%v)", f.Killed, living, f.Err)
	}
	log, err := os.ReadFile(filepath.Join(f.Path, "racer-0.log"))
	if err != nil || strings.Contains(string(log), "won") {
		t.Errorf("the race was over too early, the test shows nothing: %q %v", log, err)
	}
}

// After another boot no process of the run can exist, and its pids have other owners.
func TestF5ABootedSince(t *testing.T) {
	b := newBed(t)
	p := b.start("", []string{b.cookie()}, "/bin/sleep", "60")
	o := b.deadOwner()
	o.Boot = "another"
	run := b.dead(o, journal.Child{Name: "svc", PID: p.PID, Ticks: p.Ticks})
	f := b.clean(b.cleaner())
	b.running(p)
	if f.Err != nil || f.Killed > 0 || exists(run.TempDir()) || !ended(run.Path()) {
		t.Errorf("only its files are cleaned: %+v", f)
	}
}

// The pid of a process of the run has a new owner.
func TestF5DPidHasANewOwner(t *testing.T) {
	b := newBed(t)
	p := b.start("", nil, "/bin/sleep", "60")
	b.dead(b.deadOwner(), journal.Child{Name: "svc", PID: p.PID, Ticks: p.Ticks - 1},
		journal.Started{Name: "svc", Shepherd: p.PID, ShepherdTicks: p.Ticks + 1})
	if f := b.clean(b.cleaner()); f.Err != nil || f.Killed > 0 {
		t.Errorf("found %+v", f)
	}
	b.running(p)
}

// A process in state D does not end: clean names it in bounded time, with the kernel
// function that it waits in, and keeps the way to the run.
func TestF5FUnkillable(t *testing.T) {
	b := newBed(t)
	p := b.start("", nil, "/bin/sleep", "60")
	testbed.Eventually(t, soon, func() bool { return proc.Wchan(p.PID) != "" || !wchanVisible() })
	immortal := p
	immortal.State, immortal.Ticks = 'D', p.Ticks+1 // so that no signal reaches it
	run := b.dead(b.deadOwner())
	c := b.cleaner()
	c.limit = 50 * time.Millisecond
	c.see = func(proc.RunIdentity) func([]proc.Proc) []proc.Proc {
		return func([]proc.Proc) []proc.Proc { return []proc.Proc{immortal} }
	}
	f := b.clean(c)
	if len(f.Left) != 1 || f.Err == nil || !exists(run.TempDir()) || ended(run.Path()) {
		t.Fatalf("found %+v", f)
	}
	if row := f.Table[1]; !strings.Contains(row, " D ") || wchanVisible() && !strings.Contains(row, proc.Wchan(p.PID)) {
		t.Errorf("the table is\n%s\nand should name %s", strings.Join(f.Table, "\n"), proc.Wchan(p.PID))
	}
	if text := f.Err.Error(); !strings.Contains(text, "state D") {
		t.Errorf("error %s", text)
	}
	b.clean(b.cleaner()) // it died meanwhile
}

// wchanVisible reports whether this container shows wchan; some hide it.
func wchanVisible() bool {
	text, err := os.ReadFile("/proc/self/wchan")
	return err == nil && len(text) > 0 && proc.Wchan(1) != ""
}

// A leader that ended before its threads shows neither files nor environment: its
// threads do.
func TestF5GZombieLeaderIsFoundByItsThreads(t *testing.T) {
	b := newBed(t)
	p := b.start("", []string{b.cookie()}, testbed.Argv("zombie-leader")...)
	testbed.Eventually(t, soon, func() bool { now, err := proc.Read(p.PID); return err == nil && now.State == 'Z' })
	b.dead(b.deadOwner())
	if f := b.clean(b.cleaner()); f.Killed != 1 || f.Err != nil || len(b.Living()) > 0 {
		t.Errorf("found %+v, and there is %v", f, b.Living())
	}
}

// A process that reads the run's files or has its working directory there is no leftover,
// nor is an editor, nor a process that is older than the run.
func TestS11ForeignProcessesAreUntouched(t *testing.T) {
	b := newBed(t)
	shell := func(dir, script string) proc.Proc { return b.start(dir, nil, "/bin/sh", "-c", script) }
	older := shell(b.dir, "exec 3>old.log; kill -STOP $$; :")
	testbed.Eventually(t, soon, func() bool { return exists(filepath.Join(b.dir, "old.log")) })
	o := b.deadOwner()
	o.Ticks = older.Ticks + 1
	testbed.Eventually(t, soon, func() bool { // the clock of start times ticks 100 times a second
		p := b.start("", nil, "/bin/sleep", "60")
		return p.Ticks > older.Ticks
	})
	run := b.dead(o)
	if err := os.WriteFile(filepath.Join(run.Path(), "svc.log"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(b.dir, "old.log"), filepath.Join(run.Path(), "old.log")); err != nil {
		t.Fatal(err)
	}
	foreign := []proc.Proc{older,
		b.start("", nil, "/usr/bin/tail", "-f", filepath.Join(run.Path(), "svc.log")),
		shell(run.Path(), "exec 3>.svc.log.swp; sleep 60; :"),
		shell(run.Path(), "sleep 60; :"),
		b.start("", []string{"TOPOBENCH_RUN=another"}, "/bin/sleep", "60"),
	}
	writer := shell(run.Path(), "exec 3>>svc.log; sleep 60; :")
	testbed.Eventually(t, soon, func() bool {
		all, err := proc.Snapshot()
		trace := proc.RunIdentity{Dirs: []string{run.Path()}, Since: o.Ticks}
		return err == nil && slices.ContainsFunc(trace.ByOpenFiles(all), writer.Same)
	})
	f := b.clean(b.cleaner())
	if f.Err != nil || f.Killed == 0 || f.Killed > 2 { // the shell, and its sleep that inherited the file
		t.Errorf("found %+v", f)
	}
	for _, p := range foreign {
		b.running(p)
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

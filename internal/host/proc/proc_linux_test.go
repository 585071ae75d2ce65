package proc_test

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"topobench/internal/host/proc"
	"topobench/internal/testbed"
)

const soon = 10 * time.Second

func TestMain(m *testing.M) { testbed.Main(m) }

// start starts a child with a habit and waits until so many processes are ready.
func start(t *testing.T, ready int, habit string, args ...string) proc.Proc {
	t.Helper()
	witness := testbed.Audit(t)
	log, err := os.CreateTemp(t.TempDir(), "log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	argv := testbed.Argv(habit, args...)
	p, err := os.StartProcess(argv[0], argv, &os.ProcAttr{
		Env: witness.Env("KEY=a value"), Files: []*os.File{nil, log, log}, Sys: &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	pid := p.Pid
	if err := p.Release(); err != nil { // waited for by pid
		t.Fatal(err)
	}
	t.Cleanup(func() { endAll(t) })
	testbed.Eventually(t, soon, func() bool {
		text, err := os.ReadFile(log.Name())
		return err == nil && strings.Count(string(text), "ready") >= ready
	})
	seen, err := proc.Read(pid)
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

// endAll ends and collects whatever descends from this process.
func endAll(t *testing.T) {
	t.Helper()
	_, err := proc.KillAll(soon, func(all []proc.Proc) []proc.Proc {
		return proc.Below(all, os.Getpid(), nil)
	})
	if err != nil {
		t.Error(err)
	}
	for _, pid := range proc.Children() {
		proc.Reap(pid)
	}
}

func TestReadKnowsAProcessAndItsEnd(t *testing.T) {
	p := start(t, 1, "sleep")
	if p.PPID != os.Getpid() || p.Group != p.PID || !p.Alive() || p.Ticks == 0 {
		t.Errorf("got %+v", p)
	}
	if _, err := proc.Read(1 << 30); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a pid that nobody has: %v", err)
	}
}

func TestF5GZombieLeaderIsAlive(t *testing.T) {
	p := start(t, 1, "zombie-leader")
	testbed.Eventually(t, soon, func() bool {
		now, err := proc.Read(p.PID)
		return err == nil && now.State == 'Z'
	})
	if now, err := proc.Read(p.PID); err != nil || !now.Alive() {
		t.Errorf("got %+v, %v", now, err)
	}
	if err := proc.Signal(p, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	testbed.Eventually(t, soon, func() bool { now, err := proc.Read(p.PID); return err == nil && !now.Alive() })
}

func TestF5DSignalSparesTheNextOwnerOfAPid(t *testing.T) {
	p := start(t, 1, "sleep")
	stranger := p
	stranger.Ticks-- // as if p had got the pid of an older process
	if err := proc.Signal(stranger, syscall.SIGKILL); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("got %v, want os.ErrProcessDone", err)
	}
	if now, err := proc.Read(p.PID); err != nil || !now.Alive() {
		t.Errorf("it was hit: %+v, %v", now, err)
	}
}

func TestBelowIncludesOrphansBySessionAndDoubleFork(t *testing.T) {
	start(t, 2, "grandchild")
	all, err := proc.Snapshot()
	if tree := proc.Living(proc.Below(all, os.Getpid(), nil)); err != nil || len(tree) != 2 {
		t.Errorf("got %v, %v, want the child and its orphan", tree, err)
	}
}

func TestKillAllKillsATreeAndNothingElse(t *testing.T) {
	root := start(t, 2, "leader")
	killed, err := proc.KillAll(soon, func(all []proc.Proc) []proc.Proc {
		return proc.Below(all, root.PID, nil)
	})
	if err != nil || killed != 1 {
		t.Errorf("killed %d, %v, want the one below", killed, err)
	}
	if now, err := proc.Read(root.PID); err != nil || !now.Alive() {
		t.Errorf("the root was hit: %+v, %v", now, err)
	}
}

func TestKillAllNamesUnkillableProcesses(t *testing.T) {
	p := start(t, 1, "sleep")
	immortal := p
	immortal.State = 'D'
	_, err := proc.KillAll(30*time.Millisecond, func([]proc.Proc) []proc.Proc {
		return []proc.Proc{immortal} // a snapshot in which it never dies
	})
	if err == nil || !strings.Contains(err.Error(), "cannot kill process "+p.String()) || !strings.Contains(err.Error(), "state D") {
		t.Errorf("got %v", err)
	}
}

func TestChildrenAndChildlessAgreeWithTheKernel(t *testing.T) {
	if !proc.Childless() || len(proc.Children()) != 0 {
		t.Fatalf("a child at the start: %v", proc.Children())
	}
	p := start(t, 1, "sleep")
	if proc.Childless() || !slices.Contains(proc.Children(), p.PID) {
		t.Errorf("the child is missing in %v", proc.Children())
	}
	if _, reaped := proc.Reap(p.PID); reaped {
		t.Error("collected while it runs")
	}
	if err := proc.Signal(p, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	testbed.Eventually(t, soon, func() bool {
		status, reaped := proc.Reap(p.PID)
		return reaped && status.Signal() == syscall.SIGKILL
	})
	if !proc.Childless() {
		t.Error("not childless after the only child was collected")
	}
}

func TestCmdlineAndEnvironAreThoseOfTheStart(t *testing.T) {
	p := start(t, 1, "sleep", "", "two words")
	args, err := proc.Cmdline(p.PID)
	if want := testbed.Argv("sleep", "", "two words"); err != nil || !slices.Equal(args, want) {
		t.Errorf("got %q, %v, want %q", args, err, want)
	}
	env, err := proc.Environ(p.PID)
	if err != nil || !slices.Contains(env, "KEY=a value") {
		t.Errorf("got %q, %v", env, err)
	}
}

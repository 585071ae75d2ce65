package proctree_test

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"topobench/internal/proctree"
	"topobench/internal/testbed"
)

const soon = 10 * time.Second

func TestMain(m *testing.M) { testbed.Main(m) }

// start starts a child with a habit and waits until so many processes are ready.
func start(t *testing.T, ready int, habit string, args ...string) proctree.Proc {
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
	seen, err := proctree.Read(pid)
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

// endAll ends and collects whatever descends from this process.
func endAll(t *testing.T) {
	t.Helper()
	_, err := proctree.Sweep(soon, func(all []proctree.Proc) []proctree.Proc {
		return proctree.Below(all, os.Getpid(), nil)
	})
	if err != nil {
		t.Error(err)
	}
	for _, pid := range proctree.Children() {
		proctree.Reap(pid)
	}
}

func TestReadKnowsAProcessAndItsEnd(t *testing.T) {
	p := start(t, 1, "sleep")
	if p.PPID != os.Getpid() || p.Group != p.PID || !p.Alive() || p.Ticks == 0 {
		t.Errorf("got %+v", p)
	}
	if _, err := proctree.Read(1 << 30); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a pid that nobody has: %v", err)
	}
}

func TestF5GZombieLeaderIsAlive(t *testing.T) {
	p := start(t, 1, "zombie-leader")
	testbed.Eventually(t, soon, func() bool {
		now, err := proctree.Read(p.PID)
		return err == nil && now.State == 'Z'
	})
	if now, err := proctree.Read(p.PID); err != nil || !now.Alive() {
		t.Errorf("got %+v, %v", now, err)
	}
	if err := proctree.Signal(p, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	testbed.Eventually(t, soon, func() bool { now, err := proctree.Read(p.PID); return err == nil && !now.Alive() })
}

func TestF5DSignalSparesTheNextOwnerOfAPid(t *testing.T) {
	p := start(t, 1, "sleep")
	stranger := p
	stranger.Ticks-- // as if p had got the pid of an older process
	if err := proctree.Signal(stranger, syscall.SIGKILL); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("got %v, want os.ErrProcessDone", err)
	}
	if now, err := proctree.Read(p.PID); err != nil || !now.Alive() {
		t.Errorf("it was hit: %+v, %v", now, err)
	}
}

func TestDescendantsIncludeWhoLeftBySessionAndDoubleFork(t *testing.T) {
	start(t, 2, "grandchild")
	all, err := proctree.Descendants(os.Getpid(), nil)
	if err != nil || len(all) != 2 {
		t.Errorf("got %v, %v, want the child and its orphan", all, err)
	}
}

func TestSweepEndsATreeAndNothingBeside(t *testing.T) {
	root := start(t, 2, "leader")
	killed, err := proctree.Sweep(soon, func(all []proctree.Proc) []proctree.Proc {
		return proctree.Below(all, root.PID, nil)
	})
	if err != nil || killed != 1 {
		t.Errorf("killed %d, %v, want the one below", killed, err)
	}
	if now, err := proctree.Read(root.PID); err != nil || !now.Alive() {
		t.Errorf("the root was hit: %+v, %v", now, err)
	}
}

func TestSweepSaysWhatItCannotEnd(t *testing.T) {
	p := start(t, 1, "sleep")
	immortal := p
	immortal.State = 'D'
	_, err := proctree.Sweep(30*time.Millisecond, func([]proctree.Proc) []proctree.Proc {
		return []proctree.Proc{immortal} // a snapshot in which it never dies
	})
	if err == nil || !strings.Contains(err.Error(), "cannot end process "+p.String()) || !strings.Contains(err.Error(), "state D") {
		t.Errorf("got %v", err)
	}
}

func TestChildrenAndChildlessAgreeWithTheKernel(t *testing.T) {
	if !proctree.Childless() || len(proctree.Children()) != 0 {
		t.Fatalf("a child at the start: %v", proctree.Children())
	}
	p := start(t, 1, "sleep")
	if proctree.Childless() || !slices.Contains(proctree.Children(), p.PID) {
		t.Errorf("the child is missing in %v", proctree.Children())
	}
	if _, reaped := proctree.Reap(p.PID); reaped {
		t.Error("collected while it runs")
	}
	if err := proctree.Signal(p, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	testbed.Eventually(t, soon, func() bool {
		status, reaped := proctree.Reap(p.PID)
		return reaped && status.Signal() == syscall.SIGKILL
	})
	if !proctree.Childless() {
		t.Error("not childless after the only child was collected")
	}
}

func TestCmdlineAndEnvironAreThoseOfTheStart(t *testing.T) {
	p := start(t, 1, "sleep", "", "two words")
	args, err := proctree.Cmdline(p.PID)
	if want := testbed.Argv("sleep", "", "two words"); err != nil || !slices.Equal(args, want) {
		t.Errorf("got %q, %v, want %q", args, err, want)
	}
	env, err := proctree.Environ(p.PID)
	if err != nil || !slices.Contains(env, "KEY=a value") {
		t.Errorf("got %q, %v", env, err)
	}
}

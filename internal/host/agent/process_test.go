package agent_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/agent"
	"topobench/internal/host/proc"
	"topobench/internal/testbed"
)

// soon is long for what takes milliseconds, for a machine that is busy.
const soon = 20 * time.Second

// site is an agent in a process of its own, with the near end of its connection.
type site struct {
	testbed.Tracker
	*agent.Client
	process *os.Process
	there   *valve
	end     func()        // of the connection
	ended   chan struct{} // closed when the process has ended
	printed bytes.Buffer  // to read after ended
	dir     string
}

// agentProcess starts an agent. The connection's end closes its pipes, as the death of ssh does.
func agentProcess(t testing.TB, grace string) *site {
	t.Helper()
	w := &site{Tracker: testbed.Audit(t), ended: make(chan struct{}), dir: t.TempDir()}
	command := exec.Command(os.Args[0], "agent", grace)
	command.Env, command.Stderr = append(os.Environ(), w.Env()...), &w.printed
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, there, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	command.Stdout = there
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	_ = there.Close() // the agent has it
	w.process, w.there = command.Process, newValve(in)
	go func() {
		_ = command.Wait() // the tests read what it printed
		close(w.ended)
	}()
	w.end = func() { _, _ = out.Close(), in.Close() } // an agent that reads the end first could report it
	t.Cleanup(func() {
		w.end()
		w.awaitEnd(t)
	})
	limit, err := time.ParseDuration(grace)
	if err != nil {
		t.Fatal(err)
	}
	w.Client, err = agent.Connect(t.Context(), "node1", limit, agent.Conn{In: w.there, Out: out, End: func() error { w.end(); return nil }})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *site) awaitEnd(t testing.TB) {
	t.Helper()
	select {
	case <-w.ended:
	case <-time.After(soon):
		_ = w.process.Kill()
		t.Error("the agent has not ended")
		<-w.ended
	}
}

// child starts a child that leaves stubborn processes, and waits until both are ready.
func (w *site) child(t testing.TB, habit string) host.Handle {
	t.Helper()
	log := filepath.Join(w.dir, habit+".log")
	child := start(t, w, host.Spec{Name: habit, Argv: testbed.Argv(habit), Env: w.Env(), Log: log, Grace: time.Minute})
	testbed.Eventually(t, soon, func() bool {
		text, err := w.Get(t.Context(), log, 0, 1<<20)
		return err == nil && bytes.Count(text, []byte("ready")) >= 2
	})
	return child
}

func TestALocalHostBehindAnAgent(t *testing.T) {
	w := agentProcess(t, "30s")
	ctx := t.Context()
	child := w.child(t, "grandchild")
	found, err := w.Look(ctx, host.Question{Processes: true, Trees: []int{child.Process().PID}})
	if err != nil || found.Self.PID != w.process.Pid || len(found.Loads) != 1 || !slices.ContainsFunc(found.Processes, child.Process().Same) {
		t.Errorf("%v, self %v, loads %v", err, found.Self, found.Loads)
	}
	path := filepath.Join(w.dir, "a", "file")
	if err := w.Put(ctx, host.File{Path: path, Data: []byte("text"), Mode: 0o640}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o640 {
		t.Errorf("%v %v", info, err)
	}
	if _, err := w.Get(ctx, filepath.Join(w.dir, "none"), 0, 5); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if err := w.Put(ctx, host.File{Path: filepath.Join(path, "b"), Data: []byte("x")}); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("%v", err)
	}
	_, err = w.Start(host.Spec{Name: "x", Argv: []string{"/none"}, Env: w.Env(), Log: filepath.Join(w.dir, "x")})
	if e, is := errors.AsType[*host.StartError](err); !is || !errors.Is(e, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	output, exit, err := w.Run(ctx, host.Spec{Name: "probe", Argv: testbed.Argv("exit", "7"), Env: w.Env(), Log: filepath.Join(w.dir, "p")})
	if err != nil || exit.Code != 7 {
		t.Errorf("%q %v %v", output, exit, err)
	}
	now, cancel := context.WithCancel(ctx)
	cancel()
	if err := child.Stop(now); err != nil {
		t.Error(err)
	}
	if left, err := w.Close(ctx); err != nil || len(left) > 0 || child.Exit().Killed == 0 {
		t.Errorf("%q, %v, %v", left, err, child.Exit())
	}
	if w.awaitEnd(t); !strings.Contains(w.printed.String(), "ended: <nil>; left: []") {
		t.Errorf("%s", w.printed.String())
	}
}

// Whatever ends the agent or its connection: nothing is left, and the client's context ends.
func TestNothingIsLeftOfAnAgent(t *testing.T) {
	for name, row := range map[string]struct {
		grace   string
		end     func(t *testing.T, w *site)
		client  string
		printed string // by the agent; "" = it has no time to
	}{
		"agent -9":  {"30s", func(t *testing.T, w *site) { signalTo(t, w, syscall.SIGKILL) }, "the connection has ended", ""},
		"SIGTERM":   {"30s", func(t *testing.T, w *site) { signalTo(t, w, syscall.SIGTERM) }, "its agent ends: terminated", "terminated"},
		"ssh -9":    {"30s", func(_ *testing.T, w *site) { w.end() }, "the connection has ended", "has ended"},
		"a cut":     {"3s", func(_ *testing.T, w *site) { w.there.shut() }, "its agent ends: no sign of topobench for 3s", "no sign of topobench for 3s"},
		"suspended": {"3s", suspended, "no sign of its agent for 3s", "ended:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // they wait for graces
			w := agentProcess(t, row.grace)
			child := w.child(t, "grandchild")
			row.end(t, w)
			select {
			case <-w.Context().Done():
			case <-time.After(soon):
				t.Fatal("the client still waits")
			}
			if cause := context.Cause(w.Context()); !strings.Contains(cause.Error(), row.client) {
				t.Errorf("%v", cause)
			}
			if err := child.Stop(t.Context()); open(child.Gone()) {
				isLost(t, err)
			} else if err != nil {
				t.Error(err)
			}
			w.there.reopenAll()
			w.awaitEnd(t)
			if row.printed != "" && (!strings.Contains(w.printed.String(), row.printed) || !strings.Contains(w.printed.String(), "left: []")) {
				t.Errorf("it printed %s", w.printed.String())
			}
			testbed.Eventually(t, soon, func() bool { return len(w.Living()) == 0 })
		})
	}
}

func signalTo(t *testing.T, w *site, sig syscall.Signal) {
	if err := w.process.Signal(sig); err != nil {
		t.Error(err)
	}
}

// suspended stops the agent until its client has lost it.
func suspended(t *testing.T, w *site) {
	signalTo(t, w, syscall.SIGSTOP)
	select {
	case <-w.Context().Done():
	case <-time.After(soon):
	}
	signalTo(t, w, syscall.SIGCONT)
}

// An idle agent takes less than 0.5 % of a core.
func BenchmarkIdle(b *testing.B) {
	w := agentProcess(b, "30s")
	w.child(b, "grandchild")
	cpu := func() time.Duration {
		p, err := proc.Read(w.process.Pid)
		if err != nil {
			b.Fatal(err)
		}
		return p.CPU
	}
	const idle = 20 * time.Second
	for b.Loop() {
		before := cpu()
		<-time.After(idle)
		b.ReportMetric(100*float64(cpu()-before)/float64(idle), "%core")
	}
	if _, err := w.Close(b.Context()); err != nil {
		b.Error(err)
	}
}

// A call costs what a round trip over pipes does.
func BenchmarkLook(b *testing.B) {
	w := agentProcess(b, "30s")
	for b.Loop() {
		if _, err := w.Look(b.Context(), host.Question{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGet(b *testing.B) {
	w := agentProcess(b, "30s")
	const size = 16 << 20
	path := filepath.Join(w.dir, "log")
	if err := os.WriteFile(path, bytes.Repeat([]byte("a line of a log\n"), size/16), 0o600); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(size)
	for b.Loop() {
		if data, err := w.Get(b.Context(), path, 0, 1<<40); err != nil || len(data) != size {
			b.Fatal(len(data), err)
		}
	}
}

var _ io.WriteCloser = (*valve)(nil)

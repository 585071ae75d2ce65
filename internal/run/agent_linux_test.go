package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/agent"
	"topobench/internal/host/proc"
	"topobench/internal/testbed"
)

// runAgent is the word with which this test binary is an agent: WORD RUN TEMP [recover].
const runAgent = "run-agent"

// agentSMI is the variable with the path of an agent's nvidia-smi.
const agentSMI = "LC_AGENT_SMI"

// agentProcess serves on stdin and stdout.
func agentProcess(args []string) error {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // as topobench does: the connection may be gone
	if err := host.SetSubreaper(); err != nil {
		return err
	}
	return ServeAgent(context.Background(), AgentOptions{Run: args[0], Temp: args[1], Recover: len(args) > 2,
		Grace: 30 * time.Second, Shepherd: testbed.Program(), Environ: os.Environ(),
		NvidiaSMI: os.Getenv(agentSMI)}, os.Stdin, os.Stdout)
}

// far is a machine with an agent, in a process of its own or in this one.
type far struct {
	*agent.Client
	conn  agent.Conn
	ended chan error // of ServeAgent, in this process
	pid   int        // of the process, if it is another one
}

// runID is the id of a run on another machine that no other test has: a cookie is visible on the whole machine.
func runID(t testing.TB, name string) string {
	t.Helper()
	return fmt.Sprintf("t%d-%d-%s", os.Getpid(), time.Now().UnixNano(), name)
}

// mutable is the way to an agent, which can fall silent.
type mutable struct {
	io.WriteCloser
	mute atomic.Bool
}

func (m *mutable) Write(p []byte) (int, error) {
	if m.mute.Load() {
		return len(p), nil
	}
	return m.WriteCloser.Write(p)
}

// inProcess connects to an agent in this process. It ends with ctx.
func inProcess(t testing.TB, ctx context.Context, name string, o AgentOptions) (far, error) {
	t.Helper()
	fromClient, toAgent := io.Pipe()
	fromAgent, toClient := io.Pipe()
	f := far{ended: make(chan error, 1)}
	f.conn = agent.Conn{In: &mutable{WriteCloser: toAgent}, Out: fromAgent, End: func() error {
		return errors.Join(toAgent.Close(), fromAgent.Close())
	}}
	o.Shepherd = testbed.Program()
	go func() {
		err := ServeAgent(ctx, o, fromClient, toClient)
		_ = toClient.CloseWithError(io.EOF)
		_ = fromClient.CloseWithError(io.ErrClosedPipe)
		f.ended <- err
	}()
	var err error
	f.Client, err = agent.Connect(t.Context(), name, o.Grace, f.conn)
	if err != nil {
		err = errors.Join(err, <-f.ended)
	}
	return f, err
}

// ownProcess connects to an agent in a process of its own, as ssh does.
func ownProcess(t testing.TB, environ []string, name, run, temp string, args ...string) (far, error) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, err := host.Starter{Exe: testbed.Program()}.Pipe(host.Spec{Name: name, Env: environ, Grace: 10 * time.Second,
		Argv: append([]string{program, runAgent, run, temp}, args...), Log: filepath.Join(t.TempDir(), name+".log")})
	if err != nil {
		t.Fatal(err)
	}
	f := far{pid: p.PID(), conn: agent.Conn{In: p.In, Out: p.Out, End: func() error {
		_ = p.In.Close() // a second Close fails
		return p.Stop(context.Background())
	}}}
	t.Cleanup(func() { _ = f.conn.End() })
	f.Client, err = agent.Connect(t.Context(), name, 30*time.Second, f.conn)
	return f, err
}

// places are temporary directories of machines; short, as unix sockets need it.
func placesOf(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "tb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// child starts a child there, with a log in the agent's directory, and waits for its first word.
func (f far) child(t testing.TB, env []string, name, habit string) host.Handle {
	t.Helper()
	log := filepath.Join(f.Hello().Dir, name+".log")
	h, err := f.Start(host.Spec{Name: name, Argv: testbed.Argv(habit), Env: append(env, "TOPOBENCH_RUN="+f.Hello().Run),
		Log: log, Grace: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	testbed.Eventually(t, 10*time.Second, func() bool {
		text, err := f.Get(t.Context(), log, 0, 1000)
		return err == nil && strings.Contains(string(text), "ready")
	})
	return h
}

// stray starts a process of a run that no shepherd has, as another daemon would.
func stray(t testing.TB, run string) *os.Process {
	t.Helper()
	p, err := os.StartProcess("/bin/sleep", []string{"sleep", "60"}, &os.ProcAttr{Env: []string{"TOPOBENCH_RUN=" + run}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Whatever ends an agent: no process of it is left, nor any of its files.
func TestAnAgentLeavesNothing(t *testing.T) {
	for _, row := range []struct {
		how     string
		grace   time.Duration
		end     func(f far, cancel func()) error
		orderly bool
	}{
		{"a goodbye", 30 * time.Second, func(f far, _ func()) error { _, err := f.Close(t.Context()); return err }, true},
		{"its stdin ends", 30 * time.Second, func(f far, _ func()) error { return f.conn.In.Close() }, false},
		{"silence", time.Second, func(f far, _ func()) error { f.conn.In.(*mutable).mute.Store(true); return nil }, false},
		{"a signal", 30 * time.Second, func(_ far, cancel func()) error { cancel(); return nil }, false},
	} {
		t.Run(row.how, func(t *testing.T) {
			witness, temp := testbed.Audit(t), placesOf(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			f, err := inProcess(t, ctx, "node1", AgentOptions{Run: runID(t, "node1"), Temp: temp, Grace: row.grace})
			if err != nil {
				t.Fatal(err)
			}
			for _, habit := range []string{"sleep", "stubborn", "grandchild"} {
				f.child(t, witness.Env(), habit, habit)
			}
			escaped := stray(t, f.Hello().Run)
			if err := row.end(f, cancel); err != nil {
				t.Error(err)
			}
			if err := <-f.ended; (err == nil) != row.orderly || err != nil && strings.Contains(err.Error(), "left") {
				t.Error(err)
			}
			_, _ = escaped.Wait() // the agent may have reaped it
			if now, err := proc.Read(escaped.Pid); err == nil && now.Alive() && now.Comm == "sleep" {
				t.Errorf("%v is alive", now)
			}
			if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
				t.Errorf("files are left: %v, %v", left, err)
			}
		})
	}
}

// The cap on logs holds on each machine.
func TestAnAgentKeepsLogsSmall(t *testing.T) {
	witness := testbed.Audit(t)
	f, err := inProcess(t, t.Context(), "node1",
		AgentOptions{Run: runID(t, "node1"), Temp: placesOf(t), Grace: 30 * time.Second, LogCap: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(f.Hello().Dir, "a.log")
	h, err := f.Start(host.Spec{Name: "a", Argv: []string{"sh", "-c", "yes | head -c 8000000; exec sleep 60"}, Env: witness.Env(), Log: log, Grace: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	testbed.Eventually(t, 20*time.Second, func() bool {
		var s syscall.Stat_t
		return syscall.Stat(log, &s) == nil && s.Size == 8_000_000 && s.Blocks*512 < 2<<20
	})
	if err := h.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if left, err := f.Close(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
	if err := <-f.ended; err != nil {
		t.Error(err)
	}
}

// Two agents of one run would not see each other's claims, nor each other's processes.
func TestASecondAgentOfARunIsRefused(t *testing.T) {
	witness, temp, run := testbed.Audit(t), placesOf(t), runID(t, "node1")
	first, err := inProcess(t, t.Context(), "node1", AgentOptions{Run: run, Temp: temp, Grace: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	h := first.child(t, witness.Env(), "a", "sleep")
	_, err = inProcess(t, t.Context(), "node1", AgentOptions{Run: run, Temp: temp, Grace: 30 * time.Second})
	if err == nil || !strings.Contains(err.Error(), "second agent") {
		t.Errorf("got %v", err)
	}
	select {
	case <-h.Done():
		t.Error("the first one has lost its child")
	default:
	}
	if left, err := first.Close(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
	if err := <-first.ended; err != nil {
		t.Error(err)
	}
}

// An agent that was killed leaves its services to their shepherds. The next one ends what it finds, reports it, and
// still has the logs.
func TestAnAgentRecoversAKilledOne(t *testing.T) {
	for _, row := range []struct {
		how    string
		signal syscall.Signal // for the first agent; 0 = it still runs
	}{{"killed", syscall.SIGKILL}, {"running", 0}} {
		t.Run(row.how, func(t *testing.T) {
			witness, temp, run := testbed.Audit(t), placesOf(t), runID(t, "node1")
			first, err := ownProcess(t, os.Environ(), "node1", run, temp)
			if err != nil {
				t.Fatal(err)
			}
			first.child(t, witness.Env(), "a", "stubborn")
			log := filepath.Join(first.Hello().Dir, "a.log")
			escaped := stray(t, run)
			if row.signal != 0 {
				if err := syscall.Kill(first.pid, row.signal); err != nil {
					t.Fatal(err)
				}
				<-first.Context().Done()
			}
			next, err := inProcess(t, t.Context(), "node1",
				AgentOptions{Run: run, Temp: temp, Grace: 30 * time.Second, Recover: true})
			if err != nil {
				t.Fatal(err)
			}
			_, _ = escaped.Wait()
			if row.signal != 0 {
				if text := strings.Join(next.Hello().Recovered, "\n"); !strings.Contains(text, fmt.Sprint(escaped.Pid)) {
					t.Errorf("recovered %q", text)
				}
				if text, err := next.Get(t.Context(), log, 0, 1000); err != nil || !strings.Contains(string(text), "ready") {
					t.Errorf("the log of the killed one is %q, %v", text, err)
				}
			}
			if living := witness.Living(); len(living) > 0 {
				t.Errorf("%v are alive", living)
			}
			if left, err := next.Close(t.Context()); err != nil || len(left) > 0 {
				t.Errorf("%v, %v", left, err)
			}
			if err := <-next.ended; err != nil {
				t.Error(err)
			}
			if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
				t.Errorf("files are left: %v, %v", left, err)
			}
		})
	}
}

package run

import (
	"bufio"
	"context"
	"errors"
	"fmt"
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
	"topobench/internal/preflight"
	"topobench/internal/testbed"
)

// orchestratorKey is the variable with the directory of the fake programs: it makes the next test an orchestrator, in a
// process that can be killed. Its descriptors from 3 on lead to the agents of node0 and node1.
const orchestratorKey = "LC_TEST_ORCHESTRATOR"

const measuring = "measuring now"

// TestOrchestratorProcess is a process of TestAKilledOrchestrator.
func TestOrchestratorProcess(t *testing.T) {
	programs := os.Getenv(orchestratorKey)
	if programs == "" {
		return
	}
	remotes := map[string]Remote{}
	for i, name := range []string{"node0", "node1"} {
		syscall.CloseOnExec(3 + 2*i) // a child of this process must not hold the connection
		syscall.CloseOnExec(4 + 2*i)
		in, out := os.NewFile(uintptr(3+2*i), "in"), os.NewFile(uintptr(4+2*i), "out")
		c, err := agent.Connect(t.Context(), name, 30*time.Second,
			agent.Conn{In: in, Out: out, End: func() error { return errors.Join(in.Close(), out.Close()) }})
		if err != nil {
			t.Fatal(err)
		}
		dial := func(context.Context, bool) (*agent.Client, error) { return nil, errors.New("no route to host") }
		remotes[name] = agent.NewRemote(c, dial, time.Second)
	}
	r, screen := newRunner(t, Options{Environ: os.Environ(), Shepherd: testbed.Program(), Remotes: remotes})
	r.At = func(p Phase) {
		if p == Measuring {
			fmt.Println(measuring)
			<-t.Context().Done() // until the signal
		}
	}
	topologies := []preflight.Topology{twoHostTopology(t, programs)}
	done, err := r.Run(t.Context(), topologies, LadderOf(topologies, 1))
	t.Errorf("it was not killed: %+v, %v\n%s", done, err, screen)
}

// The orchestrator is killed while services run on two machines: each agent ends its own, proves it, and goes, within
// the grace.
func TestAKilledOrchestrator(t *testing.T) {
	const grace = 30 * time.Second
	witness, programs := testbed.Audit(t), t.TempDir()
	if err := testbed.Install(programs); err != nil {
		t.Fatal(err)
	}
	environ := witness.Env("PATH="+programs+":"+os.Getenv("PATH"), "HOME="+t.TempDir(), "TMPDIR="+t.TempDir())
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	orchestrator := exec.Command(program, "-test.run=^TestOrchestratorProcess$")
	orchestrator.Env = append(slices.Clone(environ), orchestratorKey+"="+programs)
	agents, temps := map[string]host.Piped{}, map[string]string{}
	for _, name := range []string{"node0", "node1"} {
		temps[name] = placesOf(t)
		agents[name], err = host.Starter{Exe: testbed.Program()}.Pipe(host.Spec{Name: name, Env: environ, Grace: grace,
			Argv: []string{program, runAgent, runID(t, name), temps[name]}, Log: filepath.Join(t.TempDir(), name)})
		if err != nil {
			t.Fatal(err)
		}
		in, out := agents[name].In.(*os.File), agents[name].Out.(*os.File)
		orchestrator.ExtraFiles = append(orchestrator.ExtraFiles, in, out)
	}
	stdout, err := orchestrator.StdoutPipe()
	if err == nil {
		err = orchestrator.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range agents {
		a.In.Close() // it is the orchestrator's
		a.Out.Close()
	}
	var printed []string
	for lines := bufio.NewScanner(stdout); lines.Scan() && lines.Text() != measuring; {
		printed = append(printed, lines.Text())
	}
	if got := services(witness); got["vllm"] < 2 || got["nginx"] < 1 {
		t.Errorf("services %v run, want a vllm on each machine\n%s", got, strings.Join(printed, "\n"))
	}
	killed := time.Now()
	if err := orchestrator.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = orchestrator.Wait() // killed
	for name, a := range agents {
		select {
		case <-a.Done():
		case <-time.After(grace):
			t.Errorf("the agent of %s is still there after %s", name, time.Since(killed))
		}
		if err := a.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(temps[name]); err != nil || len(left) > 0 {
			t.Errorf("%s: files are left: %v, %v", name, left, err)
		}
	}
	if !testbed.Soon(grace-time.Since(killed), func() bool { return len(witness.Living()) == 0 }) {
		t.Errorf("after %s there are %v", time.Since(killed), witness.Living())
	}
}

// services counts the processes of a test by their names.
func services(witness testbed.Tracker) map[string]int {
	n := map[string]int{}
	for _, p := range witness.Living() {
		n[p.Comm]++
	}
	return n
}

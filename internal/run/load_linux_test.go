package run

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/host"
	"topobench/internal/host/agent"
	"topobench/internal/journal"
	"topobench/internal/plan"
	"topobench/internal/preflight"
	"topobench/internal/profile"
	"topobench/internal/testbed"
	"topobench/internal/verdict"
)

// pod is the machine of a load. It counts what reaches the servers and the processes through it.
type pod struct {
	*agent.Remote
	dialled, trees atomic.Int32
	spoil          func(path string, data []byte) []byte // of what it answers; nil = nothing
}

func (p *pod) DialContext(ctx context.Context, network, to string) (net.Conn, error) {
	p.dialled.Add(1)
	return p.Remote.DialContext(ctx, network, to)
}

func (p *pod) Look(ctx context.Context, q host.Question) (host.Snapshot, error) {
	p.trees.Add(int32(len(q.Trees)))
	return p.Remote.Look(ctx, q)
}

func (p *pod) Get(ctx context.Context, path string, from, limit int64) ([]byte, error) {
	data, err := p.Remote.Get(ctx, path, from, limit)
	if p.spoil != nil {
		data = p.spoil(path, data)
	}
	return data, err
}

// moved is a Target whose load runs on a pod.
type moved struct {
	Target
	pod *pod
}

// movedServing is a moved target that is up.
type movedServing struct {
	Serving
	pod *pod
}

func (m moved) Up(ctx context.Context) (Serving, error) {
	s, err := m.Target.Up(ctx)
	if err != nil {
		return nil, err
	}
	return movedServing{s, m.pod}, nil
}

func (m movedServing) Load() LoadMachine { return m.pod }

// noProber fails the test wherever this machine is used in place of the load's.
type noProber struct{ Prober }

// oneLoad is a run of nginx before a worker on this machine.
type oneLoad struct {
	*Runner
	topology preflight.Topology
	screen   fmt.Stringer
}

func newOneLoad(t *testing.T, first int) (one oneLoad, environ []string) {
	t.Helper()
	witness, programs := testbed.Audit(t), t.TempDir()
	if err := testbed.Install(programs); err != nil {
		t.Fatal(err)
	}
	environ = witness.Env("PATH="+programs+":"+os.Getenv("PATH"), "HOME="+t.TempDir())
	p, err := profile.Reader{}.Parse("a.yaml", fmt.Appendf(nil, `{name: a, kind: k, engine: vllm, model: tiny,
balancer: {port: %d}, port_base: %d, timeouts: {grace: 1s, ready: 30s}, aggregated: [{cuda_visible_devices: [0], port: %d}],
load: {isl: 8, osl: 4, concurrency: [1, 2]}}`, first+20, first, first+21))
	if err != nil {
		t.Fatal(err)
	}
	of := func(name string) string { return filepath.Join(programs, name) }
	made, err := plan.Make(p, plan.Installation{Programs: plan.Programs{Python: of("python3"), VLLM: of("vllm"), AIPerf: of("aiperf"),
		Nginx: of("nginx"), Etcd: of("etcd"), NATS: of("nats-server")}}, aiperf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, screen := newRunner(t, Options{Environ: environ, Shepherd: testbed.Program()})
	return oneLoad{r, preflight.Topology{Profile: p, Plan: made}, screen}, environ
}

// on moves the load to a pod.
func (one oneLoad) on(p *pod) {
	one.prober = noProber{}
	one.Target = func(ctx context.Context, made plan.Plan) (Target, error) {
		t, err := one.ownTarget(ctx, made)
		return moved{t, p}, err
	}
}

func (one oneLoad) measure(t *testing.T) Topology {
	t.Helper()
	topologies := []preflight.Topology{one.topology}
	done, err := one.Run(t.Context(), topologies, LadderOf(topologies, 1))
	if err = one.Close(err); err != nil || len(done) != 1 || done[0].Err != nil || len(done[0].Cells) != 2 {
		t.Fatalf("%+v, %v\n%s", done, err, one.screen)
	}
	return done[0]
}

// states are the checks of a cell with their states; their details have times.
func states(c Cell) (all []string) {
	for _, check := range c.Verdict.Checks {
		all = append(all, fmt.Sprintf("%s: %s", check.Name, check.State))
	}
	slices.Sort(all)
	return all
}

// namesIn are the names of the files of a cell.
func namesIn(t *testing.T, c Cell) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// A load that runs on another machine has the results of one that runs here.
func TestALoadOnAnotherMachine(t *testing.T) {
	first := portBlock(t)
	here, _ := newOneLoad(t, first)
	want := here.measure(t)
	there, environ := newOneLoad(t, first)
	run := runID(t, "pod")
	f, err := inProcess(t, t.Context(), "pod", AgentOptions{Run: run, Temp: placesOf(t), Grace: 30 * time.Second, Environ: environ})
	if err != nil {
		t.Fatal(err)
	}
	p := &pod{Remote: agent.NewRemote(f.Client, nil, 0)}
	there.on(p)
	got := there.measure(t)
	for i, cell := range got.Cells {
		if diff := cmp.Diff(states(want.Cells[i]), states(cell)); diff != "" || len(cell.Verdict.Reasons) > 0 || cell.Numbers != want.Cells[i].Numbers {
			t.Errorf("%v, %s here and %s there:\n%s", cell.Verdict.Reasons, want.Cells[i].Numbers, cell.Numbers, diff)
		}
		if c, found := cell.Verdict.Find(verdict.ClientCPU); found && c.State == verdict.NotMade {
			t.Errorf("the client was not observed: %s", c.Detail)
		}
		if diff := cmp.Diff(namesIn(t, want.Cells[i]), namesIn(t, cell)); diff != "" {
			t.Error(diff)
		}
		for _, name := range []string{aiperf.ExportName, aiperf.RecordsName} {
			a, faultA := os.ReadFile(filepath.Join(want.Cells[i].Path, name))
			b, faultB := os.ReadFile(filepath.Join(cell.Path, name))
			if err := errors.Join(faultA, faultB); err != nil || !bytes.Equal(a, b) {
				t.Errorf("%s differs, %v", name, err)
			}
		}
		if log, err := os.Stat(cell.Log); err != nil || log.Mode().Perm() != 0o644 && log.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", log, err)
		}
	}
	begins := events[journal.CellBegin](t, there.Runner)
	dir := filepath.Join(f.Hello().Dir, "cells", "a", "c1-r1", "attempt-1")
	if len(begins) != 2 || !slices.Contains(begins[0].Argv, dir) {
		t.Errorf("aiperf ran by %v", begins)
	}
	if _, err := os.Stat(filepath.Join(dir, aiperf.ExportName)); err != nil {
		t.Error(err)
	}
	if p.dialled.Load() == 0 || p.trees.Load() == 0 {
		t.Errorf("%d connections from there, and %d looks at aiperf's tree", p.dialled.Load(), p.trees.Load())
	}
	if left, err := f.Close(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
	if err := <-f.ended; err != nil {
		t.Error(err)
	}
}

// Results that come back torn are no numbers.
func TestATornResultOfAnotherMachineIsNoNumber(t *testing.T) {
	there, environ := newOneLoad(t, portBlock(t))
	f, err := inProcess(t, t.Context(), "pod", AgentOptions{Run: runID(t, "pod"), Temp: placesOf(t), Grace: 30 * time.Second, Environ: environ})
	if err != nil {
		t.Fatal(err)
	}
	p := &pod{Remote: agent.NewRemote(f.Client, nil, 0), spoil: func(path string, data []byte) []byte {
		if strings.HasSuffix(path, "c1-r1/attempt-1/"+aiperf.ExportName) {
			return bytes.Replace(data, []byte("avg\": 10"), []byte("avg\": 90"), 1)
		}
		return data
	}}
	there.on(p)
	got := there.measure(t)
	torn, whole := got.Cells[0], got.Cells[1]
	if torn.Verdict.State != verdict.Invalid || torn.Counts || torn.Numbers != "" || !strings.Contains(strings.Join(torn.Verdict.Reasons, " "), "could not be copied") {
		t.Errorf("%+v", torn)
	}
	if whole.Verdict.State == verdict.Invalid || whole.Numbers == "" {
		t.Errorf("%+v", whole)
	}
	if _, err := f.Close(t.Context()); err != nil {
		t.Error(err)
	}
	<-f.ended
}

// The agent of the load is killed in a cell: aiperf there ends, which the next agent proves, and the cell is measured
// again after one relaunch.
func TestTheMachineOfALoadIsLostInACell(t *testing.T) {
	there, environ := newOneLoad(t, portBlock(t))
	temp, id := placesOf(t), runID(t, "pod")
	latest := 0
	dial := func(_ context.Context, again bool) (*agent.Client, error) {
		var args []string
		if again {
			args = append(args, "recover")
		}
		f, err := ownProcess(t, append(slices.Clone(environ), "LC_FAKE_AIPERF=slow 700"), "pod", id, temp, args...)
		latest = f.pid
		return f.Client, err
	}
	c, err := dial(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	p := &pod{Remote: agent.NewRemote(c, dial, 0)}
	there.on(p)
	killed := false
	p.spoil = func(path string, data []byte) []byte {
		if !killed { // the first look at its records
			killed = true
			if err := syscall.Kill(latest, syscall.SIGKILL); err != nil {
				t.Error(err)
			}
		}
		return data
	}
	got := there.measure(t)
	if got.Launches != 2 || got.Lost == nil {
		t.Fatalf("%+v\n%s", got, there.screen)
	}
	if _, is := errors.AsType[*agent.LostError](got.Lost.Cause); !is {
		t.Errorf("the first launch failed by %v", got.Lost.Cause)
	}
	for _, cell := range got.Cells {
		if len(cell.Verdict.Reasons) > 0 {
			t.Errorf("%v", cell.Verdict.Reasons)
		}
	}
	if left, err := p.Close(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("files are left: %v, %v", left, err)
	}
}

// aiperf on another machine has that machine's variables and cookie, and the key of this one.
func TestTheEnvironmentOfALoadElsewhere(t *testing.T) {
	r, _ := newRunner(t, Options{Environ: []string{"HERE=1", "MY_API_KEY=secret", "OTHER_TOKEN=x"}})
	c := cells{Runner: r, load: aiperf.Load{Env: []string{artifacts.RunVariable + "=" + r.Dir.ID(), "TMPDIR=" + r.Dir.TempDir(), "SPT_NOENV=1",
		aiperf.KeyVariable + "=${ENV:MY_API_KEY}"}}, away: placedThere{}}
	env, missing := c.loadEnviron()
	slices.Sort(env)
	want := []string{"SPT_NOENV=1", "THERE=1", "TMPDIR=/tmp/pod", aiperf.KeyVariable + "=secret", artifacts.RunVariable + "=run-pod"}
	slices.Sort(want)
	if diff := cmp.Diff(want, env); diff != "" || len(missing) > 0 {
		t.Errorf("missing %v, want (-), got (+):\n%s", missing, diff)
	}
	c.away = nil
	if env, _ := c.loadEnviron(); !slices.Contains(env, "HERE=1") || !slices.Contains(env, artifacts.RunVariable+"="+r.Dir.ID()) {
		t.Errorf("here it is %v", env)
	}
}

// placedThere is a machine that only describes itself.
type placedThere struct{ LoadMachine }

func (placedThere) Hello() agent.Hello {
	return agent.Hello{Run: "run-pod", Temp: "/tmp/pod", Environ: []string{"THERE=1", "SOME_API_KEY=x"}}
}

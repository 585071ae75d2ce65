package run

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/deploy"
	"topobench/internal/host/agent"
	"topobench/internal/host/proc"
	"topobench/internal/journal"
	"topobench/internal/plan"
	"topobench/internal/preflight"
	"topobench/internal/profile"
	"topobench/internal/testbed"
)

// twoHosts is a run over two machines, both of which are this one: each has an agent, directories and an address.
type twoHosts struct {
	*Runner
	topology preflight.Topology
	temps    map[string]string
	agents   map[string]*far // the latest of each
	cut      sync.Map        // names of those that no connection reaches
	screen   fmt.Stringer
}

// newTwoHosts connects to two agents in processes of their own, and plans nginx on node0 before a worker on each.
func newTwoHosts(t *testing.T, within time.Duration) *twoHosts {
	return newTwoHostsWith(t, within, nil)
}

// newTwoHostsWith has what nvidia-smi of each machine shows; nil = it has none.
func newTwoHostsWith(t *testing.T, within time.Duration, gpus map[string]string) *twoHosts {
	t.Helper()
	witness, programs := testbed.Audit(t), t.TempDir()
	if err := testbed.Install(programs); err != nil {
		t.Fatal(err)
	}
	environ := witness.Env("PATH="+programs+":"+os.Getenv("PATH"), "HOME="+t.TempDir())
	two := &twoHosts{temps: map[string]string{}, agents: map[string]*far{}}
	remotes := map[string]Remote{}
	for _, name := range []string{"node0", "node1"} {
		two.temps[name] = placesOf(t)
		id, environ := runID(t, name), slices.Clone(environ)
		if shown, has := gpus[name]; has {
			script := filepath.Join(t.TempDir(), "smi")
			if err := os.WriteFile(script, []byte(shown), 0o600); err != nil {
				t.Fatal(err)
			}
			environ = append(environ, agentSMI+"="+filepath.Join(programs, "nvidia-smi"), "LC_FAKE_NVIDIA_SMI="+script)
		}
		dial := func(_ context.Context, again bool) (*agent.Client, error) {
			if _, is := two.cut.Load(name); is {
				return nil, errors.New("no route to host")
			}
			args := []string{}
			if again {
				args = append(args, "recover")
			}
			f, err := ownProcess(t, environ, name, id, two.temps[name], args...)
			two.agents[name] = &f
			return f.Client, err
		}
		c, err := dial(t.Context(), false)
		if err != nil {
			t.Fatal(err)
		}
		remotes[name] = agent.NewRemote(c, dial, within)
	}
	r, screen := newRunner(t, Options{Environ: environ, Shepherd: testbed.Program(), Remotes: remotes})
	two.Runner, two.screen, two.topology = r, screen, twoHostTopology(t, programs)
	return two
}

// twoHostTopology is nginx on node0 before a worker on each host.
func twoHostTopology(t *testing.T, programs string) preflight.Topology {
	t.Helper()
	first := portBlock(t)
	p, err := profile.Reader{}.Parse("two.yaml", fmt.Appendf(nil, `{name: two, kind: k, engine: vllm, model: tiny,
hosts: {node0: {transport: ssh, address: 127.0.0.1}, node1: {transport: ssh, address: 127.0.0.2, user: bench}},
balancer: {port: %d, host: node0}, port_base: %d, timeouts: {grace: 1s, ready: 30s},
aggregated: [{cuda_visible_devices: [0], host: node0, port: %d}, {cuda_visible_devices: [0], host: node1, port: %d}],
load: {isl: 8, osl: 4, concurrency: [1, 2]}}`, first+20, first, first+21, first+22))
	if err != nil {
		t.Fatal(err)
	}
	of := func(name string) string { return filepath.Join(programs, name) }
	here := plan.Installation{Programs: plan.Programs{Python: of("python3"), VLLM: of("vllm"), AIPerf: of("aiperf"),
		Nginx: of("nginx"), Etcd: of("etcd"), NATS: of("nats-server")}}
	made, err := plan.Make(p, here, aiperf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return preflight.Topology{Profile: p, Plan: made}
}

// portBlock is the first of a hundred ports; no other test that runs at this moment has it.
func portBlock(t *testing.T) int {
	t.Helper()
	for {
		first := 23000 + 100*rand.IntN(20) // between the blocks of packages e2e and cli
		mine, err := net.Listen("unix", fmt.Sprintf("@topobench-test-run-%d", first))
		if err == nil {
			t.Cleanup(func() { _ = mine.Close() })
			return first
		}
	}
}

// measure runs the topology, and ends the run.
func (two *twoHosts) measure(t *testing.T) ([]Topology, error) {
	t.Helper()
	topologies := []preflight.Topology{two.topology}
	done, err := two.Run(t.Context(), topologies, LadderOf(topologies, 1))
	return done, two.Close(err)
}

// events are those of a kind in the journal of the run.
func events[E journal.Event](t *testing.T, r *Runner) (all []E) {
	t.Helper()
	records, err := journal.Read(filepath.Join(r.Dir.Path(), journal.Name))
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range records {
		if e, is := record.Event.(E); is {
			all = append(all, e)
		}
	}
	return all
}

// gone fails if a file of an agent is left.
func (two *twoHosts) gone(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		if left, err := os.ReadDir(two.temps[name]); err != nil || len(left) > 0 {
			t.Errorf("%s: files are left: %v, %v", name, left, err)
		}
	}
}

func TestARunOverTwoHosts(t *testing.T) {
	two := newTwoHosts(t, 0)
	done, err := two.measure(t)
	if err != nil || len(done) != 1 || done[0].Err != nil || len(done[0].Cells) != 2 {
		t.Fatalf("%+v, %v\n%s", done, err, two.screen)
	}
	for _, cell := range done[0].Cells {
		if len(cell.Verdict.Reasons) > 0 {
			t.Errorf("concurrency %d: %v", cell.Concurrency, cell.Verdict.Reasons)
		}
	}
	hosts := events[journal.Host](t, two.Runner)
	if len(hosts) != 2 || hosts[1].Name != "node1" || hosts[1].Address != "127.0.0.2" || hosts[1].User != "bench" || hosts[1].Run == "" {
		t.Errorf("hosts %+v", hosts)
	}
	checks := map[string]bool{}
	for _, e := range events[journal.TeardownCheck](t, two.Runner) {
		checks[e.Check] = len(e.Left) == 0 && e.Error == ""
	}
	for _, name := range []string{"processes", "node0: processes", "node1: processes", "node0: ports", "node1: ports"} {
		if !checks[name] {
			t.Errorf("the check %s is not proved: %v", name, checks)
		}
	}
	provenance, err := artifacts.ReadProvenance(done[0].Artifacts.Path)
	if err != nil || len(provenance) != 1 || len(provenance[0].Hosts) != 2 || provenance[0].Hosts[1].Facts["kernel"] == "" || len(provenance[0].Missing) > 0 {
		t.Errorf("provenance %+v, %v", provenance, err)
	}
	for _, service := range []string{"nginx", "aggregated-0", "aggregated-1"} {
		if text, err := os.ReadFile(filepath.Join(done[0].Dir, "logs", service+".log")); err != nil {
			t.Errorf("%q, %v", text, err)
		}
	}
	if ends := events[journal.HostEnd](t, two.Runner); len(ends) != 2 {
		t.Errorf("ends %+v", ends)
	}
	two.gone(t, "node0", "node1")
}

// An agent is killed: its shepherds end its services, the next agent proves it, and the run goes on.
func TestAKilledAgentIsReplaced(t *testing.T) {
	for _, row := range []struct {
		in              Phase
		launches, cells int
	}{{Starting, 1, 0}, {Measuring, 2, 2}, {Stopping, 1, 2}} {
		t.Run(string(row.in), func(t *testing.T) {
			two := newTwoHosts(t, 0)
			killed := false
			two.At = func(p Phase) {
				if p == row.in && !killed {
					killed = true
					if err := syscall.Kill(two.agents["node1"].pid, syscall.SIGKILL); err != nil {
						t.Error(err)
					}
				}
			}
			done, err := two.measure(t)
			if err != nil || len(done) != 1 || len(done[0].Cells) != row.cells || done[0].Launches != row.launches {
				t.Fatalf("%+v, %v\n%s", done, err, two.screen)
			}
			var why error
			if why = done[0].Err; done[0].Lost != nil {
				why = done[0].Lost.Cause
			}
			if lost, is := errors.AsType[*agent.LostError](why); row.in != Stopping && (!is || lost.Host != "node1") {
				t.Errorf("the first launch failed by %v", why)
			}
			l, r := events[journal.HostLost](t, two.Runner), events[journal.HostRecovered](t, two.Runner)
			if row.in != Stopping && (len(l) != 1 || len(r) != 1 || r[0].Name != "node1") { // the teardown may be over first
				t.Errorf("lost %+v, recovered %+v", l, r)
			}
			two.gone(t, "node0", "node1")
		})
	}
}

// A machine that stays out of reach is DIRTY by name, with the command that cleans it; the other one is proved.
func TestAHostOutOfReachIsDirtyByName(t *testing.T) {
	two := newTwoHosts(t, time.Second)
	two.At = func(p Phase) {
		if p == Measuring {
			two.unreachable(t, "node1")
		}
	}
	_, err := two.measure(t)
	dirty, is := errors.AsType[*deploy.DirtyError](err)
	if !is || !strings.Contains(err.Error(), "topobench clean --host node1=bench@127.0.0.2") || len(dirty.Hosts) != 1 || dirty.Hosts[0] != "node1" {
		t.Fatalf("got %v\n%s", err, two.screen)
	}
	if strings.Count(err.Error(), "DIRTY") != 1 {
		t.Errorf("it is reported again: %v", err)
	}
	for _, e := range events[journal.TeardownCheck](t, two.Runner) {
		if e.Seconds > 4 { // each would try for its 5 or 10 s
			t.Errorf("the check %s went on for %.1f s", e.Check, e.Seconds)
		}
	}
	if ends := events[journal.HostEnd](t, two.Runner); len(ends) != 2 || len(ends[0].Left)+len(ends[1].Left) != 1 {
		t.Errorf("ends %+v", ends)
	}
	two.gone(t, "node0")
}

// unreachable ends the connection to a machine, and lets no other one begin.
func (two *twoHosts) unreachable(t *testing.T, name string) {
	t.Helper()
	two.cut.Store(name, true)
	if err := syscall.Kill(two.agents[name].pid, syscall.SIGKILL); err != nil {
		t.Error(err)
	}
}

// Two runs that share a machine: the second one has neither its ports nor those of the other machines.
func TestAHostThatAnotherRunUsesIsBusy(t *testing.T) {
	first, second := newTwoHosts(t, 0), newTwoHosts(t, 0)
	second.topology = first.topology
	tried := false
	first.At = func(p Phase) {
		if p != Measuring || tried {
			return
		}
		tried = true
		_, err := second.measure(t)
		_, busy := errors.AsType[*deploy.PortsBusyError](err)
		holder := regexp.MustCompile(`node[01]: \d+ \(.*\) is held by another topobench run \(process (\d+)\)`)
		match := holder.FindStringSubmatch(fmt.Sprint(err))
		if !busy || match == nil || match[1] != fmt.Sprint(first.agents["node0"].Hello().PID) {
			t.Errorf("got %v", err)
		}
	}
	if done, err := first.measure(t); err != nil || len(done) != 1 || len(done[0].Cells) != 2 {
		t.Errorf("%+v, %v\n%s", done, err, first.screen)
	}
	first.gone(t, "node0", "node1")
	second.gone(t, "node0", "node1")
}

// The GPUs of each machine are recorded before a launch, and proved after it, under its name.
func TestGPUsOfTwoHosts(t *testing.T) {
	two := newTwoHostsWith(t, 0, map[string]string{"node0": "device 0 GPU-a\n", "node1": "device 0 GPU-b\n"})
	if done, err := two.measure(t); err != nil || len(done) != 1 || len(done[0].Cells) != 2 {
		t.Fatalf("%+v, %v\n%s", done, err, two.screen)
	}
	var seen []string
	for _, e := range events[journal.GPUs](t, two.Runner) {
		seen = append(seen, fmt.Sprintf("%s %d", e.Host, len(e.Devices)))
	}
	slices.Sort(seen)
	if !slices.Equal(seen, []string{"node0 1", "node1 1"}) {
		t.Errorf("got %v", seen)
	}
	proved := 0
	for _, e := range events[journal.TeardownCheck](t, two.Runner) {
		if (e.Check == "node0: gpu" || e.Check == "node1: gpu") && len(e.Left) == 0 && e.Error == "" {
			proved++
		}
	}
	if proved != 2 {
		t.Errorf("%d of 2 machines are proved", proved)
	}
}

// A process of others on a GPU of one machine: the run is busy, and the machine and the process are named.
func TestABusyGPUOfAHostIsNamed(t *testing.T) {
	other, err := os.StartProcess("/bin/sleep", []string{"sleep", "60"}, &os.ProcAttr{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Kill(); _, _ = other.Wait() }() // the reaper of the tests may be first
	two := newTwoHostsWith(t, 0, map[string]string{"node0": "device 0 GPU-a\n",
		"node1": fmt.Sprintf("device 0 GPU-b 900\nprocess GPU-b %d 900 python\n", other.Pid)})
	self, err := proc.Read(other.Pid)
	if err != nil {
		t.Fatal(err)
	}
	two.Foreign = []proc.Proc{self}
	_, err = two.measure(t)
	_, busy := errors.AsType[*deploy.GPUsBusyError](err)
	if !busy || !strings.Contains(err.Error(), "node1: GPU 0") || !strings.Contains(err.Error(), fmt.Sprint(other.Pid)) || strings.Contains(err.Error(), "node0") {
		t.Errorf("got %v", err)
	}
	two.gone(t, "node0", "node1")
}

// A fact that is the same on all machines is one value; others are named.
func TestFactsOfSeveralMachines(t *testing.T) {
	of := map[string]artifacts.Values{"": {"CPU": "x", "host": "h"}, "node0": {"CPU": "x", "GPU model": "H100"}, "node1": {"CPU": "x", "GPU model": "L40S"}}
	got := ofMachines([]string{"", "node0", "node1"}, of)
	want := artifacts.Values{"CPU": "x", "host": "h", "GPU model": "H100 (node0), L40S (node1)"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

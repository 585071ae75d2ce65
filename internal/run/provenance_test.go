package run

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/deploy"
	"topobench/internal/host/gpu"
	"topobench/internal/host/proc"
	"topobench/internal/plan"
	"topobench/internal/preflight"
)

func TestModelLoadByTheLog(t *testing.T) {
	for log, want := range map[string]float64{
		"(EngineCore) INFO Loading weights took 4.70 seconds\nINFO Model loading took 14.9909 GiB memory and 5.321 seconds\n":          5.321,
		"(Worker_TP0) Model loading took 7.5 GiB and 61.5 seconds\n(Worker_TP1) Model loading took 7.5 GiB and 62.25 seconds\nready\n": 62.25,
		"Loading weights took 4.70 seconds\n": 4.7,
		"nothing of it":                       0,
	} {
		if got := modelLoad(log); got != want {
			t.Errorf("%q: %g, want %g", log, got, want)
		}
	}
}

func TestTransportsByTheLog(t *testing.T) {
	const log = "NIXL INFO  _api.py:361 Backend UCX was instantiated\n" +
		"[1750940426.960564] [h:51:0]      ucp_worker.c:1903 UCX  INFO    ucp_context_0 self cfg#0 rma(self/memory)\n" +
		"[1750940426.960564] [h:51:0]      ucp_worker.c:1903 UCX  INFO    ucp_context_0 intra-node cfg#1 rma_am(tcp/eth0)  am(tcp/eth0 cma/memory)\n" +
		"[1750940426.960565] [h:51:0]      ucp_worker.c:1903 UCX  INFO    ucp_context_0 intra-node cfg#2 rma_am(tcp/eth0)  am(tcp/eth0 cma/memory)\n" +
		"[1750940428.181226] [h:51:0]      ucp_worker.c:1903 UCX  INFO    ucp_context_0 inter-node cfg#8 rma(rc_mlx5/mlx5_2:1)\n"
	want := []string{"NIXL backend UCX", "intra-node rma_am(tcp/eth0) am(tcp/eth0 cma/memory)", "inter-node rma(rc_mlx5/mlx5_2:1)"}
	if diff := cmp.Diff(want, transports(log)); diff != "" {
		t.Error(diff)
	}
	if got := transports("UCX  WARN  nothing was chosen\n"); got != nil {
		t.Errorf("got %q", got)
	}
}

func TestBusyProcessesAreThoseOfOthers(t *testing.T) {
	self := proc.Proc{PID: 10, Ticks: 1}
	of := func(pid, parent int, cpu time.Duration) proc.Proc {
		return proc.Proc{PID: pid, PPID: parent, Ticks: 1, Comm: "c", CPU: cpu, State: 'R'}
	}
	before := []proc.Proc{of(1, 0, time.Hour), of(11, 10, 0), of(20, 1, time.Minute), of(30, 1, time.Minute)}
	after := []proc.Proc{of(1, 0, time.Hour), of(10, 1, 9*time.Second), of(11, 10, 9*time.Second), of(20, 1, time.Minute+5*time.Second),
		of(30, 1, time.Minute+500*time.Millisecond), of(40, 1, 2*time.Second)}
	want := []string{"process 20 (c) used 0.5 CPUs", "process 40 (c) used 0.2 CPUs"}
	machine := []seen{{processes: before, self: self}}
	if diff := cmp.Diff(want, busyOn(machine, [][]proc.Proc{after}, []time.Duration{10 * time.Second})); diff != "" {
		t.Error(diff)
	}
	// A host that is this machine: each of the two has processes of the run.
	agent := seen{site: site{name: "node0"}, processes: before, self: of(20, 1, 0)}
	same := busyOn([]seen{machine[0], agent}, [][]proc.Proc{after, after}, []time.Duration{10 * time.Second, 10 * time.Second})
	if diff := cmp.Diff([]string{want[1], "node0: " + want[1]}, same); diff != "" {
		t.Errorf("one machine with two names: %s", diff)
	}
	if got := busyOn([]seen{{processes: before}}, [][]proc.Proc{after}, []time.Duration{10 * time.Second}); got != nil {
		t.Errorf("without a list of processes: %q", got)
	}
}

// The file has the profile and the services as they are, the facts of the machine, and no secret.
func TestProvenanceOfALaunch(t *testing.T) {
	r, _ := newRunner(t, Options{Release: "v9", Environ: []string{"HOME=/h", "UCX_TLS=tcp", "A_TOKEN=topsecret"}})
	r.found = map[string]machine{"": {devices: []gpu.Device{{Index: 0, UUID: "GPU-a", Bus: "0:1", Name: "H200", Total: 143771, MIG: "Disabled"}, {Index: 1}},
		power: []gpu.Power{{Index: "0", Limit: "600 W", Default: "700 W", Driver: "580"}}}}
	p := read(t, "a", "ka", ", env: {MY_PASSWORD: topsecret}")
	made, err := plan.Make(p, plan.Installation{}, aiperf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	topology := Topology{Name: "a", Launches: 1, Artifacts: artifacts.Artifacts{Path: t.TempDir()}}
	log := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(log, []byte("Loading weights took 4.5 seconds\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	made.Hardware = plan.Hardware{Devices: []int{0}}
	worker := slices.IndexFunc(made.Services, func(s plan.Service) bool { return s.Role.Worker() })
	made.Services[worker].Log = log
	r.facts = r.newCollection(preflight.Topology{Profile: p, Plan: made}, made)
	r.facts.start(t.Context())
	r.facts.write(&topology, deploy.Times{Engine: 3 * time.Second}, true)
	all, err := artifacts.ReadProvenance(topology.Artifacts.Path)
	if err != nil || len(all) != 1 {
		t.Fatalf("%v, %+v", err, all)
	}
	got := all[0]
	if got.Topobench != "v9" || got.Order != 1 || got.Engine != 3 || got.Ready.Before(got.Begun) || got.Profile.SHA256 != artifacts.Hash(p.Text) {
		t.Errorf("got %+v", got)
	}
	if g := got.GPUs; len(g) != 1 || g[0].UUID != "GPU-a" || g[0].Limit != "600 W" || got.Driver != "580" {
		t.Errorf("GPUs %+v", g)
	}
	if got.Facts["kernel"] == "" || got.Facts["topobench"] != "v9" || got.Facts["MIG"] != "Disabled" {
		t.Errorf("facts %v", got.Facts)
	}
	if s := got.Services[worker]; s.ModelLoad != 4.5 || !slices.Contains(s.Environment, "UCX_TLS=tcp") || !slices.Contains(s.Environment, "MY_PASSWORD=(secret)") {
		t.Errorf("worker %+v", s)
	}
	text, err := os.ReadFile(filepath.Join(topology.Artifacts.Path, artifacts.ProvenanceName(1)))
	if err != nil || strings.Contains(string(text), "topsecret") {
		t.Errorf("%v: %s", err, text)
	}
}

// Facts that do not come within the limit are missing, and the launch goes on.
func TestALaunchDoesNotWaitForItsFacts(t *testing.T) {
	r, _ := newRunner(t, Options{})
	c := r.newCollection(preflight.Topology{Profile: read(t, "a", "ka", "")}, plan.Plan{Name: "a"})
	c.once.Do(func() { c.since = time.Now().Add(-collectWithin) }) // it runs, and never ends
	p := c.provenance(&Topology{Launches: 1}, deploy.Times{}, true)
	if len(p.Missing) != 1 || !strings.Contains(p.Missing[0], "within 2s") {
		t.Errorf("got %q", p.Missing)
	}
}

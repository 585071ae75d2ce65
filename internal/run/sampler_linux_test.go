package run

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/deploy"
	"topobench/internal/host"
	"topobench/internal/host/gpu"
	"topobench/internal/host/proc"
	"topobench/internal/plan"
	"topobench/internal/preflight"
	"topobench/internal/testbed"
)

// fakeSMI is the fake nvidia-smi.
func fakeSMI(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := testbed.Install(dir); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "nvidia-smi")
}

// children are the living descendants of this process, shepherds included.
func children(t *testing.T) []proc.Proc {
	t.Helper()
	all, err := proc.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	return proc.Living(proc.Below(all, os.Getpid(), nil))
}

// A driver without a field of the query is sampled without it, and nvidia-smi is gone when the sampling has stopped.
func TestOneNvidiaSMISamplesALaunch(t *testing.T) {
	witness := testbed.Audit(t)
	r, _ := newRunner(t, Options{Environ: witness.Env(), Shepherd: testbed.Program(), NvidiaSMI: fakeSMI(t)})
	p := plan.Plan{Services: []plan.Service{{}}, Hardware: plan.Hardware{Devices: []int{1, 3}, Within: time.Minute}, Dirs: []string{t.TempDir()}}
	logs, stop := r.sampleGPUs(t.Context(), p)
	var got []gpu.Reading
	testbed.Eventually(t, 30*time.Second, func() bool {
		text, _ := os.ReadFile(logs[""].Path)
		got = gpu.ParseReadings(string(text))
		return len(got) >= 4
	})
	stop()
	if got[0].Index != 1 || got[1].Index != 3 || time.Since(got[0].At).Abs() > time.Minute || got[0].Slowed == nil {
		t.Errorf("got %+v", got)
	}
	if left := children(t); len(left) > 0 {
		t.Errorf("%v", left)
	}
	r.NvidiaSMI = ""
	if logs, stop := r.sampleGPUs(t.Context(), p); len(logs) > 0 {
		t.Errorf("without nvidia-smi there is %v", logs)
		stop()
	}
}

// Each machine has an nvidia-smi of its own, whose files say from where they are.
func TestEachHostSamplesItsGPUs(t *testing.T) {
	two := newTwoHostsWith(t, 5*time.Second, map[string]string{"node0": "device 0 GPU-a\n", "node1": "device 0 GPU-b\ndevice 2 GPU-c\n"})
	p := plan.Plan{Hardware: plan.Hardware{Within: time.Minute}, Dirs: []string{t.TempDir()}}
	for name, devices := range map[string][]int{"node0": {0}, "node1": {0, 2}} {
		p.Hosts = append(p.Hosts, plan.Host{Name: name, Devices: devices, Dirs: []string{two.Remotes[name].Hello().Dir}})
	}
	logs, stop := two.sampleGPUs(t.Context(), p)
	if len(logs) != 2 || logs["node1"].Offset != two.Remotes["node1"].Offset() {
		t.Errorf("got %+v", logs)
	}
	for name, last := range map[string]int{"node0": 0, "node1": 2} {
		testbed.Eventually(t, 30*time.Second, func() bool {
			text, _ := two.Remotes[name].Get(t.Context(), logs[name].Path, 0, 1<<20)
			got := gpu.ParseReadings(string(text))
			return len(got) >= 4 && (got[0].Index == last || got[1].Index == last)
		})
	}
	samplers := func() (n int) {
		for _, p := range children(t) {
			if p.Comm == "nvidia-smi" {
				n++
			}
		}
		return n
	}
	if n := samplers(); n != 2 {
		t.Errorf("%d of 2 run", n)
	}
	two.unreachable(t, "node1") // its recovery is a part of the teardown, and not of the stop before it
	testbed.Eventually(t, 10*time.Second, func() bool { return two.Remotes["node1"].Context().Err() != nil })
	began := time.Now()
	stop()
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("it waited %s for a machine that is lost", took)
	}
	testbed.Eventually(t, 10*time.Second, func() bool { return samplers() == 0 }) // shepherds end those of node1
	two.cut.Delete("node1")
	if err := two.Close(nil); err != nil {
		t.Error(err)
	}
	two.gone(t, "node0", "node1")
}

// One nvidia-smi takes its part of the hundredth of a core that sampling may take: measured with the fake at fifty times
// the rate, its shepherd included.
func TestNvidiaSMITakesItsShare(t *testing.T) {
	witness := testbed.Audit(t)
	r, _ := newRunner(t, Options{Environ: witness.Env(), Shepherd: testbed.Program(), NvidiaSMI: fakeSMI(t)})
	log := filepath.Join(t.TempDir(), "log")
	argv := append([]string{r.NvidiaSMI}, gpu.SampleArgs([]int{0, 1, 2, 3, 4, 5, 6, 7}, "", 20*time.Millisecond)...)
	child, err := r.here.starter.Start(host.Spec{Name: "nvidia-smi", Argv: argv, Env: r.Environ, Log: log, Grace: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	rounds := func() int {
		text, _ := os.ReadFile(log)
		return strings.Count(string(text), "\n") / 8
	}
	cpu := func() (sum time.Duration) {
		for _, pid := range []int{child.PID(), child.Shepherd().PID} {
			var used unix.Timespec
			if err := unix.ClockGettime(int32(^pid<<3|2), &used); err != nil {
				t.Fatal(err)
			}
			sum += time.Duration(used.Nano())
		}
		return sum
	}
	testbed.Eventually(t, 30*time.Second, func() bool { return rounds() > 2 })
	first, before := rounds(), cpu()
	testbed.Eventually(t, time.Minute, func() bool { return rounds() >= first+100 })
	each := (cpu() - before) / time.Duration(rounds()-first)
	if err := child.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	t.Logf("%s of CPU for each second: %.2f %% of a core", each, 100*each.Seconds())
	if each > 3*time.Millisecond {
		t.Errorf("%s of CPU for each second", each)
	}
}

// The facts of eight GPUs and of this machine are there long before their limit.
func TestFactsAreCollectedInTime(t *testing.T) {
	witness := testbed.Audit(t)
	r, _ := newRunner(t, Options{Environ: witness.Env(), Shepherd: testbed.Program(), NvidiaSMI: fakeSMI(t)})
	hardware := plan.Hardware{Devices: []int{0, 1, 2, 3, 4, 5, 6, 7}, Within: time.Minute}
	c := r.newCollection(preflight.Topology{Profile: read(t, "a", "k", "")}, plan.Plan{Name: "a", Hardware: hardware})
	c.start(t.Context())
	complete := c.complete()
	t.Logf("collected in %s", time.Since(c.since))
	p := c.provenance(&Topology{Launches: 1}, deploy.Times{}, true)
	if !complete || len(p.Missing) > 0 || p.CUDA != "13.0" || p.Facts["GPU links"] != "NV18" || len(p.Links) != 9 {
		t.Errorf("complete %t, got %+v", complete, p)
	}
}

// The power is that between the first request and the last one, by aiperf's own times.
func TestPowerNeedsTheTimesOfTheRequests(t *testing.T) {
	began := time.Now()
	watts := func(w float64) *float64 { return &w }
	var samples []artifacts.Sample
	for i := range 10 {
		power := 70.0
		if i >= 3 && i <= 6 {
			power = 400
		}
		samples = append(samples, artifacts.Sample{T: float64(i), GPUs: []artifacts.GPUSample{{Index: 0, Watts: watts(power)}}})
	}
	s := &aiperf.Summary{Begin: began.Add(2500 * time.Millisecond).UnixNano(), Seconds: 4}
	if got := powerOf(samples, began, s, []artifacts.Device{{Index: 0}}); got == nil || got.Watts != 400 || got.Samples != 4 {
		t.Errorf("got %+v", got)
	}
	two := devicesOf(plan.Plan{Services: []plan.Service{{}}, Hardware: plan.Hardware{Devices: []int{0}}, Hosts: []plan.Host{{Name: "node1", Devices: []int{0}}}})
	if got := powerOf(samples, began, s, two); got != nil {
		t.Errorf("without samples of node1 there is %+v", got)
	}
	for i := range samples {
		samples[i].GPUs = append(samples[i].GPUs, artifacts.GPUSample{Host: "node1", Index: 0, Watts: watts(200)})
	}
	if got := powerOf(samples, began, s, two); got == nil || got.Watts != 300 {
		t.Errorf("got %+v of two hosts", got)
	}
	for why, s := range map[string]*aiperf.Summary{"no records": nil, "records without times": {Seconds: 4}} {
		if got := powerOf(samples, began, s, []artifacts.Device{{Index: 0}}); got != nil {
			t.Errorf("%s: %+v", why, got)
		}
	}
}

// A service that dies at once ends the collection, before the teardown looks for descendants; a wedged driver does not
// hold it up.
func TestCollectionEndsBeforeTheProof(t *testing.T) {
	witness := testbed.Audit(t)
	script := filepath.Join(t.TempDir(), "smi")
	if err := os.WriteFile(script, []byte("device 0 GPU-0\nhang\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, _ := newRunner(t, Options{Environ: append(witness.Env(), "LC_FAKE_NVIDIA_SMI="+script), Shepherd: testbed.Program(), NvidiaSMI: fakeSMI(t)})
	r.facts = r.newCollection(preflight.Topology{Profile: read(t, "a", "k", "")}, plan.Plan{Name: "a", Hardware: plan.Hardware{Devices: []int{0}, Within: time.Minute}})
	checks := r.facts.stopsBefore([]deploy.TeardownCheck{{Name: "t"}})
	r.facts.start(t.Context())
	testbed.Eventually(t, 30*time.Second, func() bool {
		return len(children(t)) >= 2 // a shepherd and its nvidia-smi
	})
	began := time.Now()
	if err := checks[0].Remove(); err != nil {
		t.Error(err)
	}
	if left := children(t); len(left) > 0 {
		t.Errorf("after %s: %v", time.Since(began), left)
	}
	p := r.facts.provenance(&Topology{Launches: 1}, deploy.Times{}, false)
	if len(p.Missing) == 0 || !p.Ready.IsZero() {
		t.Errorf("got %+v", p)
	}
}

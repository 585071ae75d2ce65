//go:build real || engines

package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"topobench/internal/artifacts"
)

// deathLimit bounds the time from a death to its event. It is generous for a busy machine; the
// benchmark DeathToSignal measures the time.
const deathLimit = 10 * time.Second

// kills kills a service, and returns its process and the time of the kill.
func (r *running) kills(service string) (victim event, at time.Time) {
	r.Helper()
	victim = r.first(service+" has started", func(e event) bool { return e.Service == service && e.PID != 0 })
	at = time.Now()
	r.check(syscall.Kill(victim.PID, syscall.SIGKILL))
	return victim, at
}

// dies checks that the run reports the death of a service soon, and under its name.
func (r *running) dies(service string, killed time.Time) {
	r.Helper()
	died := r.first("the run reports the death", func(e event) bool { return e.State == "died" })
	late := died.Time.Sub(killed)
	r.Logf("%s: reported after %v", service, late)
	if died.Service != service || late > deathLimit {
		r.Errorf("the death of %s was reported %v after the kill of %s", died.Service, late, service)
	}
}

// If discovery or the frontend dies in a cell, the load ends and the topology restarts. An
// interrupt during the restart leaves nothing behind. With real etcd, NATS and frontend.
func TestF16LongDiscoveryDies(t *testing.T) {
	for _, service := range []string{"etcd", "nats", "frontend"} {
		t.Run(service, func(t *testing.T) {
			r := newFixture(t).midCell("discovery: {etcd: none, nats: none}", "discovery: {etcd: start, nats: start}")
			_, killed := r.kills(service)
			r.dies(service, killed)
			r.startsAgain(service)
			r.lost(service)
			r.signal(syscall.SIGINT)
			r.ends(130)
			r.clean()
		})
	}
}

// lost checks that the attempt is invalid because the service died, and that its files stay.
func (r *running) lost(service string) {
	r.Helper()
	lost := r.first("the topology fails", func(e event) bool { return e.Event == "launch-lost" })
	if lost.Class != "worker-died" || !strings.HasPrefix(lost.Error, service+" died: killed by signal 9") {
		r.Errorf("the failure is %s: %s", lost.Class, lost.Error)
	}
	if kept, err := os.ReadDir(lost.Attempt); err != nil || len(kept) == 0 {
		r.Errorf("the attempt %q is not kept: %v, %v", lost.Attempt, kept, err)
	}
}

// startsAgain waits until a service has started a second time.
func (r *running) startsAgain(service string) {
	r.Helper()
	r.await(service+" starts again", func() bool {
		pids := map[int]bool{}
		for _, e := range r.journal() {
			if e.Service == service && e.PID != 0 {
				pids[e.PID] = true
			}
		}
		return len(pids) == 2
	})
}

// After a kill of nginx's master its workers keep serving on its port.
func TestF20LongNginxMasterDies(t *testing.T) {
	f := newFixture(t)
	profile := f.builtIn("demo-agg", "18080", "@20", "18101", "@21", "18102", "@22")
	r := f.start("run", "run", profile, "--osl", "300", "--concurrency", "1")
	r.first("the cell begins", func(e event) bool { return e.Event == "cell-begin" })
	master := r.first("nginx has started", func(e event) bool { return e.Service == "nginx" && e.PID != 0 })
	var workers int
	for _, p := range r.left() {
		if p.PPID == master.PID {
			workers++
		}
	}
	if workers == 0 {
		t.Fatalf("the test finds no workers of nginx: %v", r.left())
	}
	killed := time.Now()
	r.check(syscall.Kill(master.PID, syscall.SIGKILL))
	r.dies("nginx", killed)
	r.startsAgain("nginx") // it needs the port
	r.signal(syscall.SIGINT)
	r.ends(130)
	r.clean()
}

// If another program ends aiperf, none of aiperf's services stay, the cell is invalid, and the
// next cell is valid.
func TestF41LongAIPerfTerminated(t *testing.T) {
	r := newFixture(t).midCell("concurrency: [1]", "concurrency: [1, 2]")
	r.check(syscall.Kill(r.aiperf(), syscall.SIGTERM))
	r.ends(3)
	r.clean()
	for cell, want := range map[string]string{"-concurrency1": `"valid": false`, "-concurrency2": `"valid": true`} {
		verdict := r.read(filepath.Join(r.root, "artifacts_0", cell, artifacts.SidecarName))
		if !strings.Contains(verdict, want) {
			t.Errorf("the verdict of %s lacks %s: %s", cell, want, verdict)
		}
	}
}

// aiperf returns the pid of aiperf's first process. aiperf and its services set their own
// process titles.
func (r *running) aiperf() int {
	r.Helper()
	left := r.left()
	titled := map[int]bool{}
	for _, p := range left {
		titled[p.PID] = strings.HasPrefix(p.Comm, "aiperf")
	}
	for _, p := range left {
		if titled[p.PID] && !titled[p.PPID] {
			return p.PID
		}
	}
	r.Fatalf("the test finds no aiperf: %v", left)
	return 0
}

// midCell starts a run of disagg.yaml with cells of at least 15 s, and returns once the decode
// worker has a request of the first cell.
func (f fixture) midCell(oldNew ...string) *running {
	f.Helper()
	r := f.start("run", "run", f.disagg("mid-cell", oldNew...), "--osl", "300")
	r.first("the cell begins", func(e event) bool { return e.Event == "cell-begin" })
	r.await("the decode worker has a request of the cell", func() bool {
		return f.counter(f.ports+101, "dynamo_component_inflight_requests") > 0
	})
	if seen := r.left(); len(seen) < 5 { // topobench, frontend, two workers, aiperf
		f.Fatalf("the test does not find the running processes: %v", seen)
	}
	return r
}

// After the death of a worker the topology restarts, and the cell is measured again on the new
// topology.
func TestF30LongWorkerDies(t *testing.T) {
	r := newFixture(t).midCell()
	_, killed := r.kills("decode-0")
	r.dies("decode-0", killed)
	stdout := r.ends(0)
	r.clean()
	if want := "mid-cell failed and was restarted once"; !strings.Contains(stdout, want) {
		t.Errorf("stdout lacks %q:\n%s", want, stdout)
	}
	verdict := r.read(filepath.Join(r.root, "artifacts_0", "-concurrency1", artifacts.SidecarName))
	for _, want := range []string{`"valid": true`, "decode-0 died: killed by signal 9 (not by topobench)"} {
		if !strings.Contains(verdict, want) {
			t.Errorf("the verdict of the second attempt lacks %s: %s", want, verdict)
		}
	}
}

// After a kill of topobench the shepherds end every process. The temporary directory stays
// until a process opens the run; here that is finish.
func TestF55LongOrchestratorKilled(t *testing.T) {
	r := newFixture(t).midCell()
	r.signal(syscall.SIGKILL)
	<-r.ended
	killed := time.Now()
	r.gone(2 * time.Second)
	t.Logf("gone after %v", time.Since(killed))
	if cells := r.find(filepath.Join(r.root, "artifacts_0"), exportName); len(cells) > 0 {
		t.Errorf("an unfinished cell was published: %v", cells)
	}
}

// topobench does not publish an interrupted cell, and exits only after the proof.
func TestF50LongInterrupt(t *testing.T) {
	r := newFixture(t).midCell()
	r.signal(syscall.SIGINT)
	r.ends(130)
	r.clean()
	r.first("the teardown is proved", func(e event) bool { return e.Event == "teardown-proved" })
	if cells := r.find(filepath.Join(r.root, "artifacts_0"), exportName); len(cells) > 0 {
		t.Errorf("an interrupted cell was published: %v", cells)
	}
}

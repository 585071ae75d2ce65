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

// noticed is how soon a run must tell of a death, with room for all else that a busy machine does: how
// long it takes is for the benchmark DeathToSignal to say.
const noticed = 10 * time.Second

// kills ends a service by SIGKILL and returns its process and when it died.
func (r *running) kills(service string) (victim event, at time.Time) {
	r.Helper()
	victim = r.first(service+" has started", func(e event) bool { return e.Service == service && e.PID != 0 })
	at = time.Now()
	r.check(syscall.Kill(victim.PID, syscall.SIGKILL))
	return victim, at
}

// dies checks that the death of a service is told at once, and under its name.
func (r *running) dies(service string, killed time.Time) {
	r.Helper()
	died := r.first("the death is noticed", func(e event) bool { return e.State == "died" })
	late := died.Time.Sub(killed)
	r.Logf("%s: noticed after %v", service, late)
	if died.Service != service || late > noticed {
		r.Errorf("%s died, noticed %v after the kill of %s", died.Service, late, service)
	}
}

// Whatever a topology stands on may die in a cell: the load ends, the topology is
// made anew, and an interrupt then finds nothing it could leave. Real etcd, NATS
// and frontend.
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

// lost checks that the attempt does not count because the service died, and is kept.
func (r *running) lost(service string) {
	r.Helper()
	lost := r.first("the topology is lost", func(e event) bool { return e.Event == "launch-lost" })
	if lost.Class != "worker-died" || !strings.HasPrefix(lost.Error, service+" died: killed by signal 9") {
		r.Errorf("lost as %s: %s", lost.Class, lost.Error)
	}
	if kept, err := os.ReadDir(lost.Attempt); err != nil || len(kept) == 0 {
		r.Errorf("the attempt %q is not kept: %v, %v", lost.Attempt, kept, err)
	}
}

// startsAgain waits until a service has been started a second time.
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

// The workers of an nginx whose master was killed keep serving on its port.
func TestF20LongNginxMasterDies(t *testing.T) {
	f := newFixture(t)
	r := f.start("run", "run", f.builtIn("demo-agg", "18080", "@20", "18101", "@21", "18102", "@22"), "--osl", "300", "--concurrency", "1")
	r.first("the cell begins", func(e event) bool { return e.Event == "cell-begin" })
	master := r.first("nginx has started", func(e event) bool { return e.Service == "nginx" && e.PID != 0 })
	var workers int
	for _, p := range r.left() {
		if p.PPID == master.PID {
			workers++
		}
	}
	if workers == 0 {
		t.Fatalf("the test does not see the workers of nginx: %v", r.left())
	}
	killed := time.Now()
	r.check(syscall.Kill(master.PID, syscall.SIGKILL))
	r.dies("nginx", killed)
	r.startsAgain("nginx") // which needs the port
	r.signal(syscall.SIGINT)
	r.ends(130)
	r.clean()
}

// aiperf that is ended by somebody leaves none of its services, the cell does not
// count, and the next one does.
func TestF41LongAIPerfTerminated(t *testing.T) {
	r := newFixture(t).midCell("concurrency: [1]", "concurrency: [1, 2]")
	r.check(syscall.Kill(r.aiperf(), syscall.SIGTERM))
	r.ends(3)
	r.clean()
	for cell, want := range map[string]string{"-concurrency1": `"valid": false`, "-concurrency2": `"valid": true`} {
		if verdict := r.read(filepath.Join(r.root, "artifacts_0", cell, artifacts.SidecarName)); !strings.Contains(verdict, want) {
			t.Errorf("the verdict of %s lacks %s: %s", cell, want, verdict)
		}
	}
}

// aiperf is the pid of aiperf's first process; its title is its own, as those of
// its services are.
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
	r.Fatalf("the test does not see aiperf: %v", left)
	return 0
}

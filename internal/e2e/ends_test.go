//go:build real || engines

package e2e_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"topobench/internal/artifacts"
)

// midCell starts a run of disagg.yaml with cells of 15 s at least, and returns once
// the decode worker works for the first of them.
func (f fixture) midCell(oldNew ...string) *running {
	f.Helper()
	r := f.start("run", "run", f.disagg("mid-cell", oldNew...), "--osl", "300")
	r.first("the cell begins", func(e event) bool { return e.Event == "cell-begin" })
	r.await("the decode worker has a request of the cell", func() bool {
		return f.counter(f.ports+101, "dynamo_component_inflight_requests") > 0
	})
	if seen := r.left(); len(seen) < 5 { // topobench, frontend, two workers, aiperf
		f.Fatalf("the test does not see what runs: %v", seen)
	}
	return r
}

// A worker that dies is noticed at once; the topology is made anew, and the cell
// that counts is the one measured there.
func TestF30LongWorkerDies(t *testing.T) {
	r := newFixture(t).midCell()
	_, killed := r.kills("decode-0")
	r.dies("decode-0", killed)
	said := r.ends(0)
	r.clean()
	if want := "mid-cell failed and was restarted once"; !strings.Contains(said, want) {
		t.Errorf("stdout lacks %q:\n%s", want, said)
	}
	verdict := r.read(filepath.Join(r.root, "artifacts_0", "-concurrency1", artifacts.SidecarName))
	for _, want := range []string{`"valid": true`, "decode-0 died: killed by signal 9 (not by topobench)"} {
		if !strings.Contains(verdict, want) {
			t.Errorf("the verdict of the cell measured anew lacks %s: %s", want, verdict)
		}
	}
}

// Without topobench the shepherds end everything but its temporary directory, which
// falls to whoever opens the run next: finish.
func TestF55LongOrchestratorKilled(t *testing.T) {
	r := newFixture(t).midCell()
	r.signal(syscall.SIGKILL)
	<-r.ended
	killed := time.Now()
	r.gone(2 * time.Second)
	t.Logf("gone after %v", time.Since(killed))
	if cells := r.find(filepath.Join(r.root, "artifacts_0"), exportName); len(cells) > 0 {
		t.Errorf("a cell was published that had not ended: %v", cells)
	}
}

// An interrupted cell is not published, and the exit code is given after the proof.
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

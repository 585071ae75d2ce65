package e2e_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"topobench/internal/artifacts"
)

// midCell starts a run of disagg.yaml with cells of 15 s at least, and returns once
// the decode worker works for the first of them.
func (b bed) midCell(oldNew ...string) *running {
	b.Helper()
	r := b.start("run", "run", b.disagg("mid-cell", oldNew...), "--osl", "300")
	r.first("the cell begins", func(e event) bool { return e.Event == "cell-begin" })
	r.await("the decode worker has a request of the cell", func() bool {
		return b.counter(b.ports+101, "dynamo_component_inflight_requests") > 0
	})
	if seen := r.left(); len(seen) < 5 { // topobench, frontend, two workers, aiperf
		b.Fatalf("the witness does not see what runs: %v", seen)
	}
	return r
}

// A worker that dies is noticed at once; the topology is made anew, and the cell
// that counts is the one measured there.
func TestF30RealWorkerDies(t *testing.T) {
	r := newBed(t).midCell()
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
func TestF55RealOrchestratorKilled(t *testing.T) {
	r := newBed(t).midCell()
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
func TestF50RealInterrupt(t *testing.T) {
	r := newBed(t).midCell()
	r.signal(syscall.SIGINT)
	r.ends(130)
	r.clean()
	r.first("the teardown is proved", func(e event) bool { return e.Event == "teardown-proved" })
	if cells := r.find(filepath.Join(r.root, "artifacts_0"), exportName); len(cells) > 0 {
		t.Errorf("an interrupted cell was published: %v", cells)
	}
}

// The balancer of the baseline spreads requests over both engines.
func TestRealBalancer(t *testing.T) {
	for _, config := range []string{"guide", "tuned"} {
		t.Run(config, func(t *testing.T) {
			b := newBed(t)
			r := b.start("up", "up", b.builtIn("demo-agg", "18080", "@20", "18101", "@21", "18102", "@22", "config: guide", "config: "+config))
			r.awaitUp(b.ports + 20)
			requests := func(worker int) float64 { return b.counter(b.ports+100+worker, "dynamo_component_requests_total") }
			before := []float64{requests(0), requests(1)}
			const n = 20
			b.check(askAtOnce(n, fmt.Sprintf("http://127.0.0.1:%d", b.ports+20)))
			first, second := 0.0, 0.0
			r.await("the engines have counted all requests", func() bool {
				first, second = requests(0)-before[0], requests(1)-before[1]
				return first+second == n
			})
			if min(first, second) < n/4 {
				t.Errorf("the engines served %v and %v of %d requests", first, second, n)
			}
			r.signal(syscall.SIGINT)
			r.ends(130)
			r.clean()
		})
	}
}

// askAtOnce sends n small completions at once, and joins what went wrong.
func askAtOnce(n int, url string) error {
	results := make(chan error, n)
	for range n {
		go func() { results <- complete(url) }()
	}
	var faults []error
	for range n {
		faults = append(faults, <-results)
	}
	return errors.Join(faults...)
}

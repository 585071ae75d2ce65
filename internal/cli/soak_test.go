package cli_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"topobench/internal/testbed"
)

var soakRuns = flag.Int("soak.runs", 5, "how many topologies the soak measures, one after another")

// counts is what a process has at one moment.
type counts struct{ goroutines, files, children, heap, kib int }

// count is called in topobench when no service of a topology runs: what it then has,
// it keeps. Heap and resident memory, in KiB, are what is left after a collection.
func count() {
	debug.FreeOSMemory()
	c := counts{goroutines: runtime.NumGoroutine()}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	c.heap = int(m.HeapAlloc >> 10)
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		panic(err)
	}
	c.files = len(files)
	lists, _ := filepath.Glob("/proc/self/task/*/children") // the pattern is well formed
	for _, list := range lists {
		pids, _ := os.ReadFile(list) // of a thread that ended there are none
		c.children += len(strings.Fields(string(pids)))
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		panic(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	fmt.Sscan(rest, &c.kib)
	f, err := os.OpenFile("counts", os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err == nil {
		_, err = fmt.Fprintln(f, c.goroutines, c.files, c.children, c.heap, c.kib)
	}
	if err != nil || f.Close() != nil {
		panic(err)
	}
}

// One process measures many topologies: descriptors, goroutines, children (a zombie
// is one) and memory are in the end what they were near the beginning.
func TestF5ISoak(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("processes are started on Linux only")
	}
	t.Parallel()
	s := newWorkspace(t)
	argv := []string{"topobench", "run", "--artifacts-root-dir", "root"}
	for n := range *soakRuns {
		name := fmt.Sprintf("s%d", n)
		text := strings.ReplaceAll(s.text("one.yaml"), "name: one\nkind: fake", "name: "+name+"\nkind: "+name)
		if err := os.WriteFile(filepath.Join(s.dir, name+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		argv = append(argv, name+".yaml")
	}
	if _, err := s.launch("it", append(paths(), "LC_AT=count plan 0"), argv...); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.running["it"].ended:
	case <-time.After(patience + time.Duration(*soakRuns)*5*time.Second):
	}
	code, err := s.code("it")
	if err != nil || code != 0 {
		t.Fatalf("exit code %d, %v:\n%s", code, err, s.text("it.err"))
	}
	s.gone(t, 0)
	all := s.counts(t)
	// From the second of five on, one goroutine a topology is too many.
	n := min(20, (len(all)-1)/3)
	early, last := all[n], all[len(all)-1]
	t.Logf("goroutines, descriptors, children, KiB of heap, KiB: %v in topology %d, %v in topology %d",
		early, n, last, len(all)-1)
	// A result is kept of each topology, of some KiB. The race detector's own memory,
	// which is not of the heap, grows by more than that.
	if last.heap-early.heap > 16*len(all) || last.kib-early.kib > 32<<10 || last.goroutines > early.goroutines+2 || last.files > early.files || last.children > 0 {
		t.Errorf("it grows: %v, %v", early, last)
	}
}

func (s *workspace) counts(t *testing.T) (all []counts) {
	t.Helper()
	for line := range strings.Lines(s.text("counts")) {
		var c counts
		if _, err := fmt.Sscan(line, &c.goroutines, &c.files, &c.children, &c.heap, &c.kib); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	if len(all) != *soakRuns {
		t.Fatalf("%d counts of %d topologies", len(all), *soakRuns)
	}
	return all
}

// BenchmarkKillWithAStubbornTree is the time from kill -9 of topobench until none of
// 21 stubborn processes, and no shepherd, lives. Run it with -benchtime 50x.
func BenchmarkKillWithAStubbornTree(b *testing.B) {
	var took []time.Duration
	for b.Loop() {
		b.StopTimer()
		s, err := build(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.launch("it", append(paths(), "LC_CHILDREN="+strings.Repeat("stubborn ", 20), "LC_FAKE_WORKER=stubborn"),
			"topobench", "up", "one.yaml", "--artifacts-root-dir", "root"); err != nil {
			b.Fatal(err)
		}
		up := func() bool { return strings.Contains(s.text("it.err"), "is up: ") && len(s.find("a grandchild")) == 20 }
		testbed.Eventually(b, patience, up)
		began := time.Now()
		b.StartTimer()
		if err := s.running["it"].cmd.Process.Kill(); err != nil {
			b.Fatal(err)
		}
		testbed.Eventually(b, patience, func() bool { return len(testbed.Carriers(s.mark)) == 0 })
		took = append(took, time.Since(began))
		b.StopTimer()
		s.close(b)
		b.StartTimer()
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Milliseconds()), "ms-median")
	b.ReportMetric(float64(took[len(took)-1].Milliseconds()), "ms-worst")
}

// BenchmarkTeardownOfAStubbornTree is the time from the end of the grace until a real
// teardown, with every witness, has proved that 21 stubborn processes are gone, by the
// journal. Run it with -benchtime 50x.
func BenchmarkTeardownOfAStubbornTree(b *testing.B) {
	const grace = 500 * time.Millisecond
	var took []time.Duration
	for b.Loop() {
		s, err := build(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		text := s.text("one.yaml") + fmt.Sprintf("timeouts: {grace: %s}\n", grace)
		if err := os.WriteFile(filepath.Join(s.dir, "one.yaml"), []byte(text), 0o600); err != nil {
			b.Fatal(err)
		}
		it, err := s.launch("it", append(paths(), "LC_CHILDREN="+strings.Repeat("stubborn ", 20), "LC_FAKE_WORKER=stubborn"),
			"topobench", "up", "one.yaml", "--artifacts-root-dir", "root")
		if err != nil {
			b.Fatal(err)
		}
		testbed.Eventually(b, patience, func() bool { return strings.Contains(s.text("it.err"), "is up: ") && len(s.find("a grandchild")) == 20 })
		if err := it.cmd.Process.Signal(syscall.SIGINT); err != nil {
			b.Fatal(err)
		}
		if code, err := s.code("it"); err != nil || code != 130 {
			b.Fatalf("exit code %d, %v:\n%s", code, err, s.text("it.err"))
		}
		told, proved := s.when(b, `"service":"aggregated-0","state":"stopping"`), s.when(b, `"event":"teardown-proved"`)
		took = append(took, proved.Sub(told)-grace)
		s.close(b)
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Milliseconds()), "ms-median")
	b.ReportMetric(float64(took[len(took)-1].Milliseconds()), "ms-worst")
}

// when is the time of the first line of the run's journal with these words.
func (s *workspace) when(t testing.TB, words string) time.Time {
	t.Helper()
	for line := range strings.Lines(s.text(s.glob("root/.topobench/*/journal.ndjson")[0])) {
		var e struct{ Time time.Time }
		if strings.Contains(line, words) && json.Unmarshal([]byte(line), &e) == nil {
			return e.Time
		}
	}
	t.Fatalf("the journal has no %s", words)
	return time.Time{}
}

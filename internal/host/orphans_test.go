package host_test

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/proc"
	"topobench/internal/testbed"
)

// The orchestrator is killed in whatever way: its services and what got away
// from them by setsid and double fork are gone within two seconds.
func TestF55OrchestratorKilled(t *testing.T) {
	rounds := 3
	var took []time.Duration
	for range rounds {
		took = append(took, killOrchestrator(newBed(t)))
	}
	slices.Sort(took)
	t.Logf("all gone after: median %v, worst %v", took[rounds/2], took[rounds-1])
	// The middle one: a busy machine may hold up a single round.
	if took[rounds/2] > 2*time.Second {
		t.Errorf("took %v", took)
	}
}

// killOrchestrator returns the time from the kill to the end of the last process.
func killOrchestrator(b bed) time.Duration {
	b.Helper()
	orchestrator, lines := startOrchestrator(b)
	for range 2 { // two services
		if !lines.Scan() {
			b.Fatal("the orchestrator ended early")
		}
	}
	// Itself, and for each service the shepherd, the child, its grandchild.
	if got := len(b.Living()); got != 7 {
		b.Fatalf("%d processes, want 7: %v", got, b.Living())
	}
	begin := time.Now()
	if err := orchestrator.Kill(); err != nil {
		b.Fatal(err)
	}
	if _, err := orchestrator.Wait(); err != nil {
		b.Fatal(err)
	}
	testbed.Eventually(b, soon, func() bool { return len(b.Living()) == 0 })
	return time.Since(begin)
}

func startOrchestrator(b bed) (*os.Process, *bufio.Scanner) {
	b.Helper()
	out, in, err := os.Pipe()
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close()
	b.Cleanup(func() { out.Close() })
	p, err := os.StartProcess(os.Args[0], []string{os.Args[0], "orchestrator", b.dir}, &os.ProcAttr{
		Env: b.Env(), Files: []*os.File{nil, in, os.Stderr},
	})
	if err != nil {
		b.Fatal(err)
	}
	return p, bufio.NewScanner(out)
}

// Signals that a terminal sends to everybody do not reach the child, and do not
// end its shepherd.
func TestATerminalsSignalsStopAtTheShepherd(t *testing.T) {
	b := newBed(t)
	c := b.start(b.spec("svc", "sleep"), "ready")
	shepherd := b.shepherdOf(c)
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGTSTP, syscall.SIGPIPE} {
		if err := syscall.Kill(shepherd, sig); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-c.Done():
		t.Errorf("the child ended: %v", c.Exit())
	case <-time.After(100 * time.Millisecond):
	}
	if err := syscall.Kill(shepherd, syscall.SIGTERM); err != nil { // an orderly stop
		t.Fatal(err)
	}
	if exit := b.done(c); exit.Signal != syscall.SIGTERM || !exit.Stopped {
		t.Errorf("got %+v", exit)
	}
	b.stop(c)
}

func TestLeftoversNamesAnOrphanAndNotAService(t *testing.T) {
	b := newBed(t)
	c := b.start(b.spec("svc", "sleep"), "ready")
	left, err := host.Leftovers()
	if err != nil || len(left) > 0 {
		t.Fatalf("a running service is no leftover: %v, %v", left, err)
	}
	orphan, err := os.StartProcess("/bin/sleep", []string{"sleep", "60"}, &os.ProcAttr{Env: b.Env()})
	if err != nil {
		t.Fatal(err)
	}
	// The name is "sleep" once it has executed.
	testbed.Eventually(t, soon, func() bool {
		left, err = host.Leftovers()
		return err == nil && len(left) == 1 && left[0].Comm == "sleep"
	})
	if got, want := left[0].String(), fmt.Sprintf("%d (sleep)", orphan.Pid); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if left, err := host.LeftoversOfInit(); err != nil || len(left) > 0 {
		t.Errorf("pid 1 of a container takes for its own what fell to it: %v, %v", left, err)
	}
	if err := orphan.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := orphan.Wait(); err != nil {
		t.Fatal(err)
	}
	b.stop(c)
	if left, err := host.Leftovers(); err != nil || len(left) > 0 {
		t.Errorf("leftovers %v, %v", left, err)
	}
}

// When a shepherd was killed, what fell to this process goes with its tree; where this
// process is pid 1 that may be a stranger's, as by docker exec, and lives on.
func TestOrphansOfInitHangFromTheChild(t *testing.T) {
	b := newBed(t)
	c := b.start(b.spec("svc", "leader"))
	b.ready("svc", 2)
	stranger, err := os.StartProcess("/bin/sleep", []string{"sleep", "60"}, &os.ProcAttr{Env: b.Env()})
	if err != nil {
		t.Fatal(err)
	}
	testbed.Eventually(t, soon, func() bool {
		p, err := proc.Read(stranger.Pid)
		return err == nil && p.Comm == "sleep"
	})
	all, err := proc.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ pid1, hit bool }{{false, true}, {true, false}} {
		has := map[int]bool{}
		for _, p := range c.Orphans(all, row.pid1) {
			has[p.PID] = true
		}
		if !has[c.PID()] || len(has) < 2 || has[stranger.Pid] != row.hit {
			t.Errorf("pid 1: %v: it would end %v; the child is %d, the stranger %d", row.pid1, has, c.PID(), stranger.Pid)
		}
	}
	if err := stranger.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := stranger.Wait(); err != nil {
		t.Fatal(err)
	}
	b.stop(c)
}

// Where a shepherd was killed, what its tree leaves are zombies of this process, which
// show no arguments. Looking at them costs no patience: 400 took 2 s.
func TestLeftoversIsQuickAmongZombies(t *testing.T) {
	b := newBed(t)
	var zombies []*os.Process
	for range 400 {
		p, err := os.StartProcess("/bin/true", []string{"true"}, &os.ProcAttr{Env: b.Env()})
		if err != nil {
			t.Fatal(err)
		}
		zombies = append(zombies, p)
	}
	testbed.Eventually(t, soon, func() bool { return len(b.Living()) == 0 })
	began := time.Now()
	if left, err := host.Leftovers(); err != nil || len(left) > 0 {
		t.Errorf("leftovers %v, %v", left, err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %v", took)
	}
	for _, p := range zombies {
		if _, err := p.Wait(); err != nil {
			t.Error(err)
		}
	}
}

// The costs of a child; run with -bench to see them.
func BenchmarkStartToStarted(b *testing.B) {
	bed := newBed(b)
	spec := bed.spec("svc", "sleep")
	spec.Argv = []string{"/bin/sleep", "60"}
	for b.Loop() {
		c, err := host.Starter{}.Start(spec)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		bed.stop(c)
		b.StartTimer()
	}
}

func BenchmarkKillToDone(b *testing.B) {
	bed := newBed(b)
	spec := bed.spec("svc", "sleep")
	spec.Argv = []string{"/bin/sleep", "60"}
	for b.Loop() {
		b.StopTimer()
		c, err := host.Starter{}.Start(spec)
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if err := syscall.Kill(c.PID(), syscall.SIGKILL); err != nil {
			b.Fatal(err)
		}
		<-c.Done()
		b.StopTimer()
		bed.stop(c)
		b.StartTimer()
	}
}

func BenchmarkOrchestratorKilled(b *testing.B) {
	var took []time.Duration
	for b.Loop() {
		took = append(took, killOrchestrator(newBed(b)))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Milliseconds()), "ms-median")
	b.ReportMetric(float64(took[len(took)-1].Milliseconds()), "ms-worst")
}

func openFiles(t *testing.T) int {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

func goroutineCount() int { return runtime.NumGoroutine() }

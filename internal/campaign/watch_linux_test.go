package campaign

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"topobench/internal/plan"
	"topobench/internal/process"
	"topobench/internal/ready"
	"topobench/internal/testbed"
)

// What the watch of a cell costs, as a share of one core, at one question a second
// to each of 64 workers, which run elsewhere:
//
//	go test -run '^$' -bench WatchCost -benchtime 100x ./internal/campaign
func BenchmarkWatchCost(b *testing.B) {
	const workers = 64
	witness, log := testbed.Audit(b), filepath.Join(b.TempDir(), "log")
	child, err := process.Starter{Exe: os.Args[0]}.Start(process.Spec{Name: "workers", Argv: testbed.Argv("healthy", "64"), Env: witness.Env(), Log: log})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := child.Stop(b.Context()); err != nil {
			b.Error(err)
		}
	})
	var services []plan.Service
	testbed.Eventually(b, 10*time.Second, func() bool {
		text, err := os.ReadFile(log)
		return err == nil && strings.Contains(string(text), "ready")
	})
	text, err := os.ReadFile(log)
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if address, is := strings.CutPrefix(strings.TrimSpace(line), "serving on "); is {
			services = append(services, plan.Service{Name: address, Gate: plan.Gate{Kind: plan.GateWorker, Address: address}})
		}
	}
	began := cpuTime(b)
	for b.Loop() {
		if missing := ready.Standing(b.Context(), services); len(missing) > 0 || len(services) != workers {
			b.Fatalf("%d asked, %v", len(services), missing)
		}
	}
	used := (cpuTime(b) - began) / time.Duration(b.N)
	b.ReportMetric(100*used.Seconds()/watchEvery.Seconds(), "%core")
}

// cpuTime is what this process has used of the CPU.
func cpuTime(t testing.TB) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

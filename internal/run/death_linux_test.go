package run

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/deploy"
	"topobench/internal/host"
	"topobench/internal/plan"
	"topobench/internal/testbed"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 3 && os.Args[1] == runAgent {
		if err := agentProcess(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	testbed.Main(m)
}

// death kills a worker in a cell and returns how long it took until aiperf, which
// says so in its log, was interrupted.
func death(t testing.TB) time.Duration {
	t.Helper()
	witness, dir := testbed.Audit(t), t.TempDir()
	starter := host.Starter{Exe: testbed.Program()}
	s, err := deploy.Target{Plan: plan.Plan{Name: "t", Services: []plan.Service{{Name: "a", Role: plan.Aggregated,
		Argv: testbed.Argv("sleep"), Env: witness.Env(), Log: filepath.Join(dir, "a.log"), Grace: time.Second}}},
		Options: deploy.Options{Environ: os.Environ(), Host: host.Local{Starter: starter}, Force: t.Context(),
			Await: func(context.Context, plan.Service, func(string)) (time.Time, error) { return time.Now(), nil }}}.Up(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	program, log := filepath.Join(dir, "aiperf"), filepath.Join(dir, "aiperf.log")
	if err := os.WriteFile(program, fmt.Appendf(nil, "#!/bin/sh\nexec '%s' child interrupted\n", testbed.Program()), 0o700); err != nil {
		t.Fatal(err)
	}
	said := func(words string) bool {
		text, err := os.ReadFile(log)
		return err == nil && strings.Contains(string(text), words)
	}
	took := make(chan time.Duration, 1)
	go func() {
		testbed.Soon(10*time.Second, func() bool { return said("leader ready") })
		killed := kill(t, s)
		testbed.Soon(10*time.Second, func() bool { return said("leader interrupted") })
		took <- time.Since(killed)
	}()
	o, err := aiperf.Run(s.Context(), host.Local{Starter: starter}, aiperf.Job{Name: "aiperf", Load: aiperf.Load{AIPerf: program}, Concurrency: 1,
		Dir: dir, Log: log, Env: append(os.Environ(), witness.Env()...), Progress: func(aiperf.Progress) {}, Force: t.Context()})
	if err != nil || !strings.HasPrefix(o.Problem, "a died: killed by signal 9") {
		t.Errorf("got %+v, %v", o, err)
	}
	if err := s.Down(t.Context()); err != nil {
		t.Error(err)
	}
	return <-took
}

// kill ends the only service of a stack and says when.
func kill(t testing.TB, s *deploy.Stack) time.Time {
	members, err := s.Processes()
	now := time.Now()
	if err != nil || len(members) != 1 {
		t.Errorf("members: %v, %v", members, err)
	} else if err := syscall.Kill(members[0].Leader.PID, syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	return now
}

// A load on the survivors would be of no use to anybody.
func TestF30DeathEndsTheLoadAtOnce(t *testing.T) {
	if took := death(t); took > 2*time.Second { // on a machine that is busy; the benchmark has the figure
		t.Errorf("aiperf was interrupted %s after the death of a worker", took)
	}
}

// go test -run '^$' -bench DeathToSignal -benchtime 50x ./internal/run
func BenchmarkDeathToSignal(b *testing.B) {
	var all []time.Duration
	for range b.N {
		all = append(all, death(b))
	}
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "median-ms")
	b.ReportMetric(float64(all[len(all)-1].Microseconds())/1000, "worst-ms")
}

package run

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"topobench/internal/aiperf"
	"topobench/internal/deploy"
	"topobench/internal/host/proc"
	"topobench/internal/monitor"
	"topobench/internal/plan"
	"topobench/internal/testbed"
)

// What the watch of a cell costs, as a share of one core: topobench's own CPU and that of
// all shepherds, with 64 workers of a process each, an aiperf, and the samples of the teardown checks. What the workers
// need to answer is not counted. An iteration is a second:
//
//	go test -run '^$' -bench WatchCost -benchtime 60x ./internal/run
func BenchmarkWatchCost(b *testing.B) {
	c, _ := newRunner(b, Options{Environ: os.Environ(), Shepherd: testbed.Program(), LogCap: 1 << 30, Reserve: 1})
	services := healthy(b, 64)
	checks, err := c.leftoverChecks()
	if err != nil {
		b.Fatal(err)
	}
	up, err := deploy.Target{Plan: plan.Plan{Name: "t", Services: services}, Options: deploy.Options{Environ: c.Environ, Host: c.here.host,
		Force: b.Context(), Checks: checks}}.Up(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	watch, err := c.monitor(plan.Plan{Services: services}, up, nil).Start(c.WatchDisk(up.Context()))
	if err != nil {
		b.Fatal(err)
	}
	measured := measures(b, c, watch)
	shepherds := proc.Children()
	if len(shepherds) != len(services)+1 {
		b.Fatalf("%d shepherds of %d workers and an aiperf", len(shepherds), len(services))
	}
	cpu := func() (sum time.Duration) {
		for _, pid := range append(shepherds, os.Getpid()) {
			sum += cpuTime(b, pid)
		}
		return sum
	}
	own, all, second := cpuTime(b, os.Getpid()), cpu(), time.NewTicker(time.Second)
	for b.Loop() {
		<-second.C
	}
	percent := func(d time.Duration) float64 { return 100 * d.Seconds() / b.Elapsed().Seconds() }
	b.ReportMetric(percent(cpu()-all), "%core")
	b.ReportMetric(percent(cpuTime(b, os.Getpid())-own), "%core-own")
	if err := watch.Context().Err(); err != nil {
		b.Errorf("the watch has ended: %v", err)
	}
	measured()
	if _, err := watch.Stop(up.Context()); err != nil {
		b.Error(err)
	}
	c.disk.release()
	if err := up.Down(b.Context()); err != nil {
		b.Error(err)
	}
}

// healthy are n services that serve nothing but their health.
func healthy(b *testing.B, n int) (services []plan.Service) {
	b.Helper()
	witness, dir := testbed.Audit(b), b.TempDir()
	for i := range n {
		l, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		defer l.Close() // the ports are different ones while all are held
		address, name := l.Addr().String(), fmt.Sprintf("worker-%d", i)
		services = append(services, plan.Service{Name: name, Role: plan.Decode, Argv: testbed.Argv("healthy", address), Env: witness.Env(),
			Log: filepath.Join(dir, name+".log"), Grace: time.Second, Gate: plan.Gate{Kind: plan.GateWorker, Address: address, Deadline: time.Minute}})
	}
	return services
}

// measures runs a cell of which no request completes, until the function that it returns is called.
func measures(b *testing.B, c *Runner, watch *monitor.Watch) (end func()) {
	b.Helper()
	dir := b.TempDir()
	program, log := filepath.Join(dir, "aiperf"), filepath.Join(dir, "log")
	if err := os.WriteFile(program, fmt.Appendf(nil, "#!/bin/sh\nexec '%s' child sleep\n", testbed.Program()), 0o700); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(watch.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := aiperf.Run(ctx, c.here.host, aiperf.Job{Name: "aiperf", Load: aiperf.Load{AIPerf: program}, Concurrency: 1, Dir: dir, Log: log,
			Env: c.Environ, Started: watch.Client, Progress: func(aiperf.Progress) {}, Force: c.Force})
		ended <- err
	}()
	testbed.Eventually(b, 10*time.Second, func() bool {
		text, err := os.ReadFile(log)
		return err == nil && strings.Contains(string(text), "ready")
	})
	return func() {
		cancel(errors.New("that is enough"))
		if err := <-ended; err != nil {
			b.Error(err)
		}
	}
}

// cpuTime is what a process, all its threads, has used of the CPU, for itself and in
// the kernel: CLOCK_PROCESS_CPUTIME_ID of another one, as glibc's clock_getcpuclockid
// makes it.
func cpuTime(b *testing.B, pid int) time.Duration {
	b.Helper()
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|2), &t); err != nil {
		b.Fatal(err)
	}
	return time.Duration(t.Nano())
}

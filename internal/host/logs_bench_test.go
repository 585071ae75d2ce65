package host_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"topobench/internal/host"
	"topobench/internal/testbed"
)

// BenchmarkLogs reports the most memory this process ever held while four children wrote 1 GiB of logs, and how much
// more that is than before.
// Run it alone and once: what ran before counts too, and a log is appended to.
func BenchmarkLogs(b *testing.B) {
	const each = 256 // MiB
	bed := newBed(b)
	before := peakMiB(b)
	for b.Loop() {
		var children []*host.Child
		for _, name := range []string{"one", "two", "three", "four"} {
			children = append(children, bed.start(bed.spec(name, "flood", strconv.Itoa(each))))
		}
		for _, c := range children {
			bed.done(c)
			if info, err := os.Stat(filepath.Join(bed.dir, c.Name()+".log")); err != nil || info.Size() < each<<20 {
				b.Errorf("%s: %v, %v", c.Name(), info, err)
			}
		}
	}
	b.ReportMetric(peakMiB(b), "peak-MiB")
	b.ReportMetric(peakMiB(b)-before, "more-MiB")
}

// BenchmarkLogCap is what keeping a log small costs the child that floods it: its MB/s,
// the MiB of the log that are on the disk in the end, and the most memory that this
// process ever held.
func BenchmarkLogCap(b *testing.B) {
	const size = 4096 // MiB: so that the log is cut while it is written
	for _, limit := range []int64{0, 256 << 20} {
		b.Run(fmt.Sprintf("cap=%dMiB", limit>>20), func(b *testing.B) {
			bed := newBed(b)
			logs := host.NewLogs(limit)
			b.SetBytes(size << 20)
			for b.Loop() {
				ctx, cancel := context.WithCancel(b.Context())
				var kept sync.WaitGroup
				kept.Go(func() { logs.Keep(ctx, func(host.Hole) {}) })
				spec := bed.spec("svc", "flood", strconv.Itoa(size))
				c, err := host.Starter{Exe: testbed.Program(), Logs: logs}.Start(spec)
				if err != nil {
					b.Fatal(err)
				}
				bed.done(c)
				bed.stop(c)
				cancel()
				kept.Wait()
				_, taken := onDisk(b, spec.Log)
				b.ReportMetric(float64(taken)/(1<<20), "MiB-on-disk")
				if err := os.Remove(spec.Log); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(peakMiB(b), "peak-MiB")
		})
	}
}

// peakMiB is the high-water mark of this process's resident memory: VmHWM of proc_pid_status(5), in KiB.
func peakMiB(b *testing.B) float64 {
	b.Helper()
	for line := range strings.Lines(string(readFile("/proc/self/status"))) {
		if name, value, _ := strings.Cut(line, ":"); name == "VmHWM" {
			kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
			if err != nil {
				b.Fatal(err)
			}
			return float64(kib) / 1024
		}
	}
	b.Fatal("no VmHWM in /proc/self/status")
	return 0
}

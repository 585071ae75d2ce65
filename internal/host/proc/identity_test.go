package proc_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"topobench/internal/host/proc"
	"topobench/internal/testbed"
)

// Each witness sees what another one misses.
func TestWitnessesComplementEachOther(t *testing.T) {
	dir := t.TempDir()
	self, err := proc.Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	marked := start(t, 1, "sleep")
	titled := start(t, 1, "titled")
	log, err := os.OpenFile(dir+"/svc.log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	writer, err := os.StartProcess("/bin/sleep", []string{"sleep", "60"}, &os.ProcAttr{Files: []*os.File{nil, log, log}})
	if err != nil {
		t.Fatal(err)
	}
	pid := writer.Pid
	if err := writer.Release(); err != nil {
		t.Fatal(err)
	}
	trace := proc.RunIdentity{Cookie: "KEY=a value", Dirs: []string{dir}, Since: self.Ticks, Started: []proc.Proc{titled}}
	all, err := proc.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		witness string
		seen    []proc.Proc
		want    []int
	}{
		{"the mark", trace.ByCookie(all), []int{marked.PID}},
		{"open files", trace.ByOpenFiles(all), []int{pid}},
		{"the ledger", trace.ByLedger(all), []int{titled.PID}},
		{"all together", trace.Any(all), []int{marked.PID, titled.PID, pid}},
	} {
		var got []int
		for _, p := range row.seen {
			got = append(got, p.PID)
		}
		slices.Sort(got)
		slices.Sort(row.want)
		if !slices.Equal(got, row.want) {
			t.Errorf("%s: sees %v, want %v", row.witness, got, row.want)
		}
	}
	if table := proc.Table(trace.ByOpenFiles(all), nil); len(table) != 2 || !strings.Contains(table[1], " svc ") || !strings.HasSuffix(table[1], "sleep 60") {
		t.Errorf("table\n%s", strings.Join(table, "\n"))
	}
}

// Who writes a deleted log on NFS is of the run, who writes an editor's file is not.
func TestWritersWithADot(t *testing.T) {
	dir := t.TempDir()
	self, err := proc.Read(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	witness := testbed.Audit(t)
	for _, row := range []struct {
		name string
		want bool
	}{{"svc.log", true}, {".nfs0000000000a1b2c300000001", true}, {".svc.log.swp", false}} {
		log, err := os.Create(dir + "/" + row.name)
		if err != nil {
			t.Fatal(err)
		}
		writer, err := os.StartProcess("/bin/sleep", []string{"sleep", "60"}, &os.ProcAttr{Env: witness.Env(), Files: []*os.File{nil, log}})
		if err != nil {
			t.Fatal(err)
		}
		log.Close()
		trace := proc.RunIdentity{Dirs: []string{dir}, Since: self.Ticks}
		all, err := proc.Snapshot()
		seen := slices.ContainsFunc(trace.ByOpenFiles(all), func(p proc.Proc) bool { return p.PID == writer.Pid })
		if err != nil || seen != row.want {
			t.Errorf("who writes %s is seen: %v (%v)", row.name, seen, err)
		}
		if err := writer.Kill(); err != nil {
			t.Error(err)
		}
		if _, err := writer.Wait(); err != nil {
			t.Error(err)
		}
	}
}

func TestTableNamesTheServiceAndBoundsTheCommand(t *testing.T) {
	p := start(t, 1, "sleep", strings.Repeat("long", 100), "\x1b[2J")
	name := func(q proc.Proc) string { return fmt.Sprintf("svc-%t", q.Same(p)) }
	table := proc.Table([]proc.Proc{p, {PID: 1 << 30, State: 'D', Comm: "gone"}}, name)
	if len(table) != 3 || !strings.HasPrefix(table[0], "PID ") {
		t.Fatalf("table\n%s", strings.Join(table, "\n"))
	}
	if !strings.Contains(table[1], " svc-true ") || len(table[1]) > 300 || strings.Contains(table[1], "\x1b") {
		t.Errorf("row %q", table[1])
	}
	if !strings.Contains(table[2], " svc-false ") || !strings.HasSuffix(table[2], " [gone]") || !strings.Contains(table[2], " D ") {
		t.Errorf("row %q", table[2])
	}
	if proc.Table(nil, name) != nil {
		t.Error("no process is no table")
	}
}

func TestBootIsTheSameTwice(t *testing.T) {
	one, err := proc.Boot()
	other, err2 := proc.Boot()
	if err != nil || err2 != nil || one != other || len(one) < 32 {
		t.Errorf("%q %v, %q %v", one, err, other, err2)
	}
}

// The cost of a look at a machine with 2,000 processes, none of which is older than
// the run (the worst case) or all of which are (the usual one).
func BenchmarkSeen2000(b *testing.B) {
	witness := testbed.Audit(b)
	for range 2000 {
		p, err := os.StartProcess("/bin/sleep", []string{"sleep", "60"}, &os.ProcAttr{Env: witness.Env()})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { p.Kill(); p.Wait() })
	}
	self, err := proc.Read(os.Getpid())
	if err != nil {
		b.Fatal(err)
	}
	for _, row := range []struct {
		name  string
		since uint64
	}{{"younger", self.Ticks}, {"older", self.Ticks + uint64(time.Hour/(10*time.Millisecond))}} {
		b.Run(row.name, func(b *testing.B) {
			trace := proc.RunIdentity{Cookie: "A=b", Dirs: []string{b.TempDir(), "/tmp/tb-0"}, Since: row.since}
			before, looks := cpu(b), 0
			for b.Loop() {
				all, err := proc.Snapshot()
				if err != nil {
					b.Fatal(err)
				}
				if seen := trace.Any(all); len(seen) > 0 {
					b.Fatal(seen)
				}
				looks++
			}
			b.ReportMetric(float64((cpu(b)-before).Microseconds())/1000/float64(looks), "cpu-ms/op")
		})
	}
}

// cpu is the time that this process has had on a CPU, which others do not lengthen.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

package run

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"topobench/internal/plan"
	"topobench/internal/verdict"
)

// One read of /proc/stat of a two-core machine, shortened.
const procStat = "cpu  100 5 50 800 40 1 4 0 7 0\ncpu0 50 2 25 400 20 0 2 0 3 0\nintr 1 2\n"

func TestF36MachineWithoutCPU(t *testing.T) {
	if got, want := parseCPU(procStat), (cpuTimes{idle: 840, all: 1000}); got != want {
		t.Errorf("got %+v, want %+v: idle and iowait of all but the guests' time", got, want)
	}
	for _, text := range []string{"", "cpu", "cpu  1 2 3 x 5 6 7 8\n", "intr 1 2 3 4 5 6 7 8 9"} {
		if got := parseCPU(text); got != (cpuTimes{}) {
			t.Errorf("%q: got %+v", text, got)
		}
	}
	for _, row := range []struct {
		why  string
		cpu  cpuTimes
		want string
	}{
		{"4 % were left", cpuTimes{idle: 40, all: 1000}, "no CPU left (4.0 % idle)"},
		{"half was left", cpuTimes{idle: 500, all: 1000}, ""},
		{"a moment is too short to tell", cpuTimes{idle: 0, all: 20}, ""},
		{"not known at all", cpuTimes{}, ""},
	} {
		checks := findings{cpu: row.cpu}.checks()
		if row.want == "" && len(checks) > 0 {
			t.Errorf("%s: %+v", row.why, checks)
		}
		if row.want != "" && (len(checks) != 1 || !strings.Contains(checks[0].Detail, row.want) || checks[0].State != verdict.Valid) {
			t.Errorf("%s: %+v, want a note with %q", row.why, checks, row.want)
		}
	}
}

// A regular file stands for /dev/kmsg, which this user may not read.
func TestF35KernelMessagesOfTheCell(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kmsg")
	write := func(text string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
	write("3,1,10,-;NVRM: Xid (PCI:0000:01:00): 31, of an earlier cell\n")
	k := openKernel(path)
	write("6,2,11,-;usb 1-1: a room for zoom\n SUBSYSTEM=usb\n4,3,12,-;NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus.\n" +
		"6,4,13,-;Out of memory: Killed process 4711 (python3)\n6,5,14,-;oom_reaper: reaped process 4711\n")
	checks := findings{kernel: k.rest()}.checks()
	want := "the kernel said: NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus.; Out of memory: Killed process 4711 (python3); oom_reaper: reaped process 4711"
	if len(checks) != 1 || checks[0].Detail != want || checks[0].State != verdict.Valid {
		t.Errorf("got %+v, want a note %q", checks, want)
	}
	for _, silent := range []string{"", filepath.Join(t.TempDir(), "none")} {
		if found := openKernel(silent).rest(); found != nil {
			t.Errorf("%q: %q", silent, found)
		}
	}
}

// Where the kernel lets us, its real log gives no fault, and nothing blocks.
func TestF35RealKernelLogDoesNotBlock(t *testing.T) {
	_ = openKernel("/dev/kmsg").rest()
}

const refusal = `2026/11/24 13:00:00 [error] 7#7: *13 connect() failed (111: Connection refused) while connecting to upstream, client: 127.0.0.1, server: , ` +
	`request: "POST /v1/chat/completions HTTP/1.1", upstream: "http://127.0.0.1:8001/v1/chat/completions", host: "localhost:8000"` + "\n"

func TestF34UpstreamFaults(t *testing.T) {
	log := refusal + "2026/11/24 13:00:00 [warn] 7#7: *14 an upstream response is buffered to a temporary file\n" +
		"2026/11/24 13:00:01 [error] 7#7: *15 no live upstreams while connecting to upstream, client: 127.0.0.1\n2026/11/24 13:00:01 [notice] 7#7: start\n"
	got := upstreamFaults(log)
	if len(got) != 2 || !strings.HasPrefix(got[0], "connect() failed") || !strings.HasPrefix(got[1], "no live upstreams") {
		t.Errorf("got %q", got)
	}
}

// The guide's nginx counts for 10000 s: faults of two cells are one ejection.
func TestF34FaultsOfSeveralCellsEject(t *testing.T) {
	s := &sweep{plan: plan.Plan{Balancer: "guide"}}
	if out := s.ejected(upstreamFaults(refusal + refusal)); len(out) > 0 {
		t.Errorf("two faults eject %q", out)
	}
	if out := s.ejected(nil); len(out) > 0 {
		t.Errorf("none eject %q", out)
	}
	if out := s.ejected(upstreamFaults(refusal)); len(out) != 1 || out[0] != "127.0.0.1:8001" {
		t.Errorf("the third ejects %q", out)
	}
	unlike := &sweep{plan: plan.Plan{Balancer: "guide"}}
	for _, row := range []struct {
		why, phase string
		counts     bool
	}{
		{"it refuses", "connect() failed (111: Connection refused) while connecting to upstream", true},
		{"it takes no request", "writev() failed (32: Broken pipe) while sending request to upstream", true},
		{"it ends before it answers", "upstream prematurely closed connection while reading response header from upstream", true},
		{"it breaks off its answer", "upstream prematurely closed connection while reading upstream", false},
		{"there is no server to fail", "no live upstreams while connecting to upstream", false},
	} {
		unlike.faults = nil
		log := strings.Repeat(strings.Replace(refusal, "connect() failed (111: Connection refused) while connecting to upstream", row.phase, 1), maxFails)
		faults := upstreamFaults(log)
		if out := unlike.ejected(faults); len(faults) != maxFails || (len(out) > 0) != row.counts {
			t.Errorf("%s: %d times eject %q", row.why, len(faults), out)
		}
	}
	tuned := &sweep{plan: plan.Plan{Balancer: "tuned"}}
	if out := tuned.ejected(upstreamFaults(strings.Repeat(refusal, 9))); len(out) > 0 {
		t.Errorf("max_fails=0 ejects %q", out)
	}
}

func TestOnlyWhatWasAddedIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nginx.log")
	if err := os.WriteFile(path, []byte("before\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := added(path, 7); got != "after\n" {
		t.Errorf("got %q", got)
	}
	if got := added(path+"x", 0); got != "" {
		t.Errorf("no file: %q", got)
	}
}

func FuzzParseCPU(f *testing.F) {
	f.Add(procStat)
	f.Add("cpu  18446744073709551615 1 1 1 1 1 1 1 1 1")
	f.Fuzz(func(t *testing.T, text string) {
		if share, known := parseCPU(text).left(); known && (share < 0 || share != share) {
			t.Errorf("share %g of %q", share, text)
		}
	})
}

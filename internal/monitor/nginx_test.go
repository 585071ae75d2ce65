package monitor

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/proc"
	"topobench/internal/plan"
	"topobench/internal/testbed"
)

const refusal = `2026/11/24 13:00:00 [error] 7#7: *13 connect() failed (111: Connection refused) while connecting to upstream, client: 127.0.0.1, server: , ` +
	`request: "POST /v1/chat/completions HTTP/1.1", upstream: "http://127.0.0.1:8001/v1/chat/completions", host: "localhost:8000"` + "\n"

func behind(balancer string) *Monitor { return New(Targets{Plan: plan.Plan{Balancer: balancer}}) }

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
	m := behind("guide")
	if out := m.ejected(upstreamFaults(refusal + refusal)); len(out) > 0 {
		t.Errorf("two faults eject %q", out)
	}
	if out := m.ejected(nil); len(out) > 0 {
		t.Errorf("none eject %q", out)
	}
	if out := m.ejected(upstreamFaults(refusal)); len(out) != 1 || out[0] != "127.0.0.1:8001" {
		t.Errorf("the third ejects %q", out)
	}
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
		log := strings.Repeat(strings.Replace(refusal, "connect() failed (111: Connection refused) while connecting to upstream", row.phase, 1), maxFails)
		faults := upstreamFaults(log)
		if out := behind("guide").ejected(faults); len(faults) != maxFails || (len(out) > 0) != row.counts {
			t.Errorf("%s: %d times eject %q", row.why, len(faults), out)
		}
	}
	if out := behind("tuned").ejected(upstreamFaults(strings.Repeat(refusal, 9))); len(out) > 0 {
		t.Errorf("max_fails=0 ejects %q", out)
	}
}

func TestOnlyTheLogOfTheCellIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nginx.log")
	if err := os.WriteFile(path, []byte(refusal), 0o600); err != nil {
		t.Fatal(err)
	}
	m := New(Targets{Host: host.Local{}, Plan: plan.Plan{Services: []plan.Service{{Name: "nginx", Role: plan.Balancer, Log: path}}}})
	n := m.openNginx(t.Context())
	if err := os.WriteFile(path, []byte(refusal+strings.Replace(refusal, "8001", "8002", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := m.nginxEvidence(t.Context(), n); len(got.Faults) != 1 || !strings.Contains(got.Faults[0], "8002") {
		t.Errorf("got %+v", got)
	}
	n.path += "x"
	if got := m.nginxEvidence(t.Context(), n); got == nil || len(got.Faults) > 0 {
		t.Errorf("no log: %+v", got)
	}
	if got := New(Targets{}); got.nginxEvidence(t.Context(), got.openNginx(t.Context())) != nil {
		t.Error("there is no balancer")
	}
}

// A stopped nginx keeps its port and accepts nothing: the kernel does that for it.
func TestF34StoppedNginxIsStuck(t *testing.T) {
	child, err := os.StartProcess("/bin/sleep", []string{"sleep", "60"}, &os.ProcAttr{})
	if err != nil {
		t.Fatal(err)
	}
	defer child.Wait()
	defer child.Kill()
	p, err := proc.Read(child.Pid)
	if err != nil {
		t.Fatal(err)
	}
	m, n := New(Targets{Host: host.Local{}}), &nginxLog{service: "nginx", procs: proc.Load{Procs: []proc.Proc{p}}}
	if got := m.stuck(t.Context(), n); len(got) > 0 {
		t.Errorf("it runs: %v", got)
	}
	if err := child.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	testbed.Eventually(t, 10*time.Second, func() bool { return len(m.stuck(t.Context(), n)) == 1 })
	if got := m.stuck(t.Context(), n); len(got) != 1 || got[0].Service != "nginx" || !strings.Contains(got[0].Why, "is stopped") {
		t.Errorf("got %v", got)
	}
	var none *nginxLog
	if got := m.stuck(t.Context(), none); got != nil {
		t.Errorf("there is no nginx: %v", got)
	}
}

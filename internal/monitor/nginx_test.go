package monitor

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

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
	m := New(Targets{Plan: plan.Plan{Services: []plan.Service{{Name: "nginx", Role: plan.Balancer, Log: path}}}})
	n := m.openNginx()
	if err := os.WriteFile(path, []byte(refusal+strings.Replace(refusal, "8001", "8002", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := m.nginxEvidence(n); len(got.Faults) != 1 || !strings.Contains(got.Faults[0], "8002") {
		t.Errorf("got %+v", got)
	}
	n.path += "x"
	if got := m.nginxEvidence(n); got == nil || len(got.Faults) > 0 {
		t.Errorf("no log: %+v", got)
	}
	if got := New(Targets{}); got.nginxEvidence(got.openNginx()) != nil {
		t.Error("there is no balancer")
	}
}

func TestBacklog(t *testing.T) {
	const table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n" +
		"   0: 0100007F:1F40 00000000:0000 0A 00000000:00000003 00:00000000 00000000     0\n" +
		"   1: 0100007F:1F41 00000000:0000 0A 00000000:00000007 00:00000000 00000000     0\n" +
		"   2: 0100007F:1F40 0100007F:9000 01 00000000:00000009 00:00000000 00000000     0\n"
	if got := backlog(table, 8000); got != 3 {
		t.Errorf("got %d, want 3", got)
	}
	if got := backlog("", 8000); got != 0 {
		t.Errorf("got %d of nothing", got)
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
	n := &nginxLog{service: "nginx", procs: []proc.Proc{p}}
	if got := n.stuck(); len(got) > 0 {
		t.Errorf("it runs: %v", got)
	}
	if err := child.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	testbed.Eventually(t, 10*time.Second, func() bool { return len(n.stuck()) == 1 })
	if got := n.stuck(); len(got) != 1 || got[0].Service != "nginx" || !strings.Contains(got[0].Why, "is stopped") {
		t.Errorf("got %v", got)
	}
	var none *nginxLog
	if got := none.stuck(); got != nil {
		t.Errorf("there is no nginx: %v", got)
	}
}

package script

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
	"topobench/internal/plan"

	"github.com/google/go-cmp/cmp"
)

// One script for all hosts: run by a host's name it starts what runs there, and
// waits for the others too; by none it starts nothing.
func TestScriptOfAHostStartsWhatRunsThere(t *testing.T) {
	prefill := strings.Fields("prefill-0 prefill-1 prefill-2 prefill-3 prefill-4 prefill-5 prefill-6 prefill-7")
	for _, row := range []struct {
		profile, host string
		starts        []string
	}{
		{"disagg-2node", "node0", []string{"etcd", "nats", "frontend", "decode-0"}},
		{"disagg-2node", "node1", prefill},
		{"disagg-2node", "load", nil},
		{"agg-2node", "node0", []string{"aggregated-0", "nginx"}},
		{"agg-2node", "node1", []string{"aggregated-1"}},
	} {
		p := unchecked(builtInPlan(t, row.profile))
		var all []string
		for _, svc := range p.Services {
			all = append(all, svc.Name)
		}
		started, awaited := called(t, p, row.host)
		if diff := cmp.Diff(row.starts, started); diff != "" {
			t.Errorf("%s on %s starts (-want +got): %s", row.profile, row.host, diff)
		}
		if row.host == "load" {
			all = nil
		}
		if diff := cmp.Diff(all, slices.Compact(awaited)); diff != "" {
			t.Errorf("%s on %s waits for (-want +got): %s", row.profile, row.host, diff)
		}
	}
	text := parts(t, builtInPlan(t, "agg-2node"), (*script).hosts)
	for _, argument := range []string{"", "node2"} {
		out, err := exec.Command("bash", "-c", stub+text, "plan.sh", argument).CombinedOutput()
		if err == nil || string(out) != "usage: bash plan.sh node0|node1|load\n" {
			t.Errorf("with %q: %v, %s", argument, err, out)
		}
	}
}

// called runs the hosts' part of a script with stubs: the services it starts and
// those it waits for.
func called(t *testing.T, p plan.Plan, host string) (started, awaited []string) {
	t.Helper()
	p.Files = nil
	got, _ := calls(t, "sleep() { exit 0; }\necho() { :; }\n"+parts(t, p, (*script).hosts), host)
	for _, words := range got {
		switch words[0] {
		case "start":
			started = append(started, words[1])
		case "wait_for":
			awaited = append(awaited, words[1])
		}
	}
	return started, awaited
}

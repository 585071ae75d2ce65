package script

import (
	"fmt"
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
		{"demo-agg-2node", "node0", []string{"nats", "frontend-0", "aggregated-0", "nginx"}},
		{"demo-agg-2node", "node1", []string{"frontend-1", "aggregated-1"}},
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

// The load is started by hand while the hosts bring their servers up, which may take as long as their gates.
func TestTheLoadWaitsForTheHosts(t *testing.T) {
	p := builtInPlan(t, "demo-agg-2node")
	text := printed(t, here(), p)
	if want := fmt.Sprintf("wait_served http://192.0.2.10:18280 %.0f ", p.Smoke.Deadline.Seconds()); !strings.Contains(text, want) {
		t.Errorf("the script lacks %q", want)
	}
	if p := builtInPlan(t, "demo-agg"); !strings.Contains(printed(t, here(), p), fmt.Sprintf(" %.0f \\\n", p.Smoke.Patience.Seconds())) {
		t.Error("on one host the gates are open by then")
	}
}

// A frontend lists the workers of all namespaces of one etcd.
func TestInstancesOfOtherNamespacesDoNotCount(t *testing.T) {
	_, condition, _ := strings.Cut(helpers, "has_instances() {")
	condition, _, _ = strings.Cut(condition, "\n}\n")
	const health = `{"instances":[{"component":"backend","endpoint":"generate","namespace":"n-0","instance_id":1},` +
		`{"component":"backend","endpoint":"generate","namespace":"n-1","instance_id":2},{"component":"backend","endpoint":"clear","namespace":"n-0","instance_id":1}]}`
	for _, row := range []struct {
		args string
		open bool
	}{{"n-0 backend 1", true}, {"n-1 backend 1", true}, {"n-0 backend 2", false}, {"n-2 backend 1", false}, {"n backend 1", false}} {
		bash := exec.Command("bash", "-euc", "curl() { printf %s '"+health+"'; }\nhas_instances() {"+condition+"\n}\nhas_instances url "+row.args)
		if err := bash.Run(); (err == nil) != row.open {
			t.Errorf("%s: %v", row.args, err)
		}
	}
	p := builtIn(t, "demo-agg")
	p.Discovery.Etcd = "start" // one for both
	got, _ := calls(t, parts(t, unchecked(planned(t, p)), func(s *script, p plan.Plan, e shared) { s.waves(p, "", e) }))
	var scopes []string
	for _, call := range got {
		if len(call) > 4 && call[2] == "has_instances" {
			scopes = append(scopes, call[4][strings.LastIndex(call[4], "-"):])
		}
	}
	if !slices.Equal(scopes, []string{"-0", "-1"}) {
		t.Errorf("the frontends wait for the workers of %q", scopes)
	}
}

// A host's directories and files are made there, and only there.
func TestFilesOfAHostAreWrittenThere(t *testing.T) {
	before, rest, _ := strings.Cut(printed(t, here(), builtInPlan(t, "agg-2node")), "# ==== on node0, 192.0.2.10 ====")
	zero, one, found := strings.Cut(rest, "# ==== on node1, 192.0.2.11 ====")
	one, _, _ = strings.Cut(one, "# perf.sh")
	if !found || strings.Contains(before, "mkdir \"$dir\"") {
		t.Error("a directory is made before the host is known")
	}
	for part, want := range map[string][]int{zero: {1, 1, 1}, one: {1, 1, 0}} {
		got := []int{strings.Count(part, `mkdir "$dir"`), strings.Count(part, `mkdir -p "$dir/logs"`), strings.Count(part, `>"$dir/nginx/nginx.conf"`)}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("directory, logs and nginx.conf are made (-want +got): %s\n%s", diff, part)
		}
	}
}

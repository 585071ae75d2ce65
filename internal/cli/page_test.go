package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"topobench/internal/journal"
	"topobench/internal/plan"
	"topobench/internal/report"
)

// The page is sent around: its scripts, logs and errors have no secret of a profile, and no path of the machine.
func TestThePageOfARunHasNoSecret(t *testing.T) {
	dir := filepath.Join(t.TempDir(), ".topobench", "20261124-094805-3f2a")
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return filepath.Join("/elsewhere/.topobench/20261124-094805-3f2a", name) // the run was moved
	}
	log := write("topologies/agg/logs/w0.log", "args: api_key='alpha-1'\nKeyError: beta-2\n")
	write("topologies/agg/plan.sh", "vllm serve m --api-key alpha-1\n")
	p := plan.Plan{Name: "agg", Dirs: []string{"/elsewhere/.topobench/20261124-094805-3f2a/topologies/agg"},
		Services:   []plan.Service{{Name: "w0", Log: log, Argv: []string{"vllm", "--api-key", "alpha-1"}, Env: []string{"MY_TOKEN=beta-2"}}},
		Deviations: []plan.Deviation{{ID: "loopback"}}}
	launch := func(round int) journal.Event {
		return journal.LaunchBegin{Topology: "agg", Round: round, Artifacts: "artifacts_0", Plan: p}
	}
	var x report.Extras
	addRun(&x, dir, recorded(launch(1), journal.Service{Service: "w0", State: "died"},
		journal.LaunchFailed{Error: "w0 died: KeyError: beta-2"}, launch(2)))
	shown := fmt.Sprintf("%+v", x)
	for _, secret := range []string{"alpha-1", "beta-2", "/elsewhere"} {
		if strings.Contains(shown, secret) {
			t.Errorf("the page has %s: %s", secret, shown)
		}
	}
	if len(x.Logs) != 1 || strings.Join(x.Logs[0].Lines, "|") != "args: api_key='(secret)'|KeyError: (secret)" {
		t.Errorf("the logs are %+v", x.Logs)
	}
	if len(x.Scripts) != 1 || x.Scripts[0].Text != "vllm serve m --api-key (secret)\n" {
		t.Errorf("the scripts are %+v", x.Scripts)
	}
	if len(x.Deviations) != 1 || len(x.Deviations[0].Topologies) != 1 || len(x.Timelines) != 1 {
		t.Errorf("two rounds of one topology are %+v and %+v", x.Deviations, x.Timelines)
	}
}

package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"topobench/internal/deploy"
	"topobench/internal/host"
	"topobench/internal/run"
	"topobench/internal/verdict"
)

func TestTheLogOfAFailure(t *testing.T) {
	dir := t.TempDir()
	logs := filepath.Join(dir, "topologies", "a")
	if err := os.MkdirAll(logs, 0o700); err != nil {
		t.Fatal(err)
	}
	cell := run.Cell{Verdict: verdict.Verdict{State: verdict.Invalid, Reasons: []string{"aiperf: x", "aiperf exit 1"}}, Log: "c1.log"}
	cell.Concurrency = 4
	for _, row := range []struct {
		t          run.Topology
		cause, log string
	}{
		{run.Topology{Name: "a"}, "", ""},
		{run.Topology{Name: "a", Err: &host.DiedError{Name: "w", Exit: host.Exit{At: time.Unix(1, 0), Code: 1}, Log: "w.log"}}, "w died: exit 1", "w.log"},
		{run.Topology{Name: "a", Err: &deploy.NotReadyError{Service: "w", Last: errors.New("x\ny"), Log: "w.log"}}, "w is not ready after 0s: x", "w.log"},
		{run.Topology{Name: "a", Dir: logs, Err: errors.New("does not serve: x\ny")}, "does not serve: x", logs},
		{run.Topology{Name: "perf", Err: errors.New("does not serve: x")}, "does not serve: x", dir},
		{run.Topology{Name: "a", Cells: []run.Cell{cell}}, "concurrency 4 is invalid: aiperf: x", "c1.log"},
	} {
		if cause, log := failure(row.t, dir); cause != row.cause || log != row.log {
			t.Errorf("%s, %v: got %q, %q, want %q, %q", row.t.Name, row.t.Err, cause, log, row.cause, row.log)
		}
	}
}

func TestTheNextCommand(t *testing.T) {
	for _, row := range []struct {
		why, args string
		passed    []string
		missing   []int
		want      string
	}{
		{"nothing passed", "run a.yaml b.yaml --isl 8", nil, nil, "topobench run a.yaml b.yaml --isl 8"},
		{"one profile passed", "run a.yaml b.yaml", []string{"a.yaml"}, nil, "topobench run b.yaml"},
		{"some levels are missing", "run a.yaml --concurrency 1,2,4 --keep", nil, []int{2, 4}, "topobench run a.yaml --keep --concurrency 2,4"},
		{"in the other form", "run --concurrency=1,2 a.yaml", nil, []int{2}, "topobench run a.yaml --concurrency 2"},
		{"a value that looks like a profile stays", "run agg disagg --baseline agg", []string{"agg"}, nil, "topobench run disagg --baseline agg"},
		{"a word that a shell would split is quoted", "run a.yaml --title Two;nodes", nil, nil, "topobench run a.yaml --title 'Two;nodes'"},
	} {
		if got := repeat(strings.Fields(row.args), row.passed, row.missing); got != row.want {
			t.Errorf("%s: got %q, want %q", row.why, got, row.want)
		}
	}
}

// The command that failed fails again, unless its remedy comes first.
func TestTheRemedyComesBeforeTheCommand(t *testing.T) {
	failedCell := run.Cell{Verdict: verdict.Verdict{State: verdict.Invalid, Reasons: []string{"aiperf: OSError: No space left on device"}}}
	final := &deploy.FinalError{Answer: "GET x: 401", Remedy: "remove --api-key from engine_args"}
	for _, row := range []struct {
		why  string
		t    run.Topology
		want string // before the command; "" = the command alone
	}{
		{"a death without a known cause", run.Topology{Err: &host.DiedError{Name: "w", Log: "w.log"}}, ""},
		{"a wrong argument", run.Topology{Err: &host.DiedError{Name: "w", Tail: []string{"error: unrecognized arguments: -x"}, Hint: "correct engine_args"}}, "correct engine_args; then "},
		{"the wrong environment", run.Topology{Err: &host.DiedError{Name: "w", Hint: "name the environment by --python or --vllm"}}, "name the environment by --python or --vllm|"},
		{"a final answer", run.Topology{Err: &deploy.NotReadyError{Service: "w", Last: final, Hints: []string{"ERROR: x"}}}, "remove --api-key from engine_args; then "},
		{"its log has the cause", run.Topology{Err: &deploy.NotReadyError{Service: "w", Last: errors.New("503"), Hints: []string{"OfflineModeIsEnabled"}}}, "the model is not in the local cache"},
		{"late for no known cause", run.Topology{Err: &deploy.NotReadyError{Service: "w", Last: errors.New("503"), Hints: []string{"ERROR: x"}}}, ""},
		{"another's server", run.Topology{Err: fmt.Errorf("does not serve: %w", &deploy.FinalError{Answer: "refused", Remedy: "start the server, or correct --url"})}, "start the server, or correct --url|"},
		{"a cell on a full disk", run.Topology{Cells: []run.Cell{failedCell}}, "the disk is full"},
		{"nothing known", run.Topology{Err: errors.New("x")}, ""},
	} {
		got := next(remedy(row.t), "topobench run a.yaml")
		want, alone := strings.CutSuffix(row.want, "|")
		if !strings.HasPrefix(got, want) || strings.HasSuffix(got, "topobench run a.yaml") == alone || want == "" && got != "topobench run a.yaml" {
			t.Errorf("%s: %q, want %q", row.why, got, row.want)
		}
	}
}

// A log of another machine is shown by its copy, which stays when the agent has removed its directory.
func TestALogOfAnotherMachineIsItsCopy(t *testing.T) {
	launch := run.Topology{Dir: t.TempDir()}
	copied := filepath.Join(launch.Dir, "logs", "decode-0.log")
	if err := errors.Join(os.Mkdir(filepath.Dir(copied), 0o700), os.WriteFile(copied, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for log, want := range map[string]string{"node1:/tmp/x/logs/decode-0.log": copied, "/a:b/decode-0.log": "/a:b/decode-0.log",
		"node1:/tmp/x/logs/lost.log": "node1:/tmp/x/logs/lost.log"} {
		if got := here(launch, log); got != want {
			t.Errorf("%s: got %s, want %s", log, got, want)
		}
	}
}

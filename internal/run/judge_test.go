package run

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/ui"
	"topobench/internal/verdict"
)

// attempt is a directory with the files of a recorded cell.
func attemptDir(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, from := range files {
		data, err := os.ReadFile(filepath.Join("..", "aiperf", "testdata", from))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const cell = "artifacts_root/artifacts_0/-concurrency2/profile_export_aiperf.json"

func TestJudgeReadsTheFilesOfAnAttempt(t *testing.T) {
	export := map[string]string{aiperf.ExportName: cell}
	for _, row := range []struct {
		why     string
		files   map[string]string
		outcome aiperf.Outcome
		state   verdict.State
		reasons []string // a part of each
	}{
		{"all is well", export, aiperf.Outcome{}, verdict.Valid, nil},
		{"a good export of an aiperf that failed does not count", export, aiperf.Outcome{Problem: "aiperf exit 1", Error: "aiperf: cannot write"}, verdict.Invalid, []string{"aiperf: cannot write", "aiperf exit 1"}},
		{"no export: every request was refused", map[string]string{aiperf.RecordsName: "all-400.jsonl"}, aiperf.Outcome{Problem: "aiperf exit 1"}, verdict.Invalid, []string{"400 Bad Request", "aiperf exit 1"}},
		{"a worker died: one line, not its log", nil, aiperf.Outcome{Problem: "decode-0 died: exit 1\n  last lines\n    x"}, verdict.Invalid, []string{"decode-0 died: exit 1"}},
		{"exit 0 and no export", nil, aiperf.Outcome{}, verdict.Invalid, []string{aiperf.ExportName}},
	} {
		s := newCells(t)
		s.load = aiperf.Load{OSL: 50}
		a := &attempt{Cell: Cell{CellID: artifacts.CellID{Concurrency: 2}}, dir: attemptDir(t, row.files)}
		s.judge(a, row.outcome, verdict.Evidence{})
		v := a.Verdict
		if v.State != row.state || len(v.Reasons) != len(row.reasons) {
			t.Errorf("%s: %s %q", row.why, v.State, v.Reasons)
			continue
		}
		for i, part := range row.reasons {
			if !strings.Contains(v.Reasons[i], part) || strings.Contains(v.Reasons[i], "\n") {
				t.Errorf("%s: reason %q, want one line with %q", row.why, v.Reasons[i], part)
			}
		}
		if _, has := row.files[aiperf.ExportName]; has != (a.Numbers != "") {
			t.Errorf("%s: headline %q", row.why, a.Numbers)
		}
	}
}

// newCells is one without a topology.
func newCells(t *testing.T) cells {
	t.Helper()
	s := cells{Runner: &Runner{}, t: &Topology{}}
	s.Screen = ui.New(ui.Options{Out: new(strings.Builder), Now: time.Now})
	t.Cleanup(s.Screen.Close)
	return s
}

// The screen and the journal show the log of a service that died, the verdict one line.
func TestFailedKeepsTheLogOfAService(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("decode-0 died: exit 1\n  its last lines"))
	v := verdict.Of(verdict.Evidence{Died: context.Cause(ctx).Error()}, aiperf.Measurement{}, verdict.Load{})
	f := failureOf(ctx, v)
	if f == nil || f.Class != verdict.WorkerDied || f.Cause != context.Cause(ctx) || v.Reasons[0] != "decode-0 died: exit 1" {
		t.Errorf("got %+v with %q", f, v.Reasons)
	}
	if f := failureOf(t.Context(), verdict.Verdict{}); f != nil {
		t.Errorf("got %+v", f)
	}
}

func TestASecondAttemptHasTheReasonOfTheFirst(t *testing.T) {
	s := newCells(t)
	s.t.Launches = 2
	s.t.pending = &attempt{Cell: Cell{Verdict: verdict.Sum([]verdict.Check{{Name: verdict.WorkerDied, State: verdict.Invalid, Detail: "a died"}})}}
	a := &attempt{Cell: Cell{CellID: artifacts.CellID{Concurrency: 2}}, dir: attemptDir(t, map[string]string{aiperf.ExportName: cell})}
	s.judge(a, aiperf.Outcome{}, verdict.Evidence{})
	c, ok := a.Verdict.Find(verdict.Relaunched)
	if want := "attempt 2, after a restart of the topology; attempt 1: a died"; !ok || c.State != verdict.Note || c.Detail != want {
		t.Errorf("got %+v, want %s", c, want)
	}
}

func TestInvalidCellsShowNoNumbers(t *testing.T) {
	c := Cell{CellID: artifacts.CellID{Concurrency: 4}, Numbers: "19127.6 tok/s/user", Verdict: verdict.Verdict{State: verdict.Invalid, Reasons: []string{"5 of 10 requests completed"}}}
	if line := cellLine("a", c); strings.Contains(line, "19127") || !strings.Contains(line, "5 of 10") {
		t.Errorf("got %q", line)
	}
	c.Verdict = verdict.Verdict{State: verdict.Valid}
	if line := cellLine("a", c); !strings.Contains(line, "19127") {
		t.Errorf("got %q", line)
	}
}

func TestTimeTableSharesOutWhatCameUp(t *testing.T) {
	second := time.Second
	table := TimeTable([]Topology{
		{Name: "up", Times: Times{Engine: 3 * second, AIPerf: 5 * second, Total: 9 * second}},
		{Name: "never", Times: Times{Total: 30 * second}},
	})
	if !strings.Contains(table, "1.00") || strings.Contains(table, "never") {
		t.Errorf("own share is total less engine start and aiperf, of what came up:\n%s", table)
	}
}

func TestTimeLineHasEachTopologyThatCameUp(t *testing.T) {
	second := time.Second
	got := TimeLines([]Topology{
		{Name: "up", Times: Times{Engine: 3 * second, AIPerf: 5 * second, Total: 9 * second}},
		{Name: "never", Times: Times{Total: 30 * second}},
	})
	if want := "times: up 9.0 s (engine 3.0, aiperf 5.0, topobench itself 1.0)"; len(got) != 1 || got[0] != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

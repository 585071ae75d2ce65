package cli_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/run"
)

// A campaign that was killed at any moment, and continued, has the results of one that was not: everything but what is
// listed here.
var (
	// unlikeColumns of results.csv. launch: 2 for cells after a kill in their round. noted: the fake aiperf may end before
	// its CPU time is read, in any run.
	unlikeColumns = []string{"launch", "noted"}
	// unlikeKeys of the facts in JSON. launch and noted, as above; warnings name such cells.
	unlikeKeys = []string{"launch", "noted", "warnings"}
)

// unlikeText is the part of the sentence with the check of noted.
const unlikeText = " (1 check could not be made: cpu)"

// sides are two profiles of one service: a campaign of them has four launches in two rounds, and an interval.
const sides = `name: %[1]s
kind: %[1]s
engine: mocker
model: tiny
frontend: {port: @%[2]d}
port_base: @00
aggregated:
  - {cuda_visible_devices: [0]%[3]s}
load: {isl: 8, osl: 4, concurrency: [1, 2]}
`

// campaignWorkspace has the profiles of both sides.
func campaignWorkspace(t *testing.T) *workspace {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("processes are started on Linux only")
	}
	s := newWorkspace(t)
	for _, side := range [][]any{{"left", 10, ""}, {"right", 12, ", engine_args: [--speedup-ratio, \"2\"]"}} {
		text := strings.ReplaceAll(fmt.Sprintf(sides, side...), "@", s.ports)
		if err := os.WriteFile(filepath.Join(s.dir, side[0].(string)+".yaml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// topobench runs a command to its end.
func (s *workspace) topobench(t *testing.T, want int, env []string, args ...string) {
	t.Helper()
	if _, err := s.launch("it", append(paths(), env...), append([]string{"topobench"}, args...)...); err != nil {
		t.Fatal(err)
	}
	code, err := s.code("it")
	if err != nil || code != want {
		t.Fatalf("topobench %v: exit code %d, want %d: %v\n%s%s", args, code, want, err, s.text("it.out"), s.text("it.err"))
	}
}

// results are what a campaign has shown, without what it may differ in.
func (s *workspace) results(t *testing.T) map[string]string {
	t.Helper()
	s.topobench(t, 0, nil, "plot", "--artifacts-root-dir", "root", "--out", "plotted", "--json")
	var facts any
	if err := json.Unmarshal([]byte(s.text("it.out")), &facts); err != nil {
		t.Fatal(err)
	}
	strip(facts)
	text, err := json.MarshalIndent(facts, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{"facts": string(text), "summary.csv": s.text("root/summary.csv"),
		"results.csv": without(t, s.text("root/results.csv"), unlikeColumns...)}
	for name, text := range all {
		all[name] = strings.NewReplacer(s.dir, "DIR", unlikeText, "").Replace(text)
	}
	return all
}

// strip removes the keys that may differ.
func strip(v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if strip(value); slices.Contains(unlikeKeys, key) {
				delete(v, key)
			}
		}
	case []any:
		for _, value := range v {
			strip(value)
		}
	}
}

// without is a CSV without some columns.
func without(t *testing.T, text string, columns ...string) string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) < 2 {
		t.Fatalf("%v: %s", err, text)
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	for _, row := range rows {
		var kept []string
		for i, field := range row {
			if !slices.Contains(columns, rows[0][i]) {
				kept = append(kept, field)
			}
		}
		if err := w.Write(kept); err != nil {
			t.Fatal(err)
		}
	}
	w.Flush()
	return b.String()
}

// killed begins a campaign and kills it at a moment.
func (s *workspace) killed(t *testing.T, m moment, args ...string) {
	t.Helper()
	it, err := s.launch("it", append(paths(), fmt.Sprintf("LC_AT=hold %s %d", m.phase, m.nth)),
		append([]string{"topobench"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	s.reaches(t, "held")
	if err := it.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if _, err := s.code("it"); err != nil {
		t.Fatal(err)
	}
	s.gone(t, 2*time.Second)
}

// equals compares the results of the campaign with those of an uninterrupted one.
func (s *workspace) equals(t *testing.T, want map[string]string) {
	t.Helper()
	for name, got := range s.results(t) {
		if diff := cmp.Diff(want[name], got); diff != "" {
			t.Errorf("%s (-whole +continued):\n%s", name, diff)
		}
	}
}

var everyCrash = flag.Bool("crash.all", false, "kill a campaign in every phase; make test-real does") // constant

// crashes are the moments of a campaign at which it is killed: each phase in the second launch, or once. make test has
// those around a cell.
func crashes() []moment {
	if !*everyCrash {
		return []moment{{run.Launching, 2}, {run.Measuring, 4}, {run.Publishing, 4}, {run.Recording, 4}, {run.Stopping, 2}}
	}
	var all []moment
	for _, p := range run.Phases() {
		switch p {
		case run.Measuring, run.Publishing, run.Recording:
			all = append(all, moment{p, 1}, moment{p, 4}, moment{p, 6}) // first cell, second of a launch, of round 2
		case run.Claiming, run.Reporting:
			all = append(all, moment{p, 1})
		default:
			all = append(all, moment{p, 2})
		}
	}
	return all
}

var campaign = []string{"run", "left.yaml", "right.yaml", "--repeats", "2", "--artifacts-root-dir", "root"} // constant

// A machine that goes down, or a run that is killed, costs the cell that was being measured, and nothing else.
func TestF5AACampaignGoesOnAfterAKillInEveryPhase(t *testing.T) {
	whole := campaignWorkspace(t)
	whole.topobench(t, 0, nil, campaign...)
	want := whole.results(t)
	if !strings.Contains(want["facts"], `"ratio_low": `) || strings.Contains(want["facts"], `"ratio_low": null`) {
		t.Fatalf("no interval to compare:\n%s", want["facts"])
	}
	t.Run("restart", func(t *testing.T) { t.Parallel(); restarted(t, want) })
	for _, m := range crashes() {
		t.Run(fmt.Sprintf("%s-%d", m.phase, m.nth), func(t *testing.T) {
			t.Parallel()
			s := campaignWorkspace(t)
			s.killed(t, m, campaign...)
			s.topobench(t, 0, nil, "run", "--resume", "--artifacts-root-dir", "root")
			s.equals(t, want)
			s.topobench(t, 2, nil, "run", "--resume", "--artifacts-root-dir", "root")
			if said := s.text("it.err"); !strings.Contains(said, "is finished") {
				t.Errorf("a finished campaign is continued again: %s", said)
			}
		})
	}
}

// A restart of the machine ends every process, and may empty /tmp. The last line of the journal may be torn.
func restarted(t *testing.T, want map[string]string) {
	s := campaignWorkspace(t)
	s.killed(t, moment{run.Measuring, 4}, campaign...)
	temps, err := filepath.Glob(filepath.Join(s.temp, "*"))
	for _, temp := range temps {
		err = errors.Join(err, os.RemoveAll(temp))
	}
	for _, name := range s.glob("root/.topobench/*/journal.ndjson") {
		text := regexp.MustCompile(`"boot":"[^"]*"`).ReplaceAllString(s.text(name), `"boot":"another"`)
		text = regexp.MustCompile(`,"crc":"[0-9a-f]{8}"}`).ReplaceAllString(text, "}")
		err = errors.Join(err, os.WriteFile(filepath.Join(s.dir, name), []byte(text+`{"seq":99,"ti`), 0o600))
	}
	if err != nil || len(temps) == 0 {
		t.Fatal(err, temps)
	}
	s.topobench(t, 0, nil, "run", "--resume", "--artifacts-root-dir", "root")
	if said := s.text("it.err"); !strings.Contains(said, "the half line was cut off") {
		t.Errorf("a torn line was cut off without a word: %s", said)
	}
	s.equals(t, want)
}

// An adaptive campaign decides its next cell by the finished ones, also by those of a dead run.
func TestF5AAnAdaptiveCampaignGoesOn(t *testing.T) {
	adaptive := []string{"run", "left.yaml", "right.yaml", "--at", "110", "--precision", "3%",
		"--artifacts-root-dir", "root"}
	whole := campaignWorkspace(t)
	whole.topobench(t, 0, nil, adaptive...)
	want := whole.results(t)
	for _, m := range []moment{{run.Recording, 3}, {run.Recording, 9}, {run.Launching, 6}} { // search, rounds
		t.Run(fmt.Sprintf("%s-%d", m.phase, m.nth), func(t *testing.T) {
			t.Parallel()
			s := campaignWorkspace(t)
			s.killed(t, m, adaptive...)
			s.topobench(t, 0, nil, "run", "--resume", "--artifacts-root-dir", "root")
			s.equals(t, want)
		})
	}
}

// The levels that an SLO leaves out are finished, also if the run was killed before it left them out.
func TestF5AACampaignWithAnSLOGoesOn(t *testing.T) {
	limited := []string{"run", "left.yaml", "right.yaml", "--concurrency", "1,2,4,8,16", "--slo", "ttft_p90=25ms",
		"--artifacts-root-dir", "root"}
	whole := campaignWorkspace(t)
	whole.topobench(t, 0, nil, limited...)
	want := whole.results(t)
	for _, m := range []moment{{run.Recording, 4}, {run.Measuring, 6}, {run.Reporting, 1}} {
		t.Run(fmt.Sprintf("%s-%d", m.phase, m.nth), func(t *testing.T) {
			t.Parallel()
			s := campaignWorkspace(t)
			s.killed(t, m, limited...)
			s.topobench(t, 0, nil, "run", "--resume", "--artifacts-root-dir", "root")
			s.equals(t, want)
			s.topobench(t, 2, nil, "run", "--resume", "--artifacts-root-dir", "root")
		})
	}
}

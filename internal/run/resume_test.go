package run

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/journal"
	"topobench/internal/plan"
	"topobench/internal/preflight"
	"topobench/internal/profile"
	"topobench/internal/verdict"
)

// dead is a run of a campaign below root, with a journal of events.
func dead(t testing.TB, root, id string, c artifacts.Campaign, events ...journal.Event) {
	t.Helper()
	dir, err := artifacts.Create(root, id)
	if err == nil {
		err = errors.Join(dir.WriteCampaign(c), os.WriteFile(filepath.Join(dir.Path(), "run.json"), []byte("{}"), 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(filepath.Join(dir.Path(), journal.Name), func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if err := j.Write(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// published is a cell on the disk, as a run leaves it.
func published(t testing.TB, root, name string, concurrency int, export []byte, valid bool) (sum string) {
	t.Helper()
	cell := artifacts.Of(root, name).Cell(concurrency)
	sidecar := `{"valid": true, "state": "valid", "checks": []}`
	if !valid {
		sidecar = `{"valid": false, "state": "invalid", "reasons": ["x"], "checks": [{"name": "run", "state": "invalid", "detail": "x"}]}`
	}
	err := errors.Join(os.MkdirAll(cell, 0o755), os.WriteFile(filepath.Join(cell, artifacts.SidecarName), []byte(sidecar), 0o644),
		os.WriteFile(filepath.Join(cell, aiperf.ExportName), export, 0o644))
	if err != nil {
		t.Fatal(err)
	}
	if sum, err = artifacts.Checksum(cell); err != nil {
		t.Fatal(err)
	}
	return sum
}

func TestTheCampaignToContinue(t *testing.T) {
	root, first := t.TempDir(), artifacts.Campaign{Args: []string{"run", "a.yaml"}}
	find := func(id string, again bool) string {
		p, err := FindPast(root, id, again)
		if err != nil {
			return err.Error()
		}
		return fmt.Sprintf("%s %d", p.Continues, p.Number)
	}
	if got := find("", false); !strings.Contains(got, "has no campaign") {
		t.Errorf("without any: %s", got)
	}
	dead(t, root, "20260101-000000-0001", first, journal.Crashed{Recovered: journal.Recovered{Torn: 7}})
	dead(t, root, "20260103-000000-0001", artifacts.Campaign{Continues: "20260101-000000-0001", Number: 1}, journal.RunEnd{})
	dead(t, root, "20260102-000000-0001", first, journal.RunEnd{})
	dead(t, root, "20260104-000000-0001", first, journal.RunEnd{Finished: true})
	if err := os.Mkdir(filepath.Join(root, artifacts.StateDir, "20270101-000000-0001"), 0o700); err != nil {
		t.Fatal(err) // of perf: it has no campaign
	}
	for _, row := range []struct {
		id    string
		again bool
		want  string
	}{
		{"", false, "20260101-000000-0001 1"}, // by its newest run
		{"", true, "20260104-000000-0001 0"},
		{"20260102-000000-0001", false, "20260102-000000-0001 0"},
		{"20260103-000000-0001", false, "20260101-000000-0001 1"},
		{"20260104-000000-0001", false, "20260104-000000-0001 0"},
	} {
		if got := find(row.id, row.again); got != row.want {
			t.Errorf("--run %q, again %v: %s, want %s", row.id, row.again, got, row.want)
		}
	}
	p, err := FindPast(root, "", false)
	if err != nil || !slices.Equal(p.Torn, []string{"20260101-000000-0001"}) || p.Next().Number != 2 ||
		p.Next().Continues != "20260101-000000-0001" || !slices.Equal(p.Next().Args, first.Args) {
		t.Errorf("%v: %+v", err, p)
	}
	dead(t, root, "20260106-000000-0001", first, journal.RunEnd{})
	marker := filepath.Join(root, artifacts.StateDir, "20260106-000000-0001", "run.json")
	if err := errors.Join(os.Remove(marker), os.Symlink("/etc/hostname", marker)); err != nil { // of another user
		t.Fatal(err)
	}
	dead(t, root, "20260105-000000-0001", first) // it has not ended
	_, err = FindPast(root, "", false)
	if live, is := errors.AsType[*LiveError](err); !is || live.Run != "20260105-000000-0001" {
		t.Errorf("a run that has not ended: %v", err)
	}
}

// A damaged campaign.json keeps no other campaign from being continued, nor from being compared. The newest one is not
// passed over in silence.
func TestADamagedCampaignLeavesOthersAlone(t *testing.T) {
	root, first := t.TempDir(), artifacts.Campaign{Args: []string{"run", "a.yaml"}}
	const older, healthy, newer = "20260101-000000-0001", "20260102-000000-0001", "20260103-000000-0001"
	dir := func(id string) string { return filepath.Join(root, artifacts.StateDir, id) }
	damage := func(id string) {
		t.Helper()
		dead(t, root, id, first, journal.RunEnd{})
		if err := os.WriteFile(filepath.Join(dir(id), artifacts.CampaignName), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	damage(older)
	if _, err := FindPast(root, "", false); err == nil || !strings.Contains(err.Error(), older) {
		t.Errorf("the only one is damaged: %v", err)
	}
	dead(t, root, healthy, first, journal.RunEnd{})
	if p, err := FindPast(root, "", false); err != nil || p.Continues != healthy {
		t.Errorf("an older one is damaged: %v", err)
	}
	damage(newer)
	if _, err := FindPast(root, "", false); err == nil || !strings.Contains(err.Error(), "--run "+healthy) {
		t.Errorf("a newer one is damaged: %v", err)
	}
	if p, err := FindPast(root, healthy, false); err != nil || p.Continues != healthy {
		t.Errorf("named beside a newer one that is damaged: %v", err)
	}
	if _, err := FindPast(root, newer, false); err == nil || !strings.Contains(err.Error(), artifacts.CampaignName) {
		t.Errorf("the damaged one itself: %v", err)
	}
	if runs, err := RunsOf(dir(healthy)); err != nil || !slices.Equal(runs, []string{dir(healthy)}) {
		t.Errorf("RunsOf: %q, %v", runs, err)
	}
	if _, err := RunsOf(dir(newer)); err == nil {
		t.Error("the runs of a damaged campaign are unknown")
	}
}

// The latest state of a cell counts, and a round has one artifacts_N, however often it was launched.
func TestReplayOfTheJournals(t *testing.T) {
	done := func(name string, round, concurrency int, artifacts string, state verdict.State) journal.CellDone {
		return journal.CellDone{Topology: name, Round: round, Concurrency: concurrency, Artifacts: artifacts, State: state, X: 2, Y: 1, Seconds: 1.5}
	}
	var records []journal.Record
	for _, e := range []journal.Event{
		journal.LaunchBegin{Topology: "a", Round: 1, Artifacts: "artifacts_0"},
		done("a", 1, 1, "artifacts_0", verdict.Invalid),
		journal.LaunchBegin{Topology: "b", Round: 1, Artifacts: "artifacts_1"},
		done("b", 1, 1, "artifacts_1", verdict.Valid),
		journal.Crashed{}, journal.RunBegin{},
		journal.LaunchBegin{Topology: "a", Round: 1, Artifacts: "artifacts_0", Plan: plan.Plan{Deviations: []plan.Deviation{{ID: "x"}}}},
		journal.Deviation{Deviation: plan.Deviation{ID: "y"}},
		done("a", 1, 2, "artifacts_0", verdict.Valid), done("a", 1, 1, "artifacts_0", verdict.Valid),
	} {
		records = append(records, journal.Record{Event: e})
	}
	all := replay("root", records)
	if len(all) != 2 || all[0].Name != "a" || all[1].Name != "b" || len(all[0].Cells) != 2 || len(all[0].Deviations) != 2 {
		t.Fatalf("%+v", all)
	}
	c := all[0].Cells[1]
	want := artifacts.CellID{Topology: "a", Concurrency: 1, Repeat: 1}
	if c.CellID != want || !c.Counts || c.X != 2 || c.Took != 1500*time.Millisecond || c.Path != "root/artifacts_0/-concurrency1" {
		t.Errorf("%+v", c)
	}
}

func TestFinishedCellsAreThoseOnTheDisk(t *testing.T) {
	for _, row := range []struct {
		why    string
		change func(cell string) error // of concurrency 2
		again  bool
		want   string
	}{
		{"as they were", nil, false, "[1 2 4] adopted [4]"},
		{"not valid, with again", nil, true, "[2 4] adopted [4]"},
		{"removed", os.RemoveAll, false, "[1 4] adopted [4] noted"},
		{"changed", func(cell string) error { return os.Remove(filepath.Join(cell, aiperf.ExportName)) }, false, "fault"},
		{"not ours", func(cell string) error { return os.MkdirAll(cell+"00", 0o755) }, false, "fault"},
		{"all removed", func(cell string) error { return os.RemoveAll(filepath.Dir(cell)) }, false, "[] adopted [] noted"},
	} {
		root := t.TempDir()
		x := Topology{Name: "a", Repeat: 1, Rounds: 1, Artifacts: artifacts.Of(root, "artifacts_3")}
		for _, c := range []int{1, 2} {
			cell := Cell{CellID: artifacts.CellID{Topology: "a", Concurrency: c, Repeat: 1}, Path: x.Artifacts.Cell(c),
				sum: published(t, root, "artifacts_3", c, []byte("{}"), c > 1)}
			if cell.Verdict.State = verdict.Valid; c == 1 {
				cell.Verdict.State = verdict.Invalid
			}
			x.finish(cell)
		}
		published(t, root, "artifacts_3", 4, []byte("{}"), true) // killed before its journal line
		if row.change != nil {
			if err := row.change(x.Artifacts.Cell(2)); err != nil {
				t.Fatal(err)
			}
		}
		levels := func(cells []Cell) (all []int) {
			for _, c := range cells {
				all = append(all, c.Concurrency)
			}
			return all
		}
		adopted, notes, err := x.verify(row.again)
		got := fmt.Sprintf("%v adopted %v", levels(x.Cells), levels(adopted))
		if len(notes) > 0 {
			got += " noted"
		}
		if err != nil {
			got = "fault"
		}
		if got != row.want {
			t.Errorf("%s: %s, want %s (%v, %v)", row.why, got, row.want, notes, err)
		}
	}
}

// A cell counts by its sidecar, which has a checksum: a line of the journal has none.
func TestTheSidecarOfAFinishedCellCounts(t *testing.T) {
	root := t.TempDir()
	x := Topology{Name: "a", Repeat: 1, Rounds: 1, Artifacts: artifacts.Of(root, "artifacts_0")}
	for c, state := range map[int]verdict.State{1: "vblid", 2: verdict.Valid} {
		x.finish(Cell{CellID: artifacts.CellID{Topology: "a", Concurrency: c, Repeat: 1}, Path: x.Artifacts.Cell(c), X: 1, Y: 1,
			Verdict: verdict.Verdict{State: state}, sum: published(t, root, "artifacts_0", c, []byte("{}"), c == 1)})
	}
	if _, _, err := x.verify(false); err != nil || len(x.Cells) != 2 {
		t.Fatalf("%v: %+v", err, x.Cells)
	}
	for _, c := range x.Cells {
		if valid := c.Concurrency == 1; (c.Verdict.State == verdict.Valid) != valid || c.Counts != valid || len(c.Verdict.Reasons) > 0 == valid {
			t.Errorf("concurrency %d is %+v", c.Concurrency, c)
		}
	}
}

func TestF8DWhatHasChanged(t *testing.T) {
	was := artifacts.Campaign{Release: "1", Profiles: []artifacts.Source{artifacts.SourceOf("p.yaml", "1", "a: 1\nb: 2\nc: 3\n", artifacts.Values{"vllm": "/a/vllm"})}}
	if same := (&Past{Campaign: was}).against(was); len(same) > 0 {
		t.Errorf("nothing has changed: %v", same)
	}
	now := artifacts.Campaign{Release: "2", Profiles: []artifacts.Source{artifacts.SourceOf("p.yaml", "2", "a: 1\nb: 4\nc: 3\n", artifacts.Values{"vllm": "/b/vllm"})}}
	got := fmt.Sprint((&Past{Campaign: was}).against(now))
	if want := "[{topobench 1 2} {p.yaml:2 b: 2 b: 4} {path of vllm /a/vllm /b/vllm}]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	a := artifacts.Deployment{Kind: "k", Round: 1, Machine: artifacts.Values{"driver": "5"}, Load: &artifacts.Load{Seed: 1},
		Adaptive: &artifacts.Adaptive{First: 2}}
	b := a
	b.Round, b.Adaptive = 3, nil
	if same := changed(a, b); len(same) > 0 {
		t.Errorf("another round of the same setup: %v", same)
	}
	b.Machine, b.Load = artifacts.Values{"driver": "6", "host": "h"}, &artifacts.Load{Seed: 2}
	if got, want := fmt.Sprint(changed(a, b)), "[{load random_seed 1 2} {machine driver 5 6} {machine host none h}]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The next launch of a campaign of 1,008 finished cells begins in less than a second.
func BenchmarkResumeOfAThousandCells(b *testing.B) {
	const rounds = 56
	root, levels := b.TempDir(), []int{1, 2, 4, 8, 16, 32, 64, 128, 256}
	export := bytes.Repeat([]byte(`{"k": 1}`+strings.Repeat(" ", 1016)), 64)
	p, err := profile.Reader{}.Parse("a.yaml", []byte("{name: a, kind: ka, engine: mocker, model: m, aggregated: {workers: 8}}"))
	if err != nil {
		b.Fatal(err)
	}
	made, err := plan.Make(p, plan.Installation{}, aiperf.Options{})
	if err != nil {
		b.Fatal(err)
	}
	sides := Arms(preflight.Topology{Profile: p, Plan: made})
	var events []journal.Event
	checks := slices.Repeat([]verdict.Check{{Name: "run", State: verdict.Note, Detail: strings.Repeat("x", 100)}}, 10)
	for round := 1; round <= rounds; round++ {
		for i, side := range sides {
			name := fmt.Sprintf("artifacts_%d", 2*(round-1)+i)
			events = append(events, journal.LaunchBegin{Topology: side.Profile.Name, Round: round, Artifacts: name, Plan: side.Plan})
			for _, level := range levels {
				events = append(events, journal.CellDone{Topology: side.Profile.Name, Round: round, Concurrency: level, State: verdict.Valid,
					Checks: checks, Artifacts: name, SHA256: published(b, root, name, level, export, true)})
			}
		}
	}
	dead(b, root, "20260101-000000-0001", artifacts.Campaign{}, append(events, journal.Crashed{})...)
	b.ReportAllocs()
	for b.Loop() {
		past, err := FindPast(root, "", false)
		if err != nil {
			b.Fatal(err)
		}
		next := past.Next()
		b.StopTimer()
		r, _ := newRunner(b, Options{Root: root, Past: past, Campaign: &next})
		r.schedule = LadderOf(sides, rounds+1)
		b.StartTimer()
		if err := r.begin(sides); err != nil {
			b.Fatal(err)
		}
		id, more := r.upcoming()
		if !more || id.Repeat != rounds+1 || len(r.done) != 18*rounds {
			b.Fatalf("%v of %d cells is next", id, len(r.done))
		}
		b.StopTimer() // the journal of this run has no end: the next iteration would take it for a running one
		if err := errors.Join(r.Close(nil), os.RemoveAll(r.Dir.Path())); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

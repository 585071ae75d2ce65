package artifacts

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// wantNames fails unless dir contains exactly these names.
func wantNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names in %s (-want +got):\n%s", dir, diff)
	}
}

func TestNextArtifactsTakesTheLowestFreeNumber(t *testing.T) {
	d := create(t)
	for _, taken := range []string{"artifacts_0", "artifacts_2"} {
		if err := os.Mkdir(filepath.Join(d.Root(), taken), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []int{1, 3} {
		got, err := d.NextArtifacts()
		if err != nil || got.N != want || got.Path != filepath.Join(d.Root(), got.Name()) {
			t.Errorf("got %+v, want number %d (%v)", got, want, err)
		}
	}
}

func TestNextArtifactsIsUnique(t *testing.T) {
	d := create(t)
	const takers = 16
	taken := make([]int, takers)
	var wg sync.WaitGroup
	for range takers {
		wg.Go(func() {
			a, err := d.NextArtifacts()
			if err != nil || a.N >= takers {
				t.Errorf("got %+v (%v)", a, err)
				return
			}
			taken[a.N]++ // the race detector sees two takers of one number
		})
	}
	wg.Wait()
	for n, count := range taken {
		if count != 1 {
			t.Errorf("artifacts_%d was created %d times", n, count)
		}
	}
}

// attempt creates the files of aiperf 0.13 and those that topobench adds.
func attempt(t *testing.T, d *Dir, k int) string {
	t.Helper()
	path, err := d.Attempt(cell("demo", 4), k)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		".aiperf_results_ready.json", "inputs.json", "phase_manifest.json", "profile_export.jsonl",
		"profile_export_aiperf.csv", "profile_export_aiperf.json", "profile_export_console.txt",
		"aiperf.log", ".tmp-1", "logs/aiperf.log",
		"phases/warmup/profile_export_aiperf.json", "phases/profiling/profile_export_aiperf.json",
	} {
		write(t, filepath.Join(path, name), name)
	}
	return path
}

func artifacts(t *testing.T, d *Dir) Artifacts {
	t.Helper()
	a, err := d.NextArtifacts()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestPublishWritesTheExportAndTheVerdict(t *testing.T) {
	d := create(t)
	a, raw := artifacts(t, d), attempt(t, d, 1)
	if err := os.Truncate(filepath.Join(raw, "inputs.json"), maxInputs+1); err != nil {
		t.Fatal(err)
	}
	if err := Publish(raw, a.Cell(4), []byte(`{"valid":true}`)); err != nil {
		t.Fatal(err)
	}
	cell := filepath.Join(d.Root(), "artifacts_0", "-concurrency4")
	wantNames(t, cell, ".aiperf_results_ready.json", "phase_manifest.json", "profile_export.jsonl",
		"profile_export_aiperf.csv", "profile_export_aiperf.json", "profile_export_console.txt", "topobench.json")
	wantNames(t, filepath.Dir(raw), "attempt-1")
	for _, name := range []string{"phases/warmup/profile_export_aiperf.json", "inputs.json"} {
		if !exists(filepath.Join(raw, name)) {
			t.Errorf("the attempt lost %s", name)
		}
	}
	data, err := os.ReadFile(filepath.Join(cell, SidecarName))
	if err != nil || string(data) != `{"valid":true}` {
		t.Errorf("sidecar %q (%v)", data, err)
	}
}

func TestPublishIncludesSmallInputs(t *testing.T) {
	d := create(t)
	a := artifacts(t, d)
	if err := Publish(attempt(t, d, 1), a.Cell(4), nil); err != nil {
		t.Fatal(err)
	}
	if !exists(filepath.Join(a.Cell(4), "inputs.json")) {
		t.Error("inputs.json is missing")
	}
}

// upstreamPoints returns the points that plot_pareto.py would draw of artifacts_N.
func upstreamPoints(t *testing.T, root string) (points []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if e.Name() == "profile_export_aiperf.json" {
			points = append(points, strings.TrimPrefix(path, root))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return points
}

func TestPublishedCellIsOnePointForUpstream(t *testing.T) {
	d := create(t)
	a := artifacts(t, d)
	if err := Publish(attempt(t, d, 1), a.Cell(4), nil); err != nil {
		t.Fatal(err)
	}
	want := []string{"/-concurrency4/profile_export_aiperf.json"}
	if diff := cmp.Diff(want, upstreamPoints(t, a.Path)); diff != "" {
		t.Errorf("points (-want +got):\n%s", diff)
	}
}

func TestPublishNeverOverwrites(t *testing.T) {
	d := create(t)
	a := artifacts(t, d)
	if err := Publish(attempt(t, d, 1), a.Cell(4), []byte("first")); err != nil {
		t.Fatal(err)
	}
	second := attempt(t, d, 2)
	wantError(t, Publish(second, a.Cell(4), []byte("second")), "cannot publish", "-concurrency4", "never overwrites")
	data, err := os.ReadFile(filepath.Join(a.Cell(4), SidecarName))
	if err != nil || string(data) != "first" {
		t.Errorf("sidecar %q (%v)", data, err)
	}
	wantNames(t, filepath.Dir(second), "attempt-1", "attempt-2")
}

func TestPublishThatFailsLeavesNothing(t *testing.T) {
	d := create(t)
	a, raw := artifacts(t, d), attempt(t, d, 1)
	if err := os.Remove(a.Path); err != nil {
		t.Fatal(err)
	}
	wantError(t, Publish(raw, a.Cell(4), nil), "cannot publish", "no such file")
	wantNames(t, filepath.Dir(raw), "attempt-1")
	wantError(t, Publish(filepath.Join(filepath.Dir(raw), "attempt-9"), a.Cell(4), nil), "cannot publish")
	wantNames(t, filepath.Dir(raw), "attempt-1")
}

func TestCopyFile(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	write(t, from, "content")
	if err := copyFile(from, to); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(to)
	if err != nil || string(data) != "content" {
		t.Errorf("got %q (%v)", data, err)
	}
	if err := copyFile(from, to); err == nil {
		t.Error("a copy overwrote a file")
	}
}

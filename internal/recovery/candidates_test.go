package recovery

import (
	"errors"
	"io/fs"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// abandon is a run whose owner died.
func abandon(t *testing.T, root, temp, id string) *Run {
	t.Helper()
	r, err := Create(root, temp, id)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.unlock(); err != nil { // as the kernel does
		t.Fatal(err)
	}
	return r
}

// Temporary directories point to their runs, whatever the artifacts roots are.
func TestCandidatesAreKilledAndLivingRuns(t *testing.T) {
	temp := t.TempDir()
	killed := abandon(t, t.TempDir(), temp, "a")
	live, err := Create(t.TempDir(), temp, "b")
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	closed, err := Create(t.TempDir(), temp, "c")
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	runs, err := candidates(temp)
	if err != nil {
		t.Fatal(err)
	}
	want := map[candidate]bool{{killed.TempDir(), killed.Path()}: true, {live.TempDir(), live.Path()}: true}
	got := map[candidate]bool{}
	for _, l := range runs {
		got[l] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}

// A temporary directory outlives the run's own directory, until clean; Open refuses it while its owner runs.
func TestOpenStale(t *testing.T) {
	temp := t.TempDir()
	d, err := Create(t.TempDir(), temp, "a")
	if err != nil {
		t.Fatal(err)
	}
	l := candidate{d.TempDir(), d.Path()}
	if err := os.RemoveAll(d.Root()); err != nil {
		t.Fatal(err)
	}
	_, err = openStale(l)
	if _, live := errors.AsType[*LiveError](err); !live {
		t.Errorf("its owner is running: %v", err)
	}
	if err := d.unlock(); err != nil {
		t.Fatal(err)
	}
	w, err := openStale(l)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if _, err := openStale(l); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a second time: %v", err)
	}
	there := abandon(t, t.TempDir(), temp, "b")
	_, err = openStale(candidate{there.TempDir(), there.Path()})
	wantError(t, err, there.Path(), there.TempDir())
}

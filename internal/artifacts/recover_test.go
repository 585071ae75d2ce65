package artifacts

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// abandon is a run whose owner died after it had journalled the events.
func abandon(t *testing.T, root, temp, id string, events ...string) *Dir {
	t.Helper()
	d, err := Create(root, temp, id)
	if err != nil {
		t.Fatal(err)
	}
	j, err := d.Journal()
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range events {
		if err := j.Append(event, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Leave(); err != nil { // as the kernel does
		t.Fatal(err)
	}
	return d
}

func journalled(t *testing.T, path string) (events []string) {
	t.Helper()
	entries, err := ReadJournal(filepath.Join(path, JournalName))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		events = append(events, e.Event)
	}
	return events
}

// Whatever their roots are: the temporary directories lead to them.
func TestUnfinishedFindsKilledAndLivingRuns(t *testing.T) {
	temp := t.TempDir()
	killed := abandon(t, t.TempDir(), temp, "a", "start")
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
	runs, err := Unfinished(temp)
	if err != nil {
		t.Fatal(err)
	}
	want := map[Lead]bool{{killed.TempDir(), killed.Path()}: true, {live.TempDir(), live.Path()}: true}
	got := map[Lead]bool{}
	for _, l := range runs {
		got[l] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}

func TestFinishEndsAJournalOnce(t *testing.T) {
	for _, row := range []struct {
		why          string
		before, want []string
		fields       map[string]any
	}{
		{"a run that was killed", []string{"start"}, []string{"start", EventCrashed}, nil},
		{"one killed after its end", []string{"start", EventEnd}, []string{"start", EventEnd}, nil},
		{"one that ended and left something", []string{EventEnd}, []string{EventEnd, EventCleaned}, map[string]any{"ended": 1}},
		{"one that was finished and had a note added", []string{EventCrashed, EventCleaned}, []string{EventCrashed, EventCleaned}, nil},
	} {
		d := abandon(t, t.TempDir(), t.TempDir(), "a", row.before...)
		if err := errors.Join(d.Finish(row.fields), d.Finish(nil)); err != nil {
			t.Errorf("%s: %v", row.why, err)
		}
		if diff := cmp.Diff(row.want, journalled(t, d.Path())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.why, diff)
		}
	}
}

// What came to its end and left something is not done with until somebody cleaned it.
func TestF57DirtyEndIsNoEnd(t *testing.T) {
	d := abandon(t, t.TempDir(), t.TempDir(), "a")
	j, err := d.Journal()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(j.Append(EventEnd, map[string]any{"dirty": true}), j.Append("note", nil), j.Close()); err != nil {
		t.Fatal(err)
	}
	if Ended(d.Path()) || EndOf(d.Path()) != EndDirty {
		t.Errorf("it is %s", EndOf(d.Path()))
	}
	if err := errors.Join(d.Finish(nil), d.Finish(nil)); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{EventEnd, "note", EventCleaned}, journalled(t, d.Path())); diff != "" || !Ended(d.Path()) {
		t.Errorf("it is %s (-want +got):\n%s", EndOf(d.Path()), diff)
	}
}

// A temporary directory outlives the run's own directory, unless its owner lives.
func TestWidow(t *testing.T) {
	temp := t.TempDir()
	d, err := Create(t.TempDir(), temp, "a")
	if err != nil {
		t.Fatal(err)
	}
	l := Lead{d.TempDir(), d.Path()}
	if err := os.RemoveAll(d.Root()); err != nil {
		t.Fatal(err)
	}
	_, err = Widow(l)
	if _, live := errors.AsType[*LiveError](err); !live {
		t.Errorf("its owner lives: %v", err)
	}
	if err := d.Leave(); err != nil {
		t.Fatal(err)
	}
	w, err := Widow(l)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if _, err := Widow(l); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a second time: %v", err)
	}
	there := abandon(t, t.TempDir(), temp, "b")
	_, err = Widow(Lead{there.TempDir(), there.Path()})
	wantError(t, err, there.Path(), there.TempDir())
}

func TestFinishSaysThatAJournalIsDamaged(t *testing.T) {
	d := abandon(t, t.TempDir(), t.TempDir(), "a")
	write(t, filepath.Join(d.Path(), JournalName), "no journal\n")
	wantError(t, d.Finish(nil), "run a had crashed", "is damaged")
}

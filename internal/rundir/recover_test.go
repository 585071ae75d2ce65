package rundir

import (
	"errors"
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
	want := map[string]bool{killed.Path(): true, live.Path(): true}
	got := map[string]bool{}
	for _, run := range runs {
		got[run] = true
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

func TestFinishSaysThatAJournalIsDamaged(t *testing.T) {
	d := abandon(t, t.TempDir(), t.TempDir(), "a")
	write(t, filepath.Join(d.Path(), JournalName), "no journal\n")
	wantError(t, d.Finish(nil), "run a had crashed", "is damaged")
}

package journal

import (
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFinishEndsAJournalOnce(t *testing.T) {
	start := Smoke{}
	for _, row := range []struct {
		why    string
		before []Event
		found  Recovered
		want   []string
	}{
		{"a run that was killed", []Event{start}, Recovered{}, []string{"smoke", "crashed"}},
		{"one killed after its end", []Event{start, RunEnd{}}, Recovered{}, []string{"smoke", "run-end"}},
		{"one that ended and left something", []Event{RunEnd{}}, Recovered{Killed: []string{"1"}},
			[]string{"run-end", "cleaned"}},
		{"one that ended and left shared memory", []Event{RunEnd{}}, Recovered{Shm: []string{"x"}},
			[]string{"run-end", "cleaned"}},
		{"one that was finished and had a note added", []Event{Crashed{}, Cleaned{}}, Recovered{},
			[]string{"crashed", "cleaned"}},
	} {
		path := journalPath(t)
		record(t, path, row.before...)
		if err := errors.Join(Finish(path, row.found), Finish(path, Recovered{})); err != nil {
			t.Errorf("%s: %v", row.why, err)
		}
		if diff := cmp.Diff(row.want, kinds(t, path)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.why, diff)
		}
		if end := EndOf(path); end != EndClean {
			t.Errorf("%s: its end is %s", row.why, end)
		}
	}
}

// The torn last line of a killed run is cut off, and the last event has its length.
func TestF5AFinishCutsTheTornTail(t *testing.T) {
	path := journalPath(t)
	record(t, path, Smoke{})
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, string(text)+`{"seq":2,`)
	if err := Finish(path, Recovered{}); err != nil {
		t.Fatal(err)
	}
	records, err := Read(path)
	if err != nil || len(records) != 2 || records[1].Event.(Crashed).Torn != len(`{"seq":2,`) {
		t.Errorf("%v: %+v", err, records)
	}
}

// A run that ended and left something is unfinished until it is cleaned.
func TestF57DirtyEndIsNoEnd(t *testing.T) {
	path := journalPath(t)
	record(t, path, RunEnd{Dirty: true}, Smoke{})
	if end := EndOf(path); end != EndDirty {
		t.Errorf("its end is %s", end)
	}
	if err := errors.Join(Finish(path, Recovered{}), Finish(path, Recovered{})); err != nil {
		t.Error(err)
	}
	diff := cmp.Diff([]string{"run-end", "smoke", "cleaned"}, kinds(t, path))
	if diff != "" || EndOf(path) != EndClean {
		t.Errorf("its end is %s (-want +got):\n%s", EndOf(path), diff)
	}
}

// A damaged journal is not that of a run that crashed, and Finish leaves it as it is.
func TestDamagedJournalHasAnEndOfItsOwn(t *testing.T) {
	path := journalPath(t)
	write(t, path, "no journal\n")
	if end := EndOf(path); end != EndDamaged {
		t.Errorf("its end is %s", end)
	}
	err := Finish(path, Recovered{})
	wantError(t, err, "cannot finish the journal of run", "byte 0 is damaged")
	if damage, ok := errors.AsType[*DamageError](err); !ok || damage.Byte != 0 {
		t.Errorf("error %v, want a *DamageError at byte 0", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "no journal\n" {
		t.Errorf("the journal is now %q (%v)", text, err)
	}
}

func TestMissingJournalHasNoEnd(t *testing.T) {
	if end := EndOf(journalPath(t)); end != NoEnd {
		t.Errorf("its end is %s", end)
	}
}

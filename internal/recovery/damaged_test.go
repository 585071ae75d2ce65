package recovery

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"topobench/internal/journal"
)

// spoil appends text to the journal of a run, and returns the offset of the text.
func (b bed) spoil(run *Run, text string) int64 {
	b.Helper()
	f, err := os.OpenFile(filepath.Join(run.Path(), journal.Name), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		b.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		b.Fatal(err)
	}
	f.Close()
	return info.Size()
}

// A crash may tear the last line of a journal. That is no damage.
func TestTornJournalIsThatOfACrash(t *testing.T) {
	b := newBed(t)
	p := b.start("", nil, "/bin/sleep", "60")
	run := b.dead(b.deadOwner(), journal.Child{Name: "svc", PID: p.PID, Ticks: p.Ticks})
	b.spoil(run, `{"seq":3,"time`)
	if f := b.clean(b.cleaner()); f.Killed != 1 || f.Err != nil || f.Fate != Crashed || !ended(run.Path()) {
		t.Errorf("found %+v", f)
	}
}

// Clean reports the byte of the damage, kills what the run started before it, and leaves
// the journal as it is.
func TestDamagedJournalIsReportedAndItsRunCleaned(t *testing.T) {
	for _, row := range []struct {
		why    string
		before []journal.Event
	}{
		{"of a run that was killed", nil},
		{"of a run that ended DIRTY", []journal.Event{journal.RunEnd{Dirty: true}}},
	} {
		t.Run(row.why, func(t *testing.T) {
			b := newBed(t)
			p := b.start("", nil, "/bin/sleep", "60")
			started := []journal.Event{journal.Child{Name: "svc", PID: p.PID, Ticks: p.Ticks}}
			run := b.dead(b.deadOwner(), append(started, row.before...)...)
			at := b.spoil(run, "nonsense\n{}\n")
			dry := b.cleaner()
			dry.DryRun = true
			for _, c := range []Cleaner{dry, b.cleaner()} {
				f := b.clean(c)
				damage, ok := errors.AsType[*journal.DamageError](f.Err)
				if !ok || damage.Byte != at || f.Fate != Damaged || f.Killed != 1 || f.Temp != run.TempDir() {
					t.Errorf("found %+v, want damage at byte %d", f, at)
				}
				if c.DryRun {
					b.running(p)
				}
			}
			text, err := os.ReadFile(filepath.Join(run.Path(), journal.Name))
			if err != nil || !strings.HasSuffix(string(text), "nonsense\n{}\n") {
				t.Errorf("the journal is now %s (%v)", text, err)
			}
			if len(b.Living()) > 0 || exists(run.TempDir()) {
				t.Errorf("still running %v, temporary directory exists: %t", b.Living(), exists(run.TempDir()))
			}
			if all, err := b.cleaner().Clean(t.Context()); err != nil || len(all) > 0 {
				t.Errorf("a second time: %+v, %v", all, err)
			}
		})
	}
}

// A journal that is damaged at its first line does not show the owner, nor the age of its
// processes: clean kills none, names them, and keeps the way to the run.
func TestJournalDamagedAtItsFirstLine(t *testing.T) {
	b := newBed(t)
	run := b.dead(b.deadOwner())
	write(t, filepath.Join(run.Path(), journal.Name), "nonsense\n")
	p := b.start("", []string{b.cookie()}, "/bin/sleep", "60")
	f := b.clean(b.cleaner())
	if f.Fate != Unknown || len(f.Left) != 1 || !f.Left[0].Same(p) || f.Err == nil || !exists(run.TempDir()) {
		t.Errorf("found %+v", f)
	}
	b.running(p)
	b.kill(p)
	reap(t)
	if f := b.clean(b.cleaner()); f.Fate != Damaged || f.Err == nil || exists(run.TempDir()) {
		t.Errorf("found %+v", f)
	}
}

// A run that ended and was killed before it had removed its temporary directory is not DIRTY.
func TestRunThatEndedBeforeItWasKilled(t *testing.T) {
	b := newBed(t)
	run := b.dead(b.deadOwner(), journal.RunEnd{})
	if f := b.clean(b.cleaner()); f.Fate != Ended || f.Err != nil || f.Temp != run.TempDir() || exists(run.TempDir()) {
		t.Errorf("found %+v", f)
	}
}

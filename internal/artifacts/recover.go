package artifacts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Events that end a journal: by the run itself, and by who finished it.
const (
	EventEnd     = "run-end" // with dirty: true if something was left
	EventCrashed = "crashed"
	EventCleaned = "cleaned" // after one of the others: what was left is gone
)

// Lead is a temporary directory and the run that its pointer names.
type Lead struct{ Temp, Run string }

// Unfinished lists the runs to which this user's temporary directories below temp
// ("" is DefaultTemp) lead: those that live, and those whose owner was killed.
// Nothing that is read here is believed: Open tells whether it is such a run.
func Unfinished(temp string) ([]Lead, error) {
	if temp == "" {
		temp = DefaultTemp
	}
	entries, err := os.ReadDir(temp)
	if err != nil {
		return nil, cannot("list the temporary directories in", temp, err)
	}
	var leads []Lead
	for _, e := range entries {
		path := filepath.Join(temp, e.Name())
		if !strings.HasPrefix(e.Name(), tempPrefix) || !Mine(path) {
			continue
		}
		if run := (&tempDir{path: path}).target(); run != "" {
			leads = append(leads, Lead{Temp: path, Run: run})
		}
	}
	return leads, nil
}

// Widow takes over the temporary directory of a run whose own directory is gone, with
// the lock, so that Close removes it. While the owner lives it fails with *LiveError, and
// with fs.ErrNotExist where somebody else has removed it.
func Widow(l Lead) (*Dir, error) {
	temp, err := openTempDir(l.Temp)
	if err == nil && temp.lock != nil {
		err = temp.take()
	}
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return nil, &LiveError{Path: l.Run}
	case err != nil:
		return nil, err
	case temp.target() != l.Run:
		return nil, errors.Join(cannot("take over", l.Temp, fs.ErrNotExist), temp.leave())
	}
	if _, err := os.Lstat(l.Run); !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(fmt.Errorf("cannot tell what run %s left: there is %s, but not the %s that it had; end what has TOPOBENCH_RUN=%s in its environment, and remove %s",
			filepath.Base(l.Run), l.Run, markerName, filepath.Base(l.Run), l.Temp), err, temp.leave())
	}
	return &Dir{id: filepath.Base(l.Run), root: filepath.Dir(filepath.Dir(l.Run)), path: l.Run, temp: temp}, nil
}

// Finish ends the journal of a run whose owner is gone with EventCrashed. A journal
// that has an end gets EventCleaned, if it says that something was left, or fields
// say that there was something to clean.
func (d *Dir) Finish(fields map[string]any) error {
	event := EventCleaned
	switch EndOf(d.path) {
	case NoEnd:
		event = EventCrashed
	case EndClean:
		if len(fields) == 0 {
			return nil
		}
	}
	if fields == nil {
		fields = map[string]any{}
	}
	j, err := d.Journal()
	if err != nil {
		return fmt.Errorf("run %s had crashed: %w", d.id, err)
	}
	return errors.Join(j.AppendDurable(event, fields), j.Close())
}

// End is how the journal of a run ends.
type End string

// Every end.
const (
	NoEnd    End = "none"  // it lives, or its owner was killed
	EndDirty End = "dirty" // its owner came to the end and left something, and nobody has cleaned it
	EndClean End = "clean" // nothing is to be done
)

// EndOf reads how the journal of the run at path ends. What others noted after an end
// does not take it away.
func EndOf(path string) End {
	end := NoEnd
	entries, err := ReadJournal(filepath.Join(path, JournalName))
	if err != nil {
		return NoEnd
	}
	for _, e := range entries {
		switch e.Event {
		case EventEnd:
			var fields struct{ Dirty bool }
			if end = EndClean; e.Decode(&fields) == nil && fields.Dirty {
				end = EndDirty
			}
		case EventCrashed, EventCleaned:
			end = EndClean
		}
	}
	return end
}

// Ended reports whether nothing is to be done about the run at path.
func Ended(path string) bool { return EndOf(path) == EndClean }

// Unlocked reports whether the run has no temporary directory of its own: it was
// closed, or somebody emptied the place where it lay.
func (d *Dir) Unlocked() bool { return d.temp.lock == nil }

// Leave gives up the lock and leaves the temporary directory where it is, for a
// later process to finish the run.
func (d *Dir) Leave() error { return d.temp.leave() }

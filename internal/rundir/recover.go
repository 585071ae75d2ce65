package rundir

import (
	"errors"
	"fmt"
	"path/filepath"
)

// Events that end a journal: by the run itself, and by who finished it.
const (
	EventEnd     = "run-end"
	EventCrashed = "crashed"
)

// Recover finishes the runs below root whose owner was killed: EventCrashed ends
// their journal, and their temporary directory is removed. It returns their ids.
//
// A temporary directory that is there, is the run's own and is locked by nobody is
// what tells such a run: the rest is not looked at (a tenth of a millisecond each)
// and left alone, as are runs that live, and those of other machines and users.
func Recover(root string) (crashed []string, err error) {
	runs, err := List(root)
	faults := []error{err}
	for _, path := range runs {
		d, err := Open(path)
		if err != nil || d.temp.lock == nil {
			continue // not ours to finish, or finished
		}
		faults = append(faults, d.endJournal())
		if err := d.Close(); err != nil {
			faults = append(faults, err)
			continue
		}
		crashed = append(crashed, d.id)
	}
	return crashed, errors.Join(faults...)
}

// endJournal says of a run whose owner is gone that it crashed, unless its journal
// has an end.
func (d *Dir) endJournal() error {
	entries, err := ReadJournal(filepath.Join(d.path, JournalName))
	if n := len(entries); err == nil && n > 0 && (entries[n-1].Event == EventEnd || entries[n-1].Event == EventCrashed) {
		return nil
	}
	j, err := d.Journal()
	if err != nil {
		return fmt.Errorf("run %s had crashed: %w", d.id, err)
	}
	return errors.Join(j.AppendDurable(EventCrashed, nil), j.Close())
}

package rundir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Events that end a journal: by the run itself, and by who finished it.
const (
	EventEnd     = "run-end"
	EventCrashed = "crashed"
	EventCleaned = "cleaned" // after one of the others: what was left is gone
)

// Unfinished lists the runs to which this user's temporary directories below temp
// ("" is DefaultTemp) lead: those that live, and those whose owner was killed.
// Nothing that is read here is believed: Open tells whether it is such a run.
func Unfinished(temp string) ([]string, error) {
	if temp == "" {
		temp = DefaultTemp
	}
	entries, err := os.ReadDir(temp)
	if err != nil {
		return nil, cannot("list the temporary directories in", temp, err)
	}
	var runs []string
	for _, e := range entries {
		path := filepath.Join(temp, e.Name())
		if !strings.HasPrefix(e.Name(), tempPrefix) || !Mine(path) {
			continue
		}
		if run := (&tempDir{path: path}).target(); run != "" {
			runs = append(runs, run)
		}
	}
	return runs, nil
}

// Finish ends the journal of a run whose owner is gone with EventCrashed. A journal
// that has an end gets EventCleaned, if fields say that there was something to clean.
func (d *Dir) Finish(fields map[string]any) error {
	event := EventCrashed
	if Ended(d.path) {
		event = EventCleaned
	}
	if len(fields) == 0 {
		if event == EventCleaned {
			return nil
		}
		fields = map[string]any{}
	}
	j, err := d.Journal()
	if err != nil {
		return fmt.Errorf("run %s had crashed: %w", d.id, err)
	}
	return errors.Join(j.AppendDurable(event, fields), j.Close())
}

// Ended reports whether the journal of the run at path has an end. What others
// noted after it does not take it away.
func Ended(path string) bool {
	entries, err := ReadJournal(filepath.Join(path, JournalName))
	if err != nil {
		return false
	}
	for _, e := range entries {
		if e.Event == EventEnd || e.Event == EventCrashed {
			return true
		}
	}
	return false
}

// Unlocked reports whether the run has no temporary directory of its own: it was
// closed, or somebody emptied the place where it lay.
func (d *Dir) Unlocked() bool { return d.temp.lock == nil }

// Leave gives up the lock and leaves the temporary directory where it is, for a
// later process to finish the run.
func (d *Dir) Leave() error { return d.temp.leave() }

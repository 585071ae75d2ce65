package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"topobench/internal/artifacts"
)

// Record is one line of a journal.
type Record struct {
	Seq    int // counts from 1
	Time   time.Time
	Millis int64 // since the journal was opened, monotonic
	Event  Event
}

// Read returns the records of a journal, also while a run writes it: it leaves out a last
// line without its newline. A bad line before that is a *DamageError, and Read returns the
// records before it as well.
func Read(path string) ([]Record, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, artifacts.Cannot("read the journal", path, err)
	}
	records, _, err := parse(data)
	if err != nil {
		return records, fmt.Errorf("cannot read the journal %s: %w", path, err)
	}
	return records, nil
}

// DamageError reports a line that cannot be read. Byte is its offset in the file.
type DamageError struct {
	Byte int64
	Err  error
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("the line at byte %d is damaged: %v", e.Byte, e.Err)
}

// Unwrap returns the cause.
func (e *DamageError) Unwrap() error { return e.Err }

// parse returns the good records and the offset behind the last of them.
func parse(data []byte) (records []Record, end int64, err error) {
	for rest := data; ; {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		if !whole {
			return records, end, nil
		}
		r, err := parseLine(line, len(records)+1)
		if err != nil {
			return records, end, &DamageError{end, err}
		}
		records, end, rest = append(records, r), end+int64(len(line))+1, after
	}
}

// parseLine reads the line with number seq.
func parseLine(line []byte, seq int) (Record, error) {
	var h head
	if err := json.Unmarshal(line, &h); err != nil {
		return Record{}, err
	}
	if !intact(line) {
		return Record{}, errors.New("its bytes do not match its checksum")
	}
	if h.Seq != seq {
		return Record{}, fmt.Errorf("it has seq %d where %d is due", h.Seq, seq)
	}
	if h.Event == "" {
		return Record{}, errors.New("it has no event")
	}
	event, err := decode(h.Event, line)
	if err != nil {
		return Record{}, fmt.Errorf("cannot read event %q: %w", h.Event, err)
	}
	return Record{Seq: h.Seq, Time: h.Time, Millis: h.Millis, Event: event}, nil
}

// End is the state of a run by its journal.
type End string

// Every end.
const (
	NoEnd      End = "none"    // the run is still running, or it was killed
	EndDirty   End = "dirty"   // the run ended by itself and left something that is not cleaned yet
	EndClean   End = "clean"   // nothing remains to be done
	EndDamaged End = "damaged" // a damaged line hides the end
)

// EndOf reads the end of the journal at path. Events after an end do not undo it. A
// missing journal, or one that cannot be opened, has no end.
func EndOf(path string) End {
	records, err := Read(path)
	if _, damaged := errors.AsType[*DamageError](err); damaged {
		return EndDamaged
	}
	return EndIn(records)
}

// EndIn is the end in the records of a whole journal.
func EndIn(records []Record) End {
	end := NoEnd
	for _, r := range records {
		switch e := r.Event.(type) {
		case RunEnd:
			if end = EndClean; e.Dirty {
				end = EndDirty
			}
		case Crashed, Cleaned:
			end = EndClean
		}
	}
	return end
}

// Finish ends the journal at path for a run whose owner is gone: with Crashed if it
// has no end, with Cleaned if it ended dirty or if r is not empty. A damaged journal is
// an error and stays as it is.
func Finish(path string, r Recovered) error {
	end := EndOf(path)
	if end == EndClean && len(r.Killed)+len(r.Shm) == 0 {
		return nil
	}
	f, err := openFile(path)
	if err != nil {
		return fmt.Errorf("cannot finish the journal of run %s: %w", filepath.Base(filepath.Dir(path)), err)
	}
	r.Torn = f.cut
	var last Event = Cleaned{r}
	if end == NoEnd {
		last = Crashed{r}
	}
	return errors.Join(f.append(time.Now(), last, true), f.close())
}

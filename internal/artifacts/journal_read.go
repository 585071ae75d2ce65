package artifacts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"
)

// Entry is one line of a journal.
type Entry struct {
	Seq    int
	Time   time.Time
	Millis int64 // since the journal was opened, monotonic
	Event  string
	Line   json.RawMessage // the whole object
}

// Decode stores the entry's fields in v, as json.Unmarshal does.
func (e Entry) Decode(v any) error {
	if err := json.Unmarshal(e.Line, v); err != nil {
		return fmt.Errorf("cannot read event %q (line %d of the journal): %w", e.Event, e.Seq, err)
	}
	return nil
}

// ReadJournal returns the lines of a journal, also while it is being written:
// a last line without its newline is left out. A bad line before that is an
// error that names its byte offset, and the good lines before it are returned.
func ReadJournal(path string) ([]Entry, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, cannot("read the journal", path, err)
	}
	entries, _, err := parseJournal(data)
	if err != nil {
		return entries, fmt.Errorf("cannot read the journal %s: %w", path, err)
	}
	return entries, nil
}

// parseJournal returns the good lines and the offset behind the last of them.
func parseJournal(data []byte) (entries []Entry, end int64, err error) {
	for rest := data; ; {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		if !whole {
			return entries, end, nil
		}
		entry, err := parseLine(line, len(entries)+1)
		if err != nil {
			return entries, end, fmt.Errorf("the line at byte %d is damaged: %w", end, err)
		}
		entries, end, rest = append(entries, entry), end+int64(len(line))+1, after
	}
}

// parseLine reads the line that must have number seq.
func parseLine(line []byte, seq int) (Entry, error) {
	var h head
	if err := json.Unmarshal(line, &h); err != nil {
		return Entry{}, err
	}
	if h.Seq != seq {
		return Entry{}, fmt.Errorf("it has seq %d where %d is due", h.Seq, seq)
	}
	if h.Event == "" {
		return Entry{}, fmt.Errorf("it has no event")
	}
	return Entry{Seq: h.Seq, Time: h.Time, Millis: h.Millis, Event: h.Event, Line: slices.Clip(line)}, nil
}

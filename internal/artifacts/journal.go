package artifacts

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"topobench/internal/text"
)

// JournalName is the journal's file in the run's directory.
const JournalName = "journal.ndjson"

// Journal is the append-only record of a run, one JSON object a line. It may
// be used by several goroutines, but by one process at a time.
type Journal struct {
	path  string
	start time.Time

	mu   sync.Mutex
	file *os.File
	seq  int   // of the last good line
	end  int64 // offset after the last good line, in bytes
	torn bool  // bytes of a failed append lie after end
}

// head opens every line. Millis is monotonic and counts from the opening of
// the journal, so that a step of the clock cannot change a duration.
type head struct {
	Seq    int       `json:"seq"`
	Time   time.Time `json:"time"` // UTC, RFC 3339 with nanoseconds
	Millis int64     `json:"ms"`
	Event  string    `json:"event"`
}

// Journal opens the run's journal.
func (d *Dir) Journal() (*Journal, error) { return OpenJournal(filepath.Join(d.path, JournalName)) }

// OpenJournal opens the journal at path, new or existing. A torn last line, as
// a crash leaves it, is cut off; any other fault is an error, because what is
// appended behind it could not be trusted.
func OpenJournal(path string) (*Journal, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, cannot("open the journal", path, err)
	}
	j := &Journal{path: path, start: time.Now(), file: file}
	if err := j.resume(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return j, nil
}

// resume sets the journal behind its last good line.
func (j *Journal) resume() error {
	data, err := os.ReadFile(j.path)
	if err != nil {
		return cannot("read the journal", j.path, err)
	}
	entries, end, err := parseJournal(data)
	if err != nil {
		return fmt.Errorf("cannot continue the journal %s: %w; start a new run", j.path, err)
	}
	j.seq, j.end, j.torn = len(entries), end, end < int64(len(data))
	if err := j.mend(); err != nil {
		return err
	}
	if err := text.Sync(filepath.Dir(j.path)); err != nil {
		return cannot("open the journal", j.path, err)
	}
	return nil
}

// Append writes one line. fields is nil, or a map or struct that marshals to a
// JSON object without the keys seq, time, ms and event. After an error the
// journal is as it was before.
func (j *Journal) Append(event string, fields any) error { return j.append(event, fields, false) }

// AppendDurable is Append that returns when the line, and all lines before it,
// are on the disk, under the journal's name. If only that fails, the line stays.
func (j *Journal) AppendDurable(event string, fields any) error { return j.append(event, fields, true) }

// Close brings the journal to the disk and closes it.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := errors.Join(j.file.Sync(), j.file.Close()); err != nil {
		return cannot("close the journal", j.path, err)
	}
	return nil
}

func (j *Journal) append(event string, fields any, durable bool) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	line, err := journalLine(head{Seq: j.seq + 1, Time: now.UTC(), Millis: now.Sub(j.start).Milliseconds(), Event: event}, fields)
	if err != nil {
		return fmt.Errorf("cannot journal %q: %w", event, err)
	}
	if err := j.mend(); err != nil {
		return err
	}
	if _, err := j.file.Write(line); err != nil {
		j.torn = true
		return errors.Join(cannot("append to the journal", j.path, err), j.mend())
	}
	j.seq, j.end = j.seq+1, j.end+int64(len(line))
	if !durable {
		return nil
	}
	if err := datasync(j.file); err != nil {
		return cannot("bring to the disk", j.path, err)
	}
	return j.reachable()
}

// reachable fails when the file under the journal's name is another one by
// now: what is written into a deleted file is lost.
func (j *Journal) reachable() error {
	named, err := os.Stat(j.path)
	if err != nil {
		return cannot("find the journal", j.path, err)
	}
	ours, err := j.file.Stat()
	if err != nil {
		return cannot("find the journal", j.path, err)
	}
	if !os.SameFile(named, ours) {
		return fmt.Errorf("cannot find the journal %s: another file has taken its place", j.path)
	}
	return nil
}

// mend cuts what a failed append left. Without that the next line would be
// glued to the torn one, and both would be lost.
func (j *Journal) mend() error {
	if !j.torn {
		return nil
	}
	if err := j.file.Truncate(j.end); err != nil {
		return cannot("cut the torn end of the journal", j.path, err)
	}
	j.torn = false
	return nil
}

// journalLine is h's members followed by those of fields, and a newline.
func journalLine(h head, fields any) ([]byte, error) {
	line, err := marshal(h)
	if err != nil || fields == nil {
		return append(line, '\n'), err
	}
	more, err := marshal(fields)
	if err != nil {
		return nil, err
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(more, &keys); err != nil || keys == nil {
		return nil, fmt.Errorf("its fields are no JSON object: %s", more)
	}
	// Whatever the case: encoding/json would read "Seq" as seq.
	for key := range keys {
		same := func(taken string) bool { return strings.EqualFold(taken, key) }
		if slices.ContainsFunc([]string{"seq", "time", "ms", "event"}, same) {
			return nil, fmt.Errorf("its fields hold %q, which every line has already", key)
		}
	}
	if len(keys) > 0 {
		line = append(append(line[:len(line)-1], ','), more[1:]...)
	}
	return append(line, '\n'), nil
}

// marshal is json.Marshal that leaves <, > and & readable.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

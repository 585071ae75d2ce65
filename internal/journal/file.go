package journal

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"topobench/internal/artifacts"
	"topobench/internal/text"
)

// Name is the journal's file in the run's directory.
const Name = "journal.ndjson"

// file is an append-only file of JSON objects, one a line, for one goroutine at a time.
type file struct {
	path  string
	start time.Time

	*os.File
	seq  int   // of the last good line
	end  int64 // offset after the last good line, in bytes
	torn bool  // bytes of a failed append follow end
	cut  int   // bytes of a torn last line that was there at the opening
	sync func(*os.File) error
}

// head opens every line. Millis is monotonic and counts from the opening of
// the journal, so that a step of the clock cannot change a duration.
type head struct {
	Seq    int       `json:"seq"`
	Time   time.Time `json:"time"` // UTC, RFC 3339 with nanoseconds
	Millis int64     `json:"ms"`
	Event  string    `json:"event"`
}

// openFile opens the journal at path, new or existing. It cuts off a torn last line,
// as a crash leaves it; any other damage is an error, because a reader stops there and
// would never reach the new lines.
func openFile(path string) (*file, error) {
	opened, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, artifacts.Cannot("open the journal", path, err)
	}
	j := &file{path: path, start: time.Now(), File: opened, sync: datasync}
	if err := j.resume(); err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	return j, nil
}

// resume sets the journal behind its last good line.
func (j *file) resume() error {
	data, err := os.ReadFile(j.path)
	if err != nil {
		return artifacts.Cannot("read the journal", j.path, err)
	}
	records, end, err := parse(data)
	if err != nil {
		return fmt.Errorf("cannot continue the journal %s: %w; start a new run", j.path, err)
	}
	j.seq, j.end, j.torn, j.cut = len(records), end, end < int64(len(data)), len(data)-int(end)
	if err := j.mend(); err != nil {
		return err
	}
	if err := text.Sync(filepath.Dir(j.path)); err != nil {
		return artifacts.Cannot("open the journal", j.path, err)
	}
	return nil
}

// append writes one line. A durable line is on the disk, with all lines before it,
// when append returns. After an error the file is as it was before.
func (j *file) append(at time.Time, e Event, durable bool) error {
	h := head{Seq: j.seq + 1, Time: at.UTC(), Millis: at.Sub(j.start).Milliseconds(), Event: e.Kind()}
	line, err := journalLine(h, e)
	if err != nil {
		return fmt.Errorf("cannot journal %q: %w", e.Kind(), err)
	}
	if err := j.mend(); err != nil {
		return err
	}
	if _, err := j.Write(line); err != nil {
		j.torn = true
		return errors.Join(artifacts.Cannot("append to the journal", j.path, err), j.mend())
	}
	j.seq, j.end = j.seq+1, j.end+int64(len(line))
	if !durable {
		return nil
	}
	if err := text.IfSupported(j.sync(j.File)); err != nil {
		return artifacts.Cannot("sync the journal", j.path, err)
	}
	return j.reachable()
}

// close syncs the file and closes it.
func (j *file) close() error {
	if err := errors.Join(text.IfSupported(j.sync(j.File)), j.Close()); err != nil {
		return artifacts.Cannot("close the journal", j.path, err)
	}
	return nil
}

// reachable fails when the journal's path no longer leads to this file: events in a
// deleted file are lost.
func (j *file) reachable() error {
	named, err := os.Stat(j.path)
	ours, own := j.Stat()
	if err := cmp.Or(err, own); err != nil {
		return artifacts.Cannot("find the journal", j.path, err)
	}
	if !os.SameFile(named, ours) {
		return fmt.Errorf("cannot find the journal %s: another file has taken its place", j.path)
	}
	return nil
}

// mend cuts off the bytes of a failed append. Otherwise the next line would continue the
// torn one, and both would be lost.
func (j *file) mend() error {
	if !j.torn {
		return nil
	}
	if err := j.Truncate(j.end); err != nil {
		return artifacts.Cannot("cut the torn end of the journal", j.path, err)
	}
	j.torn = false
	return nil
}

// journalLine has the members of h, those of e, the checksum, and a newline.
func journalLine(h head, e Event) ([]byte, error) {
	line, err := marshal(h)
	if err != nil {
		return nil, err
	}
	more, err := marshal(e)
	if err != nil {
		return nil, err
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(more, &keys); err != nil || keys == nil {
		return nil, fmt.Errorf("its fields are no JSON object: %s", more)
	}
	// In any case of letters: encoding/json would read "Seq" as seq.
	for key := range keys {
		same := func(taken string) bool { return strings.EqualFold(taken, key) }
		if slices.ContainsFunc([]string{"seq", "time", "ms", "event", "crc"}, same) {
			return nil, fmt.Errorf("its fields hold %q, which every line has already", key)
		}
	}
	if len(keys) > 0 {
		line = append(append(line[:len(line)-1], ','), more[1:]...)
	}
	return append(summed(line), '\n'), nil
}

// sumWidth is the length of the last member of a line, such as ,"crc":"e3069283"}
const sumWidth = len(`,"crc":"e3069283"}`)

// summed is an object with the CRC-32C of all bytes before that member. A bit that flips on the disk would otherwise
// change a number unnoticed.
func summed(object []byte) []byte {
	open := object[:len(object)-1]
	return fmt.Appendf(open, `,"crc":"%08x"}`, crc32.Checksum(open, crc32.MakeTable(crc32.Castagnoli)))
}

// intact reports whether a line matches its checksum. Journals of earlier versions have none.
func intact(line []byte) bool {
	open := line[:max(0, len(line)-sumWidth)]
	if !bytes.HasPrefix(line[len(open):], []byte(`,"crc":"`)) {
		return true
	}
	return bytes.Equal(line, summed(append(slices.Clone(open), '}')))
}

// marshal is json.Marshal that leaves <, > and & readable.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

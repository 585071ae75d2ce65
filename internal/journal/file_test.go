package journal

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// good is a journal of two lines.
const good = `{"seq":1,"time":"2026-11-24T09:48:05.5Z","ms":0,"event":"start","profile":"demo"}
{"seq":2,"time":"2026-11-24T09:48:06.5Z","ms":1000,"event":"end"}
`

// odd is an event with fields that a test chooses.
type odd struct{ fields any }

func (odd) Kind() string                   { return "cell" }
func (o odd) MarshalJSON() ([]byte, error) { return json.Marshal(o.fields) }

func openedFile(t *testing.T, path string) *file {
	t.Helper()
	f, err := openFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestLineIsReadableAndTimed(t *testing.T) {
	path := journalPath(t)
	record(t, path, CellAborted{Topology: "a<b>&c \"\n", Concurrency: 8}, odd{struct{}{}})
	records, err := Read(path)
	if err != nil || len(records) != 2 || records[1].Event != (Unknown{"cell"}) && records[1].Event.Kind() != "cell" {
		t.Fatalf("got %v (%v)", records, err)
	}
	if age := time.Since(records[0].Time); age < 0 || age > time.Minute || records[0].Time.Location() != time.UTC {
		t.Errorf("time is %v", records[0].Time)
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), `"topology":"a<b>&c `) {
		t.Errorf("the line is not readable: %s (%v)", text, err)
	}
}

func TestJournalRefusesFieldsItCannotKeep(t *testing.T) {
	path := journalPath(t)
	j := open(t, path)
	defer j.Close()
	for _, row := range []struct {
		why    string
		fields any
		want   string
	}{
		{"NaN is no JSON", map[string]float64{"x": math.NaN()}, "NaN"},
		{"a list is no object", []int{1}, "no JSON object"},
		{"a nil map is no object", map[string]int(nil), "no JSON object"},
		{"a key of every line", map[string]int{"seq": 7}, `"seq"`},
		{"the same in capitals", map[string]int{"Event": 7}, `"Event"`},
	} {
		err := j.Write(t.Context(), odd{row.fields})
		t.Run(row.why, func(t *testing.T) { wantError(t, err, `cannot journal "cell"`, row.want) })
	}
	if records, err := Read(path); err != nil || len(records) != 0 {
		t.Errorf("%d records (%v)", len(records), err)
	}
}

func TestJournalContinuesAfterATornLine(t *testing.T) {
	path := journalPath(t)
	write(t, path, good+`{"seq":3,"time":"2026-1`)
	if records, err := Read(path); err != nil || len(records) != 2 {
		t.Fatalf("%d records, want 2 (%v)", len(records), err)
	}
	record(t, path, Crashed{})
	records, err := Read(path)
	if err != nil || len(records) != 3 || records[2].Event.Kind() != "crashed" || records[2].Seq != 3 {
		t.Errorf("got %+v (%v)", records, err)
	}
}

func TestDamagedJournalIsNamedByItsByte(t *testing.T) {
	first := strings.Index(good, "\n") + 1
	for _, row := range []struct{ why, text, want string }{
		{"a line that is no JSON", good[:first] + "xx\n" + good[first:], "byte 82 is damaged"},
		{"an empty line", "\n" + good, "byte 0 is damaged"},
		{"a lost line", good[first:], "seq 2 where 1 is due"},
		{"two lines glued together", strings.Replace(good, "\n", "", 1), "byte 0 is damaged"},
		{"a line without an event", `{"seq":1}` + "\n", "no event"},
		{"an event with a field of another type", `{"seq":1,"event":"run-end","dirty":7}` + "\n", "byte 0 is damaged"},
		{"a number that has changed", strings.Replace(summedLine(t), `"dirty":true`, `"dirty":null`, 1), "checksum"},
		{"zeros, as a power cut leaves", good + strings.Repeat("\x00", 9) + "\n", "byte 148 is damaged"},
	} {
		t.Run(row.why, func(t *testing.T) {
			path := journalPath(t)
			write(t, path, row.text)
			_, err := Read(path)
			wantError(t, err, "cannot read the journal", path, row.want)
			_, err = Open(path, nil)
			wantError(t, err, "cannot continue the journal", row.want)
			if data, err := os.ReadFile(path); err != nil || string(data) != row.text {
				t.Errorf("the damaged journal was changed (%v)", err)
			}
		})
	}
}

// summedLine is a line as it is written, with its checksum.
func summedLine(t *testing.T) string {
	line, err := journalLine(head{Seq: 1, Event: "run-end"}, RunEnd{Dirty: true})
	if err != nil || !intact(line[:len(line)-1]) {
		t.Fatalf("%s (%v)", line, err)
	}
	return string(line)
}

// The good records before a damaged line are returned with the error.
func TestRecordsBeforeTheDamageAreRead(t *testing.T) {
	path := journalPath(t)
	write(t, path, good+"xx\n")
	if records, err := Read(path); err == nil || len(records) != 2 {
		t.Errorf("%d records, want 2 (%v)", len(records), err)
	}
}

func TestAppendToALostFileFails(t *testing.T) {
	f := openedFile(t, journalPath(t))
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	wantError(t, f.append(time.Now(), RunEnd{}, false), "cannot append to the journal", f.path)
}

// F-73: the run directory is deleted during the run.
func TestDurableAppendNoticesThatTheJournalIsGone(t *testing.T) {
	f := openedFile(t, journalPath(t))
	if err := os.Remove(f.path); err != nil {
		t.Fatal(err)
	}
	wantError(t, f.append(time.Now(), RunEnd{}, true), "cannot find the journal", f.path, "no such file")
	write(t, f.path, good)
	wantError(t, f.append(time.Now(), RunEnd{}, true), "another file has taken its place")
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", good, good[:len(good)-1], good + `{"seq":3`, "\n", "null\n", "[]\n", "\xff\n",
		`{"seq":1,"event":1}` + "\n", `{"seq":1,"event":"run-end","dirty":true}` + "\n",
		`{"seq":1,"event":"run-end","dirty":3}` + "\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		records, end, err := parse(data)
		if end < 0 || end > int64(len(data)) || end > 0 && data[end-1] != '\n' {
			t.Fatalf("end is %d of %d bytes", end, len(data))
		}
		again, whole, againErr := parse(data[:end])
		if againErr != nil || whole != end {
			t.Fatalf("the good part ends at %d, was %d (%v)", whole, end, againErr)
		}
		if diff := cmp.Diff(records, again); diff != "" {
			t.Errorf("the good part reads differently (-all +good):\n%s", diff)
		}
		if err == nil && strings.Contains(string(data[end:]), "\n") {
			t.Error("a whole line was dropped without an error")
		}
	})
}

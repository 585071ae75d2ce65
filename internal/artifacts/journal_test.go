package artifacts

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func openJournal(t *testing.T, path string) *Journal {
	t.Helper()
	j, err := OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func journalPath(t *testing.T) string { return filepath.Join(t.TempDir(), JournalName) }

// good is a journal of two lines.
const good = `{"seq":1,"time":"2026-11-24T09:48:05.5Z","ms":0,"event":"start","profile":"demo"}
{"seq":2,"time":"2026-11-24T09:48:06.5Z","ms":1000,"event":"end"}
`

func TestJournalReadsBackWhatWasAppended(t *testing.T) {
	d := create(t)
	j, err := d.Journal()
	if err != nil {
		t.Fatal(err)
	}
	type cell struct {
		Topology    string `json:"topology"`
		Concurrency int    `json:"concurrency"`
	}
	want := cell{"a<b>&c \"\n", 8}
	for _, fields := range []any{want, map[string]any{}, nil} {
		if err := j.Append("cell", fields); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.AppendDurable("end", nil); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := ReadJournal(filepath.Join(d.Path(), JournalName))
	if err != nil || len(entries) != 4 || entries[3].Event != "end" {
		t.Fatalf("got %v (%v)", entries, err)
	}
	var got cell
	if err := entries[0].Decode(&got); err != nil || got != want {
		t.Errorf("got %+v, want %+v (%v)", got, want, err)
	}
	if age := time.Since(entries[0].Time); age < 0 || age > time.Minute || entries[0].Time.Location() != time.UTC {
		t.Errorf("time is %v", entries[0].Time)
	}
	if !strings.Contains(string(entries[0].Line), `"topology":"a<b>&c `) {
		t.Errorf("the line is not readable: %s", entries[0].Line)
	}
}

func TestJournalRefusesFieldsItCannotKeep(t *testing.T) {
	path := journalPath(t)
	j := openJournal(t, path)
	defer j.Close()
	for _, row := range []struct {
		why    string
		fields any
		says   string
	}{
		{"NaN is no JSON", map[string]float64{"x": math.NaN()}, "NaN"},
		{"a list is no object", []int{1}, "no JSON object"},
		{"a nil map is no object", map[string]int(nil), "no JSON object"},
		{"a key of every line", map[string]int{"seq": 7}, `"seq"`},
		{"the same in capitals", map[string]int{"Event": 7}, `"Event"`},
	} {
		err := j.Append("cell", row.fields)
		t.Run(row.why, func(t *testing.T) { wantError(t, err, `cannot journal "cell"`, row.says) })
	}
	if entries, err := ReadJournal(path); err != nil || len(entries) != 0 {
		t.Errorf("%d entries (%v)", len(entries), err)
	}
}

func TestJournalTakesManyWritersAtOnce(t *testing.T) {
	path := journalPath(t)
	j := openJournal(t, path)
	var wg sync.WaitGroup
	for writer := range 8 {
		wg.Go(func() {
			for range 50 {
				if err := j.Append("tick", map[string]int{"writer": writer}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := ReadJournal(path)
	if err != nil || len(entries) != 400 {
		t.Errorf("%d entries, want 400 (%v)", len(entries), err)
	}
}

func TestJournalGoesOnBehindATornLine(t *testing.T) {
	path := journalPath(t)
	write(t, path, good+`{"seq":3,"time":"2026-1`)
	if entries, err := ReadJournal(path); err != nil || len(entries) != 2 {
		t.Fatalf("%d entries, want 2 (%v)", len(entries), err)
	}
	j := openJournal(t, path)
	if err := j.Append("crashed", nil); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := ReadJournal(path)
	if err != nil || len(entries) != 3 || entries[2].Event != "crashed" || entries[2].Seq != 3 {
		t.Errorf("got %+v (%v)", entries, err)
	}
}

func TestDamagedJournalIsNamedByItsByte(t *testing.T) {
	first := strings.Index(good, "\n") + 1
	for _, row := range []struct{ why, text, says string }{
		{"a line that is no JSON", good[:first] + "xx\n" + good[first:], "byte 82 is damaged"},
		{"an empty line", "\n" + good, "byte 0 is damaged"},
		{"a lost line", good[first:], "seq 2 where 1 is due"},
		{"two lines glued together", strings.Replace(good, "\n", "", 1), "byte 0 is damaged"},
		{"a line without an event", `{"seq":1}` + "\n", "no event"},
		{"zeros, as a power cut leaves", good + strings.Repeat("\x00", 9) + "\n", "byte 148 is damaged"},
	} {
		t.Run(row.why, func(t *testing.T) {
			path := journalPath(t)
			write(t, path, row.text)
			_, err := ReadJournal(path)
			wantError(t, err, "cannot read the journal", path, row.says)
			_, err = OpenJournal(path)
			wantError(t, err, "cannot continue the journal", row.says)
			if data, err := os.ReadFile(path); err != nil || string(data) != row.text {
				t.Errorf("the damaged journal was changed (%v)", err)
			}
		})
	}
}

func TestAppendToALostFileSaysSo(t *testing.T) {
	j := openJournal(t, journalPath(t))
	if err := j.file.Close(); err != nil {
		t.Fatal(err)
	}
	wantError(t, j.Append("x", nil), "cannot append to the journal", j.path)
}

// F-73: the run directory is deleted during the run.
func TestDurableAppendNoticesThatTheJournalIsGone(t *testing.T) {
	j := openJournal(t, journalPath(t))
	defer j.Close()
	if err := os.Remove(j.path); err != nil {
		t.Fatal(err)
	}
	wantError(t, j.AppendDurable("x", nil), "cannot find the journal", j.path, "no such file")
	write(t, j.path, good)
	wantError(t, j.AppendDurable("y", nil), "another file has taken its place")
}

func FuzzParseJournal(f *testing.F) {
	for _, seed := range []string{"", good, good[:len(good)-1], good + `{"seq":3`, "\n", "null\n", "[]\n", `{"seq":1,"event":1}` + "\n", "\xff\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, end, err := parseJournal(data)
		if end < 0 || end > int64(len(data)) || end > 0 && data[end-1] != '\n' {
			t.Fatalf("end is %d of %d bytes", end, len(data))
		}
		again, whole, againErr := parseJournal(data[:end])
		if againErr != nil || whole != end {
			t.Fatalf("the good part ends at %d, was %d (%v)", whole, end, againErr)
		}
		if diff := cmp.Diff(entries, again); diff != "" {
			t.Errorf("the good part reads differently (-all +good):\n%s", diff)
		}
		if err == nil && strings.Contains(string(data[end:]), "\n") {
			t.Error("a whole line was dropped without an error")
		}
	})
}

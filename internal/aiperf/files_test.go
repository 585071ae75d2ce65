package aiperf

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestReadRefusesOtherThanRegularFiles(t *testing.T) {
	dir := t.TempDir()
	huge := filepath.Join(dir, "huge")
	if err := os.WriteFile(huge, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(huge, MaxBytes+1); err != nil { // sparse: takes no space
		t.Fatal(err)
	}
	fifo := filepath.Join(dir, "fifo") // must not wait for a writer
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{
		fifo:                       ErrNotFile,
		dir:                        ErrNotFile,
		"/dev/zero":                ErrNotFile,
		huge:                       ErrTooLarge,
		filepath.Join(dir, "none"): fs.ErrNotExist,
	} {
		if _, err := Read(path); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", path, err, want)
		}
		if _, _, err := countRecords(path); path == fifo && err == nil {
			t.Errorf("%s: its records were counted", path)
		}
	}
}

func TestParseRefusesMoreThanMaxBytes(t *testing.T) {
	_, err := Parse("x", []byte("{"+strings.Repeat(" ", MaxBytes)+"}"))
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v, want %v", err, ErrTooLarge)
	}
}

func TestFileErrorNamesThePlace(t *testing.T) {
	_, err := Parse("a_0/x.json", []byte(`{"request_count": {"avg": "20"}}`))
	want := `cannot use a_0/x.json at byte 26, key "/request_count/avg": the value is of the wrong type`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// FuzzParse checks that no input causes a panic, that an accepted one has a metric and only
// numbers of JSON, and that the error is a *FileError.
func FuzzParse(f *testing.F) {
	// These are short, because the fuzzer spends its time on shortening long inputs.
	f.Add([]byte(`{"records": {"ttft": {"tag": "ttft", "unit": "ms", "avg": 68.7, "p10": null}}, "input_config": {"loadgen": {"concurrency": 2, "request_count": 20, "warmup_request_count": 4}}}`))
	f.Add([]byte(`{"schema_version": "1.4", "request_count": {"avg": 15.0}, "was_cancelled": false, "error_summary": [{"error_details": {"code": 500, "type": "X", "message": "m"}, "count": 5}]}`))
	f.Add([]byte(`{"goodput": null, "input_config": {"phases": [{"name": "warmup", "requests": 4}, {"name": "profiling", "requests": 20, "concurrency": 2}]}, "total_isl": {"avg": 1e3}}`))
	f.Add([]byte(`{"request_count": {"avg": NaN}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse("x", data)
		if err != nil {
			if _, ok := errors.AsType[*FileError](err); !ok {
				t.Fatalf("not a FileError: %v", err)
			}
			return
		}
		if len(m.Metrics) == 0 {
			t.Fatal("accepted without a metric")
		}
		for tag, metric := range m.Metrics {
			for stat := range metric.Stats {
				if v, err := m.Value(tag, stat); err != nil && !errors.Is(err, ErrNegative) {
					t.Fatalf("%s %s: %g, %v", tag, stat, v, err)
				}
			}
		}
	})
}

func TestFailedNamesTheCauses(t *testing.T) {
	rows := []struct{ file, want, why string }{
		{"all-400.jsonl", "24 x 400 Bad Request", "every request, warm-up included, was refused"},
		{"refused.jsonl", "Connect", "no process listened"},
		{"no-such-file.jsonl", "", "a cell that never sent anything"},
	}
	for _, row := range rows {
		got, err := Failed("testdata/" + row.file)
		if err != nil || !strings.Contains(got, row.want) || (row.want == "") != (got == "") {
			t.Errorf("%s: got %q, %v; want %q", row.why, got, err, row.want)
		}
	}
}

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
		if c := countRecords(path); path == fifo && c.err == nil {
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

// The end of a message has the cause more often than its beginning, and a page of HTML has none.
func TestCausesAreReadable(t *testing.T) {
	long := "ClientConnectorError(ConnectionKey(host='localhost', " + strings.Repeat("x=None, ", 60) + "), Connect call failed ('127.0.0.1', 8000))"
	for _, row := range []struct {
		group ErrorGroup
		parts []string
	}{
		{ErrorGroup{Code: 504, Type: "Gateway Time-out", Message: "<html>\r\n<head><title>504 Gateway Time-out</title></head></html>\r\n"},
			[]string{"requests failed: 1 x 504 Gateway Time-out"}},
		{ErrorGroup{Code: 502, Type: "Bad Gateway", Message: "<html>\n<title>upstream is gone</title></html>"},
			[]string{"1 x 502 Bad Gateway (upstream is gone)"}},
		{ErrorGroup{Code: 400, Type: "Bad Request", Message: `{"error":{"message":"the maximum is 2048 tokens"}}`},
			[]string{"1 x 400 Bad Request (the maximum is 2048 tokens)"}},
		{ErrorGroup{Type: "ClientConnectorError", Message: long},
			[]string{"(ClientConnectorError(", "Connect call failed ('127.0.0.1', 8000)))"}},
	} {
		row.group.Count = 1
		got := Causes([]ErrorGroup{row.group})
		for _, part := range row.parts {
			if !strings.Contains(got, part) {
				t.Errorf("%q lacks %q", got, part)
			}
		}
		if strings.Contains(got, "<") || len(got) > 400 || len(row.parts) == 1 && !strings.HasSuffix(got, row.parts[0]) {
			t.Errorf("not for a person: %q", got)
		}
	}
}

func TestLastErrorKeepsItsCause(t *testing.T) {
	traceback := []string{"Traceback (most recent call last):", `  File "x.py", line 7, in f`, "    raise TokenizerError("}
	for _, row := range []struct {
		why   string
		lines []string
		want  string
	}{
		{"a line of the log", []string{"10:19:45.781 ERROR    the dataset manager died", "10:19:46.000 INFO bye"}, "aiperf: the dataset manager died"},
		{"a traceback, and a box after it", append(traceback, "aiperf.common.exceptions.TokenizerError: Failed to load tokenizer 'x': ValueError: no backend from one of: ", "(1) x", "╭── No Tokenizer ──╮"),
			"aiperf: TokenizerError: Failed to load tokenizer 'x': ValueError: no backend from one of"},
		{"an errno", append(traceback, "OSError: [Errno 28] No space left on device"), "aiperf: OSError: [Errno 28] No space left on device"},
		{"a long one keeps its end", []string{"1 ERROR    Failed: " + strings.Repeat("a ", 400) + "the cause"}, "the cause"},
		{"prose that ends in Error", []string{"see the section on Error: it helps"}, ""},
		{"no error", []string{"10:19:45.781 INFO     done"}, ""},
	} {
		got := lastError(row.lines)
		if !strings.HasSuffix(got, row.want) || (got == "") != (row.want == "") || len(got) > 400 {
			t.Errorf("%s: got %q, want %q", row.why, got, row.want)
		}
	}
}

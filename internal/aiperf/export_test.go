package aiperf

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func recorded(t testing.TB, parts ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(append([]string{"testdata"}, parts...)...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestReadEveryVersion(t *testing.T) {
	type seen struct {
		Schema, AIPerf                string
		Requests, Warmup, Concurrency int
		TTFT, Done, Users             float64
		Seed                          int
	}
	extra := map[string]string{"max_tokens": "15", "min_tokens": "15", "ignore_eos": "true"}
	got := map[string]seen{}
	versions, err := filepath.Glob("testdata/versions/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range versions {
		m, err := Read(filepath.Join(dir, "-concurrency2", ExportName))
		if err != nil {
			t.Fatal(err)
		}
		s := seen{m.Schema, m.AIPerf, m.Requests, m.Warmup, m.Concurrency, 0, 0, 0, 0}
		if m.Seed == nil {
			t.Fatalf("%s: no seed", dir)
		}
		s.Seed = *m.Seed
		if diff := cmp.Diff(extra, m.Extra); diff != "" {
			t.Errorf("%s: extra inputs: want (-), got (+):\n%s", dir, diff)
		}
		for tag, into := range map[string]*float64{"time_to_first_token": &s.TTFT,
			"request_count": &s.Done, "output_token_throughput_per_user": &s.Users} {
			if *into, err = m.Value(tag, "avg"); err != nil {
				t.Error(err)
			}
		}
		got[filepath.Base(dir)] = s
	}
	want := map[string]seen{
		"0.1.1":  {"", "", 20, 4, 2, 68.78377965, 20, 312.9992208717782, 100},
		"0.3.0":  {"", "", 20, 4, 2, 70.3021092, 20, 312.2988277130656, 100},
		"0.6.0":  {"1.0", "0.6.0", 20, 4, 2, 70.18021259999999, 20, 315.6482541396698, 100},
		"0.7.0":  {"1.0", "0.7.0", 20, 4, 2, 71.76844774999999, 20, 318.6530552080132, 100},
		"0.8.0":  {"1.1", "0.8.0", 20, 4, 2, 70.3187665, 20, 310.60827966291134, 100},
		"0.9.0":  {"1.3", "0.9.0", 20, 4, 2, 69.30307895, 20, 309.1470207693242, 100},
		"0.10.0": {"1.3", "0.10.0", 20, 4, 2, 72.09536134999999, 20, 319.4792470023416, 100},
		"0.11.0": {"1.3", "0.11.0", 20, 4, 2, 69.01831095, 20, 314.5600069463629, 100},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

func TestParseReads013(t *testing.T) {
	m, err := Parse("x", recorded(t, "artifacts_root", "artifacts_0", "-concurrency2", ExportName))
	if err != nil {
		t.Fatal(err)
	}
	metric := m.Metrics["time_to_first_token"]
	want := Metric{Unit: "ms", Stats: map[string]float64{
		"avg": 73.34032859999999, "p1": 41.88873292, "p5": 66.3317526, "p10": 70.55896929999999, "p25": 71.11308425,
		"p50": 75.7178905, "p75": 78.16664974999999, "p90": 80.0323866, "p95": 80.15376145, "p99": 81.65671388999999,
		"min": 35.777978, "max": 82.03245199999999, "std": 9.450282891120283, "count": 20, "sum": 1466.806572}}
	if diff := cmp.Diff(want, metric); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
	if _, there := m.Metrics["http_req_waiting"]; there {
		t.Error("an unused metric was kept")
	}
}

// The next export overwrites the buffer, not the measurement before it.
func TestReaderKeepsWhatItHasRead(t *testing.T) {
	var r Reader
	for range 2 {
		for _, version := range []string{"0.1.1", "0.3.0", "0.11.0"} {
			path := filepath.Join("testdata/versions", version, "-concurrency2", ExportName)
			got, err := r.Read(path)
			if err != nil {
				t.Fatal(err)
			}
			for i := range r.buffer {
				r.buffer[i] = 'x'
			}
			want, err := Read(path)
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(Measurement{}, recordCount{})); diff != "" || err != nil {
				t.Errorf("%s: want (-), got (+):\n%s%v", version, diff, err)
			}
		}
	}
}

// An unusual input_config does not make an export unreadable.
func TestParseReadsUnusualInputs(t *testing.T) {
	for _, row := range []struct {
		why, config string
		extra       map[string]string
		seed        bool
	}{
		{"nothing", `{}`, nil, false},
		{"null", `{"endpoint": null, "datasets": [{"random_seed": null}]}`, nil, false},
		{"a seed beyond 64 bits", `{"datasets": [{"random_seed": 1e30}]}`, nil, false},
		{"a seed beyond 31 bits", `{"input": {"random_seed": 4294967295}}`, nil, true},
		{"a seed below zero", `{"datasets": [{"random_seed": -1}]}`, nil, true},
		{"a nested input", `{"input": {"extra": [["nvext", {"b": 1.0, "a": true}], ["max_tokens", 5]]}}`,
			map[string]string{"max_tokens": "5", "nvext": `{"b": 1.0, "a": true}`}, false},
		{"another shape", `{"endpoint": {"extra": "max_tokens:5"}}`, nil, false},
	} {
		m, err := Parse("x", []byte(`{"request_count": {"avg": 1}, "input_config": `+row.config+`}`))
		if err != nil || !maps.Equal(m.Extra, row.extra) || (m.Seed != nil) != row.seed {
			t.Errorf("%s: seed %v, extra inputs %q, %v", row.why, m.Seed, m.Extra, err)
		}
	}
}

func TestParseReadsErrors(t *testing.T) {
	m, err := Parse("x", recorded(t, "partial-5-of-20-failed", "-concurrency2", ExportName))
	if err != nil {
		t.Fatal(err)
	}
	want := []ErrorGroup{{Code: 500, Type: "Internal Server Error", Message: `{"error":"boom"}`, Count: 5}}
	if diff := cmp.Diff(want, m.Errors); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

// one is an export with a single metric, whose average is the text.
func one(avg string) string { return `{"request_count": {"unit": "requests", "avg": ` + avg + `}}` }

func TestParseNamesEveryFault(t *testing.T) {
	rows := []struct {
		fault string
		data  string
		want  error
		key   string
	}{
		{"an empty file", "", ErrEmpty, ""},
		{"only white space", " \n\t", ErrEmpty, ""},
		{"cut off in a number", `{"request_count": {"avg": 2`, ErrTruncated, "/request_count"},
		{"cut off in a key", `{"request_cou`, ErrTruncated, ""},
		{"cut off behind an unused value", `{"telemetry_data": {"a": [1, 2]`, ErrTruncated, "/telemetry_data"},
		{"filled with NUL", strings.Repeat("\x00", 4096), ErrNUL, ""},
		{"NUL behind the document", one("20") + "\x00\x00", ErrNUL, ""},
		{"NUL in the middle", `{"request_count": ` + strings.Repeat("\x00", 64), ErrNUL, "/request_count"},
		{"a byte order mark", "\xef\xbb\xbf" + one("20"), ErrBOM, ""},
		{"Latin-1", "{\"aiperf_version\": \"caf\xe9\"}", ErrEncoding, "/aiperf_version"},
		{"UTF-16", "\xff\xfe{\x00}\x00", ErrEncoding, ""},
		{"Python's NaN", one("NaN"), ErrNaN, "/request_count/avg"},
		{"Python's Infinity", one("Infinity"), ErrNaN, "/request_count/avg"},
		{"Python's -Infinity", one("-Infinity"), ErrNaN, "/request_count/avg"},
		{"NaN in an unused value", `{"telemetry_data": {"a": NaN}}`, ErrNaN, "/telemetry_data/a"},
		{"a number beyond float64", one("1e999"), ErrRange, "/request_count/avg"},
		{"a number in quotes", one(`"20"`), ErrType, "/request_count/avg"},
		{"a list for a number", one(`[20]`), ErrType, "/request_count/avg"},
		{"a number for a metric", `{"request_count": 20}`, ErrType, "/request_count"},
		{"a string for was_cancelled", `{"was_cancelled": "no"}`, ErrType, "/was_cancelled"},
		{"a number for is_complete", `{"is_complete": 1}`, ErrType, "/is_complete"},
		{"an object for error_summary", `{"error_summary": {}}`, ErrType, "/error_summary"},
		{"half a request", `{"error_summary": [{"count": 0.5}]}`, ErrType, "/error_summary/0/count"},
		{"fewer than no errors", `{"error_summary": [{"count": -5}]}`, ErrNegative, "/error_summary/0/count"},
		{"a metric twice", `{"request_count": {"avg": 1}, "request_count": {"avg": 2}}`, ErrDuplicate, "/request_count"},
		{"a metric under both its names", `{"records": {"ttft": {"avg": 1}}, "time_to_first_token": {"avg": 1}}`, ErrDuplicate, "/time_to_first_token"},
		{"a statistic twice", `{"request_count": {"avg": 1, "avg": 2}}`, ErrDuplicate, "/request_count/avg"},
		{"a statistic twice, once escaped", `{"request_count": {"avg": 1, "\u0061vg": 2}}`, ErrDuplicate, "/request_count/avg"},
		{"a metric twice, once escaped", `{"request_count": {"avg": 1}, "request_c\u006funt": {"avg": 1}}`, ErrDuplicate, "/request_count"},
		{"a metric twice, once null", `{"request_count": {"avg": 1}, "request_count": null}`, ErrDuplicate, "/request_count"},
		{"a seed twice", `{"input_config": {"input": {"random_seed": 1, "random_seed": 2}}}`, ErrDuplicate, "/input_config/input/random_seed"},
		{"cut off behind a key", `{"request_count"`, ErrTruncated, "/request_count"},
		{"no key", `{"request_count": {"avg": 1}, 5: 6}`, ErrSyntax, ""},
		{"two documents", one("20") + one("20"), ErrTrailing, ""},
		{"garbage behind", one("20") + " x", ErrTrailing, ""},
		{"a closing brace too many", one("20") + "}", ErrTrailing, ""},
		{"a list", "[]", ErrType, ""},
		{"an HTML page", "<html>", ErrSyntax, ""},
		{"a comma too many", `{"request_count": {"avg": 1,}}`, ErrSyntax, "/request_count"},
		{"another program's JSON", `{"hello": "world"}`, ErrNoMetric, ""},
		{"nothing in it", `{}`, ErrNoMetric, ""},
	}
	for _, row := range rows {
		t.Run(row.fault, func(t *testing.T) {
			_, err := Parse("dir/a.json", []byte(row.data))
			fault, ok := errors.AsType[*FileError](err)
			if !ok || !errors.Is(err, row.want) {
				t.Fatalf("got %v, want a FileError with %q", err, row.want)
			}
			if fault.Key != row.key || fault.Path != "dir/a.json" {
				t.Errorf("got key %q of %s, want %q of dir/a.json", fault.Key, fault.Path, row.key)
			}
			if fault.Offset < 0 || fault.Offset > int64(len(row.data)) {
				t.Errorf("byte %d is not in the file", fault.Offset)
			}
		})
	}
}

func TestParseToleratesUnusedKeys(t *testing.T) {
	for sentence, data := range map[string]string{
		"a null metric":                        `{"request_count": {"avg": 1}, "goodput": null}`,
		"null statistics":                      `{"request_count": {"avg": 1, "p50": null, "unit": null}}`,
		"null instead of lists and objects":    `{"request_count": {"avg": 1}, "error_summary": null, "input_config": null, "records": null}`,
		"a key in another case":                `{"request_count": {"avg": 1, "AVG": "x"}, "Request_Count": "y"}`,
		"keys of a later version":              `{"request_count": {"avg": 1, "note": "new"}, "new": [{}], "new_metric": {"avg": "late"}}`,
		"an unused key twice":                  `{"request_count": {"avg": 1}, "telemetry_data": {"a": 1, "a": 1}, "new": 1, "new": 2}`,
		"a sweep's list in input_config":       `{"request_count": {"avg": 1}, "input_config": {"loadgen": {"concurrency": [1, 2]}}}`,
		"extra inputs in a form of their own":  `{"request_count": {"avg": 1}, "input_config": {"endpoint": {"extra": [1, "x"]}, "input": {"extra": 7}}}`,
		"an error without an answer (no code)": `{"request_count": {"avg": 1.0}, "error_summary": [{"error_details": {"code": null, "type": "X"}, "count": 1.0}]}`,
	} {
		m, err := Parse("x", []byte(data))
		if err != nil {
			t.Errorf("%s: %v", sentence, err)
			continue
		}
		if got, err := m.Value("request_count", "avg"); got != 1 || err != nil {
			t.Errorf("%s: got %g, %v", sentence, got, err)
		}
	}
}

func TestValueNeverInventsAZero(t *testing.T) {
	m, err := Parse("a.json", []byte(`{"request_count": {"avg": null, "min": 0, "max": -1}}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := m.Value("request_count", "min"); got != 0 || err != nil {
		t.Errorf("a zero in the file: got %g, %v", got, err)
	}
	for _, absent := range [][2]string{{"request_count", "avg"}, {"request_count", "p50"}, {"goodput", "avg"}} {
		_, err := m.Value(absent[0], absent[1])
		missing, ok := errors.AsType[*MissingError](err)
		if !ok || *missing != (MissingError{"a.json", absent[0], absent[1]}) {
			t.Errorf("%v: got %v", absent, err)
		}
	}
	if got, want := (&MissingError{"a.json", "goodput", "avg"}).Error(), "cannot use a.json: it has no avg of goodput"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, err := m.Value("request_count", "max"); !errors.Is(err, ErrNegative) {
		t.Errorf("got %v, want %v", err, ErrNegative)
	}
}

func BenchmarkParse(b *testing.B) {
	export := recorded(b, "artifacts_root", "artifacts_1", "-concurrency8", ExportName)
	b.SetBytes(int64(len(export)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("x", export); err != nil {
			b.Fatal(err)
		}
	}
}

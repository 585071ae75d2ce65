package aiperf

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"topobench/internal/host"
)

// export is a growing profile_export.jsonl and its reader.
func export(t *testing.T, concurrency int) (*reader, func(text string)) {
	t.Helper()
	dir := t.TempDir()
	r := newReader(Job{Dir: dir, Concurrency: concurrency, Load: Load{}})
	return r, func(text string) {
		t.Helper()
		f, err := os.OpenFile(filepath.Join(dir, "profile_export.jsonl"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString(text); err != nil {
			t.Fatal(err)
		}
	}
}

// Every version that writes the file uses the same names of phases; 0.1.1 writes none.
// Before 0.13 the file contains only measured requests.
func TestProgressOfEveryVersion(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("testdata", "aiperf-*.jsonl"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	for _, path := range paths {
		want := Progress{Done: 2, Asked: 20}
		switch filepath.Base(path) {
		case "aiperf-0.13.0.jsonl":
			want = Progress{Warm: 2, Done: 3, Asked: 20}
		case "aiperf-0.13.0-refused.jsonl": // a failed request is a finished one
			want = Progress{Warm: 1, Done: 2, Asked: 20}
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		r, add := export(t, 2)
		add(string(text))
		if got := r.read(t.Context(), host.Local{}, time.Minute); got != want {
			t.Errorf("%s: %+v, want %+v", path, got, want)
		}
	}
}

// aiperf flushes in blocks, so a line may come in pieces. Each line counts once.
func TestProgressOfPartialLines(t *testing.T) {
	const warm, measured = `{"metadata":{"benchmark_phase":"warmup"}}`, `{"metadata":{"benchmark_phase":"profiling"}}`
	r, add := export(t, 1)
	for _, step := range []struct {
		why, add string
		want     Progress
	}{
		{"half a line", warm[:20], Progress{}},
		{"its other half", warm[20:] + "\n", Progress{Warm: 1}},
		{"nothing new", "", Progress{Warm: 1}},
		{"a whole line and the next without its end", measured + "\n" + measured, Progress{Warm: 1, Done: 1}},
		{"that end, and one more", "\n" + measured + "\n", Progress{Warm: 1, Done: 3}},
		{"many at once", strings.Repeat(measured+"\n", 7), Progress{Warm: 1, Done: 10}},
	} {
		if step.add != "" {
			add(step.add)
		}
		step.want.Asked = 10 // the request count of concurrency 1
		if got := r.read(t.Context(), host.Local{}, time.Minute); got != step.want {
			t.Errorf("%s: %+v, want %+v", step.why, got, step.want)
		}
	}
}

// Without a file the progress is unknown: "0 of 10" would be wrong for the whole cell.
func TestProgressWithoutAFile(t *testing.T) {
	r, add := export(t, 1)
	if got := r.read(t.Context(), host.Local{}, time.Minute); got != (Progress{}) {
		t.Errorf("no file: %+v", got)
	}
	add("")
	if got := r.read(t.Context(), host.Local{}, time.Minute); got != (Progress{Asked: 10}) {
		t.Errorf("an empty file: %+v", got)
	}
}

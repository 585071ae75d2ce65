package cli_test

import (
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// topobench itself is at fault: its children do not outlive it, its last words are on
// stderr, and the next command writes into its journal what became of it.
func TestF58Crash(t *testing.T) {
	for _, row := range []struct{ why, at, says string }{
		{"a panic while services start", "panic start 3", "panic: a fault of a test in phase start"},
		{"a panic before a cell", "panic cell 1", "panic: a fault of a test in phase cell"},
		{"a panic in a teardown", "panic teardown 1", "panic: a fault of a test in phase teardown"},
		{"a fault that cannot be recovered from", "overflow cell 1", "stack exceeds"},
	} {
		t.Run(strings.ReplaceAll(row.at, " ", "-"), func(t *testing.T) {
			s := crashing(t, row.at)
			code, err := s.code("it")
			if err != nil {
				t.Fatal(err)
			}
			if said := s.text("it.err"); code != 2 || !strings.Contains(said, row.says) {
				t.Errorf("%s: exit code %d, want 2; it says %.2000s\nand not %q", row.why, code, said, row.says)
			}
			s.gone(t, 2*time.Second)
			s.clean(t, "had crashed")
			if text := (runJournal{t, s}).text(); !strings.Contains(text, `"event":"crashed"`) {
				t.Errorf("%s: its journal does not say that it crashed:\n%s", row.why, text)
			}
			s.tempGone(t)
		})
	}
}

// A deadlock: who conducts stands still, and signals are heard all the same.
func TestF58Deadlock(t *testing.T) {
	s := crashing(t, "hang cell 1")
	s.reaches(t, "held")
	for range 3 {
		if err := s.running["it"].cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		<-time.After(50 * time.Millisecond) // equal signals that wait are one
	}
	code, err := s.code("it")
	if err != nil {
		t.Fatal(err)
	}
	if code != 5 {
		t.Errorf("exit code %d, want 5:\n%s", code, s.text("it.err"))
	}
	s.gone(t, 2*time.Second)
}

// crashing starts a run of agg.yaml with a fault in it.
func crashing(t *testing.T, at string) *workspace {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("processes are started on Linux only")
	}
	t.Parallel()
	s := newWorkspace(t)
	if _, err := s.launch("it", append(paths(), "LC_AT="+at), "topobench", "run", "agg.yaml", "--artifacts-root-dir", "root"); err != nil {
		t.Fatal(err)
	}
	return s
}

// clean runs "topobench clean", which must prove that nothing is left.
func (s *workspace) clean(t *testing.T, says string) {
	t.Helper()
	if _, err := s.launch("clean", paths(), "topobench", "clean"); err != nil {
		t.Fatal(err)
	}
	code, err := s.code("clean")
	if err != nil {
		t.Fatal(err)
	}
	if said := s.text("clean.out"); code != 0 || !strings.Contains(said, says) || !strings.Contains(said, "nothing is left") {
		t.Errorf("clean: exit code %d, it says %s%s\nand not %q", code, said, s.text("clean.err"), says)
	}
}

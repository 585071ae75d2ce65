package host_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/host"
	"topobench/internal/testbed"
)

func TestALongLineWithoutNewlineDoesNotKillTheChild(t *testing.T) {
	b := newBed(t)
	const size = 1 << 20
	exit := b.done(b.start(b.spec("svc", "no-newline", strconv.Itoa(size))))
	if exit.Code != 0 || exit.Signal != 0 {
		t.Errorf("the child ended with %v", exit)
	}
	if log := b.log("svc"); len(log) != size+len("end") || !strings.HasSuffix(log, "end") {
		t.Errorf("%d bytes arrived, want %d", len(log), size+len("end"))
	}
}

// A service may write gigabytes; none of it may pass through our memory.
func TestABigLogIsNotInOurMemory(t *testing.T) {
	b := newBed(t)
	const mib = 200
	before := residentKiB(t)
	exit := b.done(b.start(b.spec("svc", "flood", strconv.Itoa(mib))))
	if exit.Code != 0 {
		t.Fatalf("the child ended with %v", exit)
	}
	path := filepath.Join(b.dir, "svc.log")
	if info, err := os.Stat(path); err != nil || info.Size() != mib<<20 {
		t.Fatalf("the log: %v, %v", info, err)
	}
	if lines := host.Tail(path, 2); len(lines) != 2 || lines[1] != "0123456789abcde" {
		t.Errorf("tail %q", lines)
	}
	if grown := residentKiB(t) - before; grown > 20<<10 {
		t.Errorf("we grew by %d KiB", grown)
	}
}

func residentKiB(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize() / 1024
}

func TestTailIsForAPerson(t *testing.T) {
	for _, row := range []struct{ why, text, want string }{
		{"an empty log has no lines", "", ""},
		{"the last lines, oldest first", "1\n2\n3\n4\n", "2|3|4"},
		{"the end may lack a newline", "1\n2", "1|2"},
		{"a progress bar is split on \\r", "10%\r20%\r30%\r\ndone\n", "20%|30%|done"},
		{"blank lines are not worth one of n", "1\n\n \n2\n", "1|2"},
		{"colours and titles are dropped", "\x1b[1;31mred\x1b[0m\x1b]0;title\x07\n", "red"},
		{"a bell and a NUL are dropped", "a\x07b\x00c\x7f\n", "abc"},
		{"8-bit controls and overrides of direction are dropped", "a\u009bb\u202ec\n", "abc"},
		{"broken UTF-8 is dropped", "a\xffb\n", "ab"},
		{"a tab is a blank", "a\tb\n", "a b"},
		{"a very long line is cut", strings.Repeat("x", 70_000), strings.Repeat("x", 200) + " ..."},
	} {
		path := filepath.Join(t.TempDir(), "log")
		if err := os.WriteFile(path, []byte(row.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Join(host.Tail(path, 3), "|"), row.want); diff != "" {
			t.Errorf("%s (-got +want):\n%s", row.why, diff)
		}
	}
	if got := host.Tail("/nowhere/log", 3); got != nil {
		t.Errorf("a log that cannot be read: %q", got)
	}
}

func FuzzTail(f *testing.F) {
	f.Add([]byte("a\r\x1b[31mb\nc"))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "log")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		lines := host.Tail(path, 5)
		if len(lines) > 5 {
			t.Errorf("%d lines", len(lines))
		}
		for _, line := range lines {
			if strings.ContainsAny(line, "\x1b\a\r\n\x00") || strings.TrimSpace(line) == "" {
				t.Errorf("not for a terminal: %q", line)
			}
		}
	})
}

func TestRunReturnsOutputAndExit(t *testing.T) {
	b := newBed(t)
	spec := b.spec("nginx -t", "sleep")
	spec.Argv = []string{"sh", "-c", "echo bad config >&2; exit 2"}
	for range 2 { // the second time the log has the first output in it
		output, exit, err := host.Starter{}.Run(t.Context(), spec)
		if err != nil || exit.Code != 2 || string(output) != "bad config\n" {
			t.Errorf("got %q, %v, %v", output, exit, err)
		}
	}
	b.nothingLives()
}

func TestRunEndsWithItsContext(t *testing.T) {
	b := newBed(t)
	spec := b.spec("nvidia-smi", "stubborn")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 200*time.Millisecond, errors.New("it hangs"))
	defer cancel()
	begin := time.Now()
	_, exit, err := host.Starter{}.Run(ctx, spec)
	if err == nil || !strings.Contains(err.Error(), "cannot wait for nvidia-smi any longer: it hangs") {
		t.Errorf("got %v", err)
	}
	if took := time.Since(begin); took > soon/2 || !exit.Stopped {
		t.Errorf("took %v, %v", took, exit)
	}
	b.nothingLives()
}

func TestF5INothingGrowsOverManyChildren(t *testing.T) {
	b := newBed(t)
	cycle := func() {
		c, err := host.Starter{}.Start(b.spec("svc", "sleep"))
		if err != nil {
			t.Fatal(err)
		}
		b.stop(c)
	}
	cycle()
	files, goroutines := openFiles(t), goroutineCount()
	for range 50 {
		cycle()
	}
	testbed.Soon(time.Second, func() bool { return goroutineCount() <= goroutines })
	if f, g := openFiles(t), goroutineCount(); f > files || g > goroutines {
		t.Errorf("open files %d -> %d, goroutines %d -> %d", files, f, goroutines, g)
	}
}

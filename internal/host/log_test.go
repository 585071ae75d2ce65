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

	"topobench/internal/host"
	"topobench/internal/testbed"
	"topobench/internal/text"
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
	if lines, err := text.Tail(path, 2); err != nil || len(lines) != 2 || lines[1] != "0123456789abcde" {
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

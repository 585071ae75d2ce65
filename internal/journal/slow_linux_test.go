package journal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// soon is long for what takes milliseconds, for a machine that is busy.
const soon = 20 * time.Second

// hungFile is a journal on a disk that hangs once it has taken some 60 events of
// numbered: a FIFO, whose write(2) blocks its thread until a reader comes.
func hungFile(t *testing.T) (f *file, reader *os.File) {
	t.Helper()
	path := journalPath(t)
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	fd, err := syscall.Open(path, syscall.O_RDWR|syscall.O_CLOEXEC, 0) // blocking: os.OpenFile would use the poller
	if err != nil {
		t.Fatal(err)
	}
	if reader, err = os.Open(path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reader.Close() })
	noSync := func(*os.File) error { return nil }
	return &file{path: path, start: time.Now(), File: os.NewFile(uintptr(fd), path), sync: noSync}, reader
}

func numbered(n int) Event { return LogCut{Log: strings.Repeat("x", 1000), From: int64(n)} }

// within fails unless act returns in time.
func within(t *testing.T, what string, act func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); act() }()
	select {
	case <-done:
	case <-time.After(soon):
		t.Fatalf("%s waits for the disk", what)
	}
}

// A disk that hangs does not delay Note, and delays Close to its limit. Events that found
// the queue full are counted and reported.
func TestHungDiskDelaysNothing(t *testing.T) {
	f, reader := hungFile(t)
	j := start(f, func(err error) { t.Error(err) })
	const events = queueLength + 500
	within(t, "Note", func() {
		for n := range events {
			j.Note(numbered(n))
		}
	})
	wantError(t, j.Write(t.Context(), Started{}), `cannot journal "started"`, "events wait for the disk")
	j.mu.Lock()
	dropped := j.dropped
	j.mu.Unlock()
	if dropped < 300 || dropped >= 500 {
		t.Errorf("%d of %d events are dropped", dropped, events)
	}
	j.within = 10 * time.Millisecond
	within(t, "Close", func() {
		wantError(t, j.Close(), "cannot close the journal", "has not answered within 10ms",
			fmt.Sprintf("lacks %d events", dropped))
	})
	go reader.WriteTo(discard{}) // the writer ends
	<-j.written
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func TestWriteEndsWithItsContext(t *testing.T) {
	f, reader := hungFile(t)
	j := start(f, func(err error) { t.Error(err) })
	for n := range 100 {
		j.Note(numbered(n))
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Millisecond, errors.New("it took too long"))
	defer cancel()
	within(t, "Write", func() { wantError(t, j.Write(ctx, Started{}), "does not answer", "it took too long") })
	go reader.WriteTo(discard{})
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	wantError(t, j.Write(t.Context(), Started{}), "is closed")
	j.Note(Started{}) // is no fault
	if err := j.Close(); err != nil {
		t.Errorf("a second time: %v", err)
	}
}

// Once a slow disk answers again, the events follow in their order, with Dropped where
// some are missing.
func TestSlowDiskKeepsTheOrder(t *testing.T) {
	f, reader := hungFile(t)
	j := start(f, func(err error) { t.Error(err) })
	const events = queueLength + 500
	for n := range events {
		j.Note(numbered(n))
	}
	lines := make(chan string, 2*events)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(reader); s.Scan(); {
			lines <- s.Text()
		}
	}()
	var text strings.Builder
	for len(j.queue) == queueLength { // no room yet
		fmt.Fprintln(&text, <-lines)
	}
	if err := j.Write(t.Context(), Smoke{Topology: "after"}); err != nil {
		t.Error(err)
	}
	wantError(t, j.Close(), "lacks", "its disk was too slow")
	for line := range lines { // ends, because Close has closed the only writer
		fmt.Fprintln(&text, line)
	}
	records, _, err := parse([]byte(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	last := len(records) - 1
	if records[last].Event != (Smoke{Topology: "after"}) {
		t.Errorf("the journal ends with %+v", records[last])
	}
	next, dropped := 0, 0 // the queue may have had room again between two drops
	for _, r := range records[:last] {
		switch e := r.Event.(type) {
		case Dropped:
			next, dropped = next+e.Count, dropped+e.Count
		case LogCut:
			if e.From != int64(next) {
				t.Fatalf("event %d is written where %d is due", e.From, next)
			}
			next++
		default:
			t.Fatalf("there is %+v", r)
		}
	}
	if next != events || dropped == 0 {
		t.Errorf("%d of %d events are written or counted, %d of them dropped", next, events, dropped)
	}
}

// A durable event is on the disk when it is written; any other needs no sync until Close.
func TestDurableEventsAreSynced(t *testing.T) {
	for _, d := range decoders() {
		e, err := d.decode([]byte(`{"dirty":true}`))
		if err != nil {
			t.Fatal(err)
		}
		synced := 0
		f := openedFile(t, journalPath(t))
		f.sync = func(*os.File) error { synced++; return nil }
		j := start(f, func(err error) { t.Error(err) })
		if err := j.Write(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		want := 0
		if slices.Contains([]string{"cell-done", "launch-begin", "teardown-dirty", "run-end"}, d.kind) {
			want = 1
		}
		if synced != want {
			t.Errorf("%s: %d syncs, want %d", d.kind, synced, want)
		}
		if err := j.Close(); err != nil || synced != want+1 {
			t.Errorf("%s: %d syncs after Close, want %d (%v)", d.kind, synced, want+1, err)
		}
	}
	if durable(RunEnd{}) {
		t.Error("the end of a clean run needs no sync of its own")
	}
}

// An event of Note that cannot be written is reported.
func TestFailedNoteIsReported(t *testing.T) {
	f := openedFile(t, journalPath(t))
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	j := start(f, func(err error) { failed <- err })
	j.Note(Smoke{})
	wantError(t, <-failed, "cannot append to the journal")
	wantError(t, j.Close(), "cannot close the journal")
}

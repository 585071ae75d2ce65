package ui

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"topobench/internal/text"
)

func none(string) string { return "" }

func TestDetectAFile(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, out := range []io.Writer{file, &bytes.Buffer{}} {
		if o := Detect(out, none); o.TTY || o.Color || o.Out != out {
			t.Errorf("%T was detected as a terminal", out)
		}
	}
}

// failing fails every write with err.
type failing struct {
	err    error
	writes int
}

func (f *failing) Write([]byte) (int, error) {
	f.writes++
	return 0, f.err
}

// EPIPE: the reader of the pipe is gone. EIO: the terminal is closed.
func TestF53F54LenientDropsOutputOfAClosedPipeOrTerminal(t *testing.T) {
	for _, row := range []struct {
		err    error
		passes bool
	}{
		{syscall.EPIPE, false},
		{&os.PathError{Op: "write", Path: "x", Err: syscall.EIO}, false},
		{syscall.ENOSPC, true},
	} {
		out := &failing{err: row.err}
		w := Lenient(out)
		_, first := fmt.Fprint(w, "a")
		_, second := fmt.Fprint(w, "b")
		if passed := errors.Is(first, row.err) && errors.Is(second, row.err); passed != row.passes {
			t.Errorf("%v: got %v, then %v", row.err, first, second)
		}
		if !row.passes && (first != nil || second != nil || out.writes != 1) {
			t.Errorf("%v: got %v, %v after %d writes", row.err, first, second, out.writes)
		}
	}
}

func TestViewStopsWritingAfterAnError(t *testing.T) {
	out := &failing{err: syscall.EIO}
	v := newView(Options{Out: out, Now: time.Now})
	for range 3 {
		v.Note("x")
		v.draw()
	}
	if out.writes != 1 {
		t.Errorf("%d writes, want 1", out.writes)
	}
}

// stuck is a terminal stopped by Ctrl-S.
type stuck struct{ entered, release chan struct{} }

func (s stuck) Write(p []byte) (int, error) {
	select {
	case s.entered <- struct{}{}:
	case <-s.release:
	}
	<-s.release
	return len(p), nil
}

func TestAStoppedTerminalBlocksNoMethod(t *testing.T) {
	out := stuck{make(chan struct{}), make(chan struct{})}
	v := New(Options{Out: out, Now: time.Now})
	v.Note("x")
	<-out.entered
	returned := make(chan struct{})
	go func() {
		for range 1000 {
			v.Note("y")
		}
		v.Close()
		close(returned)
	}()
	select {
	case <-returned:
	case <-time.After(20 * closePatience):
		t.Error("a method waits for the terminal")
	}
	close(out.release)
}

func FuzzLinesFitTheScreen(f *testing.F) {
	f.Add("Grüße 你好", 20)
	f.Fuzz(func(t *testing.T, s string, columns int) {
		if columns <= 0 {
			return
		}
		shown := text.Clean(s)
		if l := (line{{text: shown}, {text: shown}}).render(false, columns); utf8.RuneCountInString(l) >= columns {
			t.Errorf("%q has %d runes on %d columns", l, utf8.RuneCountInString(l), columns)
		}
	})
}

func TestLinesAreCutToTheScreen(t *testing.T) {
	for _, row := range []struct {
		why     string
		columns int
		want    string
	}{
		{"0 means any width", 0, "ab 你好!"},
		{"the whole line fits, with one column free", 9, "ab 你好!"},
		{"a wide letter is not cut in half", 7, "ab 你"},
		{"nothing follows a cut span", 8, "ab 你好"},
		{"a trailing space is removed", 5, "ab"},
		{"one column shows nothing", 1, ""},
	} {
		if got := (line{{text: "ab "}, {text: "你好"}, {text: "!"}}).render(false, row.columns); got != row.want {
			t.Errorf("%s: got %q, want %q", row.why, got, row.want)
		}
	}
}

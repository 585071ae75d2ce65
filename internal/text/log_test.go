package text_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/text"
)

func TestTailReturnsReadableLines(t *testing.T) {
	for _, row := range []struct{ why, log, want string }{
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
		{"a very long line keeps its ends", "ab" + strings.Repeat("x", 60_000) + "cd",
			"ab" + strings.Repeat("x", 64) + " ... " + strings.Repeat("x", 132) + "cd"},
	} {
		path := filepath.Join(t.TempDir(), "log")
		if err := os.WriteFile(path, []byte(row.log), 0o600); err != nil {
			t.Fatal(err)
		}
		lines, err := text.Tail(path, 3)
		if diff := cmp.Diff(strings.Join(lines, "|"), row.want); err != nil || diff != "" {
			t.Errorf("%s (-got +want): %v\n%s", row.why, err, diff)
		}
	}
	if got, err := text.Tail("/nowhere/log", 3); got != nil || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an unreadable log: %q, %v", got, err)
	}
}

func FuzzTail(f *testing.F) {
	f.Add([]byte("a\r\x1b[31mb\nc"))
	f.Fuzz(func(t *testing.T, log []byte) {
		path := filepath.Join(t.TempDir(), "log")
		if err := os.WriteFile(path, log, 0o600); err != nil {
			t.Fatal(err)
		}
		lines, err := text.Tail(path, 5)
		if err != nil || len(lines) > 5 {
			t.Errorf("%d lines, %v", len(lines), err)
		}
		for _, line := range lines {
			if strings.ContainsAny(line, "\x1b\a\r\n\x00") || strings.TrimSpace(line) == "" {
				t.Errorf("not for a terminal: %q", line)
			}
		}
	})
}

func TestAddedReadsFromAnOffset(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, []byte("before\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		from, limit int64
		want        string
	}{{7, 100, "after\n"}, {7, 2, "af"}, {13, 100, ""}, {99, 100, ""}} {
		if got, err := text.Added(path, row.from, row.limit); err != nil || string(got) != row.want {
			t.Errorf("from %d, limit %d: %q, %v", row.from, row.limit, got, err)
		}
	}
	if _, err := text.Added(path+"x", 0, 9); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

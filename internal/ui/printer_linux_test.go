package ui

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/testbed"
)

const sentence = "one two three four five six seven eight"

func TestPrinterWrapsOnATerminalOnly(t *testing.T) {
	window, program := testbed.Terminal(t) // 33 columns
	for _, row := range []struct {
		why  string
		env  map[string]string
		want string
	}{
		{"a terminal", nil, "\x1b[1mone two three four five six\n  seven eight\x1b[0m\n  a\n" + sentence + "\n" + "one two three four five six\n  seven eight\n"},
		{"NO_COLOR", map[string]string{"NO_COLOR": "1"}, "one two three four five six\n  seven eight\n  a\n" + sentence + "\n" + "one two three four five six\n  seven eight\n"},
		{"a dumb terminal", map[string]string{"TERM": "dumb"}, sentence + "\n  a\n" + sentence + "\n" + sentence + "\n"},
	} {
		p := NewPrinter(Lenient(program), func(name string) string { return row.env[name] })
		p.Bold(sentence)
		p.Print("  a")
		p.Whole(sentence)
		fmt.Fprintln(p, sentence)                                        // a writer of lines wraps them too
		got := make([]byte, len(row.want)+strings.Count(row.want, "\n")) // the terminal writes \r\n
		if _, err := io.ReadFull(window, got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(row.want, strings.ReplaceAll(string(got), "\r\n", "\n")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.why, diff)
		}
	}
	var file bytes.Buffer
	p := NewPrinter(&file, none)
	p.Bold(sentence)
	p.Print("a\nb\n", "")
	if diff := cmp.Diff(sentence+"\na\nb\n\n", file.String()); diff != "" || p.Err() != nil {
		t.Errorf("a file (-want +got):\n%s%v", diff, p.Err())
	}
}

func TestPrinterKeepsItsFirstFault(t *testing.T) {
	out := &failing{err: syscall.ENOSPC}
	p := NewPrinter(out, none)
	p.Print("a", "b")
	if !errors.Is(p.Err(), syscall.ENOSPC) || out.writes != 1 {
		t.Errorf("%d writes, %v", out.writes, p.Err())
	}
}

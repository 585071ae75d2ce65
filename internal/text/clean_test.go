package text_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"topobench/internal/text"
)

func TestCleanMakesForeignTextHarmless(t *testing.T) {
	for _, row := range []struct{ why, in, want string }{
		{"plain text stays", "Grüße 你好", "Grüße 你好"},
		{"colours go", "\x1b[1;31mred\x1b[0m", "red"},
		{"a window title goes", "a\x1b]0;title\ab", "ab"},
		{"a title that ends with ESC \\ goes", "a\x1b]0;title\x1b\\b", "ab"},
		{"a title that never ends takes the rest", "a\x1b]0;title", "a"},
		{"a character set goes", "a\x1b(Bb", "ab"},
		{"ESC before other text takes only itself", "a\x1bäb", "aäb"},
		{"ESC at the end goes", "a\x1b", "a"},
		{"a tab is a space", "a\tb", "a b"},
		{"bells and backspaces go", "a\a\bb", "ab"},
		{"a line end is a space", "a\nb\r\nc\n", "a b c"},
		{"8-bit control sequences lose their start", "a\u009b31mb", "a31mb"},
		{"text cannot be turned around", "a\u202eb\u200bc", "abc"},
		{"broken UTF-8 goes", "a\xffb", "ab"},
		{"NUL and DEL go", "a\x00b\x7f", "ab"},
		{"the last state of a progress bar stays", "10%\r20%\r\n", "20%"},
	} {
		if got := text.Clean(row.in); got != row.want {
			t.Errorf("%s: got %q, want %q", row.why, got, row.want)
		}
	}
}

func TestLineIsCut(t *testing.T) {
	for _, row := range []struct{ in, want string }{
		{"four", "four"},
		{"Grüße", "Grüß ..."},
		{"\x1b[31mfour\x1b[0m", "four"},
	} {
		if got := text.Line(row.in, 4); got != row.want {
			t.Errorf("%q became %q, want %q", row.in, got, row.want)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, seed := range []string{"", "\x1b", "\x1b[", "\x1b]x\x1b", "\x1b[31mä\r\n", "\u009b\u202e", "\xff\x1bP", "a\rb\nc"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := text.Clean(s)
		if !utf8.ValidString(got) || text.Clean(got) != got || strings.ContainsAny(got, "\x1b\r\n\a\b\u009b\u202e") {
			t.Errorf("%q became %q", s, got)
		}
	})
}

func TestOneLineHasAMarkBetweenLines(t *testing.T) {
	for in, want := range map[string]string{
		"cannot find x: no key\n  cache: absent\n  PATH: absent\n": "cannot find x: no key; cache: absent; PATH: absent",
		"errors:\n    a,\n    b.\n\n  c":                           "errors: a, b. c",
		"one \x1b[1mbold\x1b[0m   line":                            "one bold line",
		"":                                                         "",
	} {
		if got := text.OneLine(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

package plan

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// nasty are words that a shell gives a meaning.
func nasty() []string {
	return []string{"", " ", "a b", "'", "''", `"`, `\`, `\'`, "$HOME", "$(touch x)", "`touch x`", ";", "a;touch x", "&& touch x", "|", ">x", "<x",
		"*", "?", "[a-z]", "{a,b}", "~", "#a", "!!", "!", "\n", "a\nb", "\t", "a\r\n", "-n", "-e", "--", "%s", `\n`, "é", "日本", "\x01", "\x7f", "\xff\xfe",
		`{"kv_connector":"NixlConnector"}`, "NAME=value", "a=b c"}
}

// echoed is what bash makes of a line: its words, each ended by a zero byte.
func echoed(t testing.TB, line string) []string {
	t.Helper()
	out, err := exec.Command("bash", "-c", `call=`+Call+`; printf '%s\0' `+line).CombinedOutput()
	if err != nil {
		t.Fatalf("bash cannot read %q: %v\n%s", line, err, out)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
}

func TestQuoteAgainstBash(t *testing.T) {
	if diff := cmp.Diff(nasty(), echoed(t, quoteAll(nasty()))); diff != "" {
		t.Errorf("(-word +bash's):\n%s", diff)
	}
	if got := Quote("--kv/a.b=1:2,3@4%5"); got != "--kv/a.b=1:2,3@4%5" {
		t.Errorf("a plain word is quoted: %s", got)
	}
}

// FuzzQuote gives bash all words of one text at once, and the text itself.
func FuzzQuote(f *testing.F) {
	for _, word := range nasty() {
		f.Add(word)
	}
	f.Add(strings.Join(nasty(), "|"))
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ReplaceAll(text, "\x00", "") // no argument can hold one
		words := append(strings.Split(text, "|"), text)
		if diff := cmp.Diff(words, echoed(t, quoteAll(words))); diff != "" {
			t.Errorf("(-word +bash's):\n%s", diff)
		}
	})
}

func TestQuoteEnv(t *testing.T) {
	for _, row := range []struct{ why, kv, want string }{
		{"a setting", "A=b c", "'A=b c'"},
		{"a name that is not inherited", "A", "-u A"},
		{"a reference is an expansion that fails when it is not set", "A=${ENV:B}", `A="${B:?}"`},
		{"what is no name is no reference", `A=${ENV:B}"; touch x; "${C}`, `'A=${ENV:B}"; touch x; "${C}'`},
		{"half a reference is text", "A=x${ENV:B}", "'A=x${ENV:B}'"},
		{"what each call makes up is a variable", "A=x y-@CALL@/@CALL@", `'A=x y-'"$call"/"$call"`},
	} {
		if got := quoteEnv([]string{row.kv}); got != row.want {
			t.Errorf("%s: %s, want %s", row.why, got, row.want)
		}
	}
}

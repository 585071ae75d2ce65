package script

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/plan"
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
	out, err := exec.Command("bash", "-c", `call=1234; printf '%s\0' `+line).CombinedOutput()
	if err != nil {
		t.Fatalf("bash cannot read %q: %v\n%s", line, err, out)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
}

func TestQuoteAgainstBash(t *testing.T) {
	if diff := cmp.Diff(nasty(), echoed(t, quoteAll(nasty()))); diff != "" {
		t.Errorf("(-word +bash's):\n%s", diff)
	}
	if got := quote("--kv/a.b=1:2,3@4%5"); got != "--kv/a.b=1:2,3@4%5" {
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

func TestEnvironment(t *testing.T) {
	for _, row := range []struct{ why, kv, want string }{
		{"a setting", "A=b c", "'A=b c'"},
		{"a reference is an expansion that fails when it is not set", "A=${ENV:B}", `A="${B:?}"`},
		{"the end of a list is nothing when it is not set", "NO_PROXY=10.0.0.5,${ENV:NO_PROXY}", `NO_PROXY=10.0.0.5"${NO_PROXY:+,$NO_PROXY}"`},
		{"what is no name is no reference", `A=${ENV:B}"; touch x; "${C}`, `'A=${ENV:B}"; touch x; "${C}'`},
		{"half a reference is text", "A=x${ENV:B}", "'A=x${ENV:B}'"},
		{"a mark is a variable", "A=x y-" + plan.Unplaced().Dir + "/$b\"", `A="x y-$dir/\$b\""`},
		{"a name that goes on behind it", "A=" + plan.Unplaced().Namespace + "_1", `A="${namespace}_1"`},
		{"arithmetic", "A=" + mark("10 * c"), `A="$((10 * c))"`},
	} {
		if got := environment([]string{row.kv})[0]; got != row.want {
			t.Errorf("%s: %s, want %s", row.why, got, row.want)
		}
	}
}

// Lines wrap at 100 characters, where a word ends, and a flag keeps its values. Bash reads
// the same words as without.
func TestWrapped(t *testing.T) {
	argv := []string{"python", "-m", "dynamo.vllm", "--model", "Qwen/Qwen3-0.6B"}
	for i := range 20 {
		argv = append(argv, fmt.Sprintf("--flag-%d", i), strings.Repeat("v", i))
	}
	argv = append(argv, nasty()...)
	text := wrapped(2, units(argv), " \\")
	if diff := cmp.Diff(argv, echoed(t, text)); diff != "" {
		t.Errorf("(-words +bash's):\n%s", diff)
	}
	for line := range strings.Lines(text[:strings.Index(text, "--flag-19")]) {
		if len(line) > 101 || !strings.HasPrefix(line, "    ") {
			t.Errorf("%d characters: %q", len(line), line)
		}
		words := strings.Fields(strings.TrimSuffix(line, " \\\n"))
		if len(words) > 0 && strings.HasSuffix(line, "\n") && strings.HasPrefix(words[len(words)-1], "-") {
			t.Errorf("a flag is apart from its value: %q", line)
		}
	}
	if got := wrapped(1, []string{"start a", "B=1", newLine, "c"}, " \\"); got != "  start a B=1 \\\n    c" {
		t.Errorf("a command on a line of its own: %q", got)
	}
	if got := wrapped(0, []string{"a=(", "b", "c", ")"}, ""); got != "a=(b c)" {
		t.Errorf("an array: %q", got)
	}
}

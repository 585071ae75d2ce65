package text

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func fits(t *testing.T, table string) {
	t.Helper()
	for line := range strings.Lines(table) {
		if line = strings.TrimSuffix(line, "\n"); utf8.RuneCountInString(line) > Width || strings.TrimRight(line, " ") != line {
			t.Errorf("%d columns, or spaces at the end: %q", utf8.RuneCountInString(line), line)
		}
	}
}

// A text that does not fit beside the numbers is below them, but for its beginning.
func TestTableWrapsItsLastColumn(t *testing.T) {
	reason := "invalid: " + strings.TrimSpace(strings.Repeat("word ", 20))
	got := Table([]string{"name", "number\nof cells", "text"}, [][]string{
		{"a", "1", "valid"}, {strings.Repeat("x", 90) + "y", "22", reason}, {"b", "3", ""}})
	blank := strings.Repeat(" ", 55)
	want := "" +
		blank + "        number\n" +
		"name" + blank + "  of cells  text\n" +
		"a   " + blank + "         1  valid\n" +
		strings.Repeat("x", 29) + "…" + strings.Repeat("x", 28) + "y        22  invalid:\n" +
		"    " + strings.TrimSpace(strings.Repeat("word ", 15)) + "\n" +
		"    word word word word word\n" +
		"b   " + blank + "         3\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	fits(t, got)
}

func TestLabelsStayUnlike(t *testing.T) {
	for _, row := range []struct {
		why         string
		names, want []string
	}{
		{"all fit", []string{"a", "b", "a"}, []string{"a", "b", "a"}},
		{"in the middle", []string{"abcdefghijk", "abcdefghijl"}, []string{"abcd…ijk", "abcd…ijl"}},
		{"at the front", []string{"abcdefghijk", "abcdEfghijk"}, []string{"…efghijk", "…Efghijk"}},
		{"at the end", []string{"abcdEfghijklmno", "abcdFghijklmno"}, []string{"abcdEfg…", "abcdFgh…"}},
		{"each cut makes two alike", []string{"abcdefghijklmnop", "abcdefgHijklmnop"}, []string{"1 …lmnop", "2 …lmnop"}},
	} {
		got := Labels(row.names, 8)
		if !cmp.Equal(got, row.want) {
			t.Errorf("%s: got %q, want %q", row.why, got, row.want)
		}
	}
}

// Values that differ in the middle of a long text show the difference, and columns wrap or follow below.
func TestSidesFitATerminal(t *testing.T) {
	front, back := `{"cudagraph_mode":"`+strings.Repeat("x", 100), strings.Repeat("y", 100)+`"}`
	rows := [][]string{{"engine settings that differ", "one", "two", "three", "four", "five", "six"},
		{"  compilation-config"}, {"  a-name-that-is-longer-than-a-column-of-names-may-be", "1", "2", "3", "4", "5", "6"}}
	for _, differs := range []string{"FULL", "PIECEWISE", "NONE", "FULL", "NONE", "FULL"} {
		rows[1] = append(rows[1], front+differs+back)
	}
	all := Sides(rows)
	fits(t, all)
	for _, shown := range []string{"…xxxxxxxxxx", "ECEWISE", "LLyyyyyyyyyy…", "six"} {
		if !strings.Contains(all, shown) || strings.Contains(all, "xxxxxxxxxxx") {
			t.Errorf("%s is not in, or more than the difference:\n%s", shown, all)
		}
	}
	if n := strings.Count(all, "engine settings that differ"); n != 2 {
		t.Errorf("%d tables for six sides:\n%s", n, all)
	}
	got := Sides([][]string{{"seconds", "a", "b"}, {"  plan", "0.10", "2.00"}})
	if want := "seconds  a     b\n  plan   0.10  2.00\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzTablesLoseNoDifference(f *testing.F) {
	f.Add("dynamo_vllm_aggregated", "dynamo_vllm_disaggregated", 16)
	f.Fuzz(func(t *testing.T, a, b string, width int) {
		if !utf8.ValidString(a+b) || width < 8 || width > 100 {
			return
		}
		got := Labels([]string{a, b}, width)
		if (got[0] == got[1]) != (a == b) {
			t.Errorf("%q and %q became %q", a, b, got)
		}
		for _, label := range got {
			if utf8.RuneCountInString(label) > width {
				t.Errorf("%q is longer than %d", label, width)
			}
		}
	})
}

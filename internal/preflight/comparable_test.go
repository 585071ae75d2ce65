package preflight

import (
	"strings"
	"testing"

	"topobench/internal/profile"
)

// read parses a profile of two aggregated mockers' worth of text.
func read(t *testing.T, name, kind, extra string) profile.Profile {
	t.Helper()
	p, err := profile.Reader{}.Parse(name+".yaml", []byte("{name: "+name+", kind: "+kind+", engine: mocker, model: m, aggregated: [{cuda_visible_devices: [0]}]"+extra+"}"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestComparable(t *testing.T) {
	a := read(t, "a", "ka", "")
	for _, row := range []struct {
		why   string
		other profile.Profile
		want  []string // parts of the message; none: they may be compared
	}{
		{"the same load", read(t, "b", "kb", ""), nil},
		{"other arguments of aiperf, which the sentence names", read(t, "b", "kb", ", load: {args: [-v]}"), nil},
		{"another length, with both values", read(t, "b", "kb", ", load: {isl: 7}"), []string{"load.isl is 3000 in a.yaml and 7 in b.yaml", "--isl"}},
		{"everything that differs at once", read(t, "b", "kb", ", load: {osl: 9, concurrency: [3], exact: true}, tokenizer: x"),
			[]string{"load.osl", "load.concurrency", "load.exact", "tokenizer"}},
		{"one series twice", read(t, "b", "ka", ""), []string{"one series, ka_aggregated", "change kind"}},
		{"one name twice", read(t, "a", "kb", ""), []string{"one name, a"}},
	} {
		err := Comparable([]profile.Profile{a, row.other})
		if (err == nil) != (row.want == nil) {
			t.Errorf("%s: %v", row.why, err)
		}
		for _, part := range row.want {
			if err != nil && !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v lacks %q", row.why, err, part)
			}
		}
	}
}

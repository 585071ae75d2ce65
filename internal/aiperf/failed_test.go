package aiperf

import (
	"strings"
	"testing"
)

func TestFailedNamesTheCauses(t *testing.T) {
	rows := []struct{ file, want, why string }{
		{"all-400.jsonl", "24 x 400 Bad Request", "every request, warm-up included, was refused"},
		{"refused.jsonl", "Connect", "nobody listened"},
		{"no-such-file.jsonl", "", "a cell that never sent anything"},
	}
	for _, row := range rows {
		got, err := Failed("testdata/" + row.file)
		if err != nil || !strings.Contains(got, row.want) || (row.want == "") != (got == "") {
			t.Errorf("%s: got %q, %v; want %q", row.why, got, err, row.want)
		}
	}
}

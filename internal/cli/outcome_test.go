package cli

import (
	"strings"
	"testing"
)

func TestTheNextCommand(t *testing.T) {
	for _, row := range []struct {
		why, args string
		passed    []string
		missing   []int
		want      string
	}{
		{"nothing passed", "run a.yaml b.yaml --isl 8", nil, nil, "topobench run a.yaml b.yaml --isl 8"},
		{"one profile passed", "run a.yaml b.yaml", []string{"a.yaml"}, nil, "topobench run b.yaml"},
		{"some levels are missing", "run a.yaml --concurrency 1,2,4 --keep", nil, []int{2, 4}, "topobench run a.yaml --keep --concurrency 2,4"},
		{"in the other form", "run --concurrency=1,2 a.yaml", nil, []int{2}, "topobench run a.yaml --concurrency 2"},
		{"a value that looks like a profile stays", "run agg disagg --baseline agg", []string{"agg"}, nil, "topobench run disagg --baseline agg"},
		{"a word that a shell would split is quoted", "run a.yaml --title Two;nodes", nil, nil, "topobench run a.yaml --title 'Two;nodes'"},
	} {
		if got := repeat(strings.Fields(row.args), row.passed, row.missing); got != row.want {
			t.Errorf("%s: got %q, want %q", row.why, got, row.want)
		}
	}
}

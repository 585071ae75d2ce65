package cli_test

import (
	"strings"
	"testing"

	"topobench/internal/testbed"
)

// journal is what the runs of a workspace below root have written.
type runJournal struct {
	t *testing.T
	s *workspace
}

// has waits for a line with all words in it.
func (j runJournal) has(words ...string) {
	j.t.Helper()
	if !testbed.Soon(patience, func() bool {
		for line := range strings.Lines(j.text()) {
			found := true
			for _, word := range words {
				found = found && strings.Contains(line, word)
			}
			if found {
				return true
			}
		}
		return false
	}) {
		j.t.Fatalf("no line with %q in\n%s", words, j.text())
	}
}

func (j runJournal) text() string {
	var all strings.Builder
	for _, path := range j.s.glob("root/.topobench/*/journal.ndjson") {
		all.WriteString(j.s.text(path))
	}
	return all.String()
}

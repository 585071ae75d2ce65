package journal

import (
	"strings"
	"testing"

	"topobench/internal/verdict"
)

// An event without fsync takes at most 0.1 ms, and that of a cell, with fsync, 5 ms.
func BenchmarkWrite(b *testing.B) {
	checks := make([]verdict.Check, 20)
	for i := range checks {
		checks[i] = verdict.Check{Name: "run", State: verdict.Note, Detail: strings.Repeat("x", 100)}
	}
	for _, row := range []struct {
		name  string
		event Event
	}{{"append", Smoke{Waits: strings.Repeat("x", 100)}}, {"cell", CellDone{Topology: "a", Checks: checks}}} {
		b.Run(row.name, func(b *testing.B) {
			j, err := Open(b.TempDir()+"/"+Name, nil)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if err := j.Write(b.Context(), row.event); err != nil {
					b.Fatal(err)
				}
			}
			if err := j.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

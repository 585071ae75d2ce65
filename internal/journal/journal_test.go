package journal

import (
	"sync"
	"testing"
)

func TestJournalTakesManyWritersAtOnce(t *testing.T) {
	path := journalPath(t)
	j := open(t, path)
	var wg sync.WaitGroup
	for writer := range 8 {
		wg.Go(func() {
			for range 50 {
				if err := j.Write(t.Context(), CellAborted{Concurrency: writer}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	records, err := Read(path)
	if err != nil || len(records) != 400 {
		t.Errorf("%d records, want 400 (%v)", len(records), err)
	}
}

package stack

import (
	"context"
	"slices"
	"testing"
	"time"

	"topobench/internal/plan"
	"topobench/internal/testbed"
)

// BenchmarkDownOfAStubbornTree is the time from the end of the grace until 21
// processes that are deaf to SIGTERM are proved gone. Run it with -benchtime 50x.
func BenchmarkDownOfAStubbornTree(b *testing.B) {
	over, cancel := context.WithCancel(context.Background())
	cancel()
	var took []time.Duration
	for b.Loop() {
		b.StopTimer()
		bed := newBed(b)
		s := bed.up(bed.service("a", plan.Decode, 0, "family", "20"))
		testbed.Eventually(b, soon, func() bool { return len(bed.Living()) == 22 }) // and the shepherd
		b.StartTimer()
		times, err := s.Down(over)
		if err != nil {
			b.Fatal(err)
		}
		if living := bed.Living(); len(living) > 0 {
			b.Fatalf("there is %v", living)
		}
		took = append(took, times.Teardown+times.Proof)
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-median")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "ms-worst")
}

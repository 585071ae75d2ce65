package stats

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSummarise(t *testing.T) {
	for _, row := range []struct {
		why    string
		values []float64
		want   Sample
	}{
		{"nothing", nil, Sample{}},
		{"one value has no spread", []float64{7}, Sample{1, 7, 0}},
		{"equal values have none either", []float64{7, 7}, Sample{2, 7, 0}},
		{"the deviation is divided by N-1", []float64{1, 3}, Sample{2, 2, math.Sqrt2}},
		{"three", []float64{2, 4, 9}, Sample{3, 5, math.Sqrt(13)}},
	} {
		if got := Summarise(row.values); got != row.want {
			t.Errorf("%s: got %+v, want %+v", row.why, got, row.want)
		}
	}
}

func TestAggregateMakesAPointOfEachConcurrency(t *testing.T) {
	got := Aggregate([]Repeat{{8, 10, 100}, {1, 50, 5}, {8, 14, 102}})
	want := []Point{
		{1, Sample{1, 50, 0}, Sample{1, 5, 0}},
		{8, Sample{2, 12, 2 * math.Sqrt2}, Sample{2, 101, math.Sqrt2}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
	if got := Aggregate(nil); got == nil || len(got) != 0 {
		t.Errorf("no repeats: got %v, want an empty list", got)
	}
}

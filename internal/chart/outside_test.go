package chart

import (
	"slices"
	"strings"
	"testing"
)

// A point outside the SLO is a ring with two strokes, and the legend has a row for it.
func TestPointsOutsideTheSLOAreCrossedOut(t *testing.T) {
	p := sweep()
	const row = ">crossed out: outside the SLO</text>"
	before := string(drawn(t, SVG, p))
	p.Series[1].Points[8].Outside = true
	p.Series[1].Points[8].Frontier = false
	after := string(drawn(t, SVG, p))
	if strings.Contains(before, row) || strings.Count(after, row) != 1 {
		t.Error("the row of the legend depends on the points outside")
	}
	if more := strings.Count(after, "<path") - strings.Count(before, "<path"); more != 5 {
		t.Errorf("%d more paths, want two strokes, and a marker with two in the legend", more)
	}
	if err := wellFormed([]byte(after)); err != nil {
		t.Error(err)
	}
	if slices.Equal(drawn(t, PNG, p), drawn(t, PNG, sweep())) {
		t.Error("the PNG does not show it")
	}
}

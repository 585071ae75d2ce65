package chart

import (
	"strings"
	"testing"
)

// An interval that is wider than the axes ends at the edge of the plot, and does not move the axes.
func TestCrossesEndAtTheEdgeOfThePlot(t *testing.T) {
	plain, crossed := sweep(), sweep()
	crossed.Series[0].Points[0].Cross = Cross{Left: -1e9, Right: 1e9, Low: 10, High: 1e9}
	crossed.Series[1].Points[0].Cross = Cross{Left: 100, Right: 120} // no interval of y
	without, _ := arranged(t, plain)
	l, _ := arranged(t, crossed)
	if l.x.lo != without.x.lo || l.x.hi != without.x.hi || l.y.hi != without.y.hi {
		t.Errorf("the axes are %+v and %+v", l.x, l.y)
	}
	if len(l.bars) != 3 || len(without.bars) != 0 {
		t.Fatalf("got %d bars", len(l.bars))
	}
	wide, high := l.bars[0].points, l.bars[1].points
	if wide[0].X != l.plot.Min.X || wide[1].X != l.plot.Max.X || wide[0].Y != l.dots[0].at.Y {
		t.Errorf("the horizontal bar is from %v to %v in %v", wide[0], wide[1], l.plot)
	}
	if high[1].Y != l.plot.Min.Y || high[0].Y != l.y.at(10) || high[0].X != l.dots[0].at.X {
		t.Errorf("the vertical bar is from %v to %v in %v", high[0], high[1], l.plot)
	}
	for _, b := range l.bars {
		for _, p := range b.points {
			if !p.In(l.plot.Inset(-1)) {
				t.Errorf("%v is outside %v", p, l.plot)
			}
		}
	}
}

func TestCrossesAreDrawnAndExplained(t *testing.T) {
	p := sweep()
	const row = ">cross: 95 % interval</text>"
	before := string(drawn(t, SVG, p))
	p.Series[0].Points[0].Cross = Cross{Left: 90, Right: 100, Low: 15, High: 20}
	after := string(drawn(t, SVG, p))
	if strings.Contains(before, row) || strings.Count(after, row) != 1 {
		t.Error("the row of the legend depends on the crosses")
	}
	if lines := strings.Count(after, "<path") - strings.Count(before, "<path"); lines != 4 {
		t.Errorf("%d more paths, want two bars and the two of the legend", lines)
	}
	if err := wellFormed([]byte(after)); err != nil {
		t.Error(err)
	}
	drawn(t, PNG, p)
}

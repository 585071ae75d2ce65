package chart

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// many is a picture of n series with a point at each of nine levels, and a cross on each.
func many(n int, apart float64, name func(i int) string) Picture {
	p := Picture{Title: "Pareto - Single Node", XName: "tokens/s/user avg", YName: "tokens/s/gpu avg"}
	for i := range n {
		s := Series{Name: name(i)}
		for level := range 9 {
			streams, speed := float64(int(1)<<level), 1+apart*float64(i)
			x := 140 * speed / (1 + 0.006*streams*speed)
			y := x * streams / (8 + 0.02*streams)
			s.Points = append(s.Points, Point{X: x, Y: y, Note: strconv.Itoa(1 << level), Frontier: true,
				Cross: Cross{0.98 * x, 1.02 * x, 0.96 * y, 1.04 * y}})
		}
		p.Series = append(p.Series, s)
	}
	return p
}

// The legend tells series apart whose long names differ anywhere, and cuts equal names alike.
func TestLegendNamesStayUnlike(t *testing.T) {
	long := strings.Repeat("abcdefg_", 20)
	for where, name := range map[string]func(i int) string{
		"front":  func(i int) string { return strconv.Itoa(i) + long },
		"middle": func(i int) string { return long + strconv.Itoa(i) + long },
		"behind": func(i int) string { return long + fmt.Sprintf("tp%d_disaggregated, mean of 4, and more of it", i) },
		"end":    func(i int) string { return long + strconv.Itoa(i) },
	} {
		l, m := arranged(t, many(12, 0.05, name))
		var names []string
		for _, row := range l.legend[:12] {
			if m.width(row.name, textSize) > maxName || slices.Contains(names, row.name) {
				t.Errorf("%s: %q among %q", where, row.name, names)
			}
			names = append(names, row.name)
		}
	}
	l, _ := arranged(t, many(2, 0.05, func(int) string { return long }))
	if l.legend[0].name != l.legend[1].name || strings.HasPrefix(l.legend[0].name, "1") {
		t.Errorf("equal names became %q and %q", l.legend[0].name, l.legend[1].name)
	}
}

// A dot on a dot of another series is smaller, so that both can be seen; on one of its own series it is not.
func TestDotsThatOverlapAreBothVisible(t *testing.T) {
	l, _ := arranged(t, many(2, 0.002, strconv.Itoa))
	for i, d := range l.dots {
		if small := d.radius < radius(len(l.dots)); small != (d.series == 1) {
			t.Errorf("dot %d of series %d has radius %d", i, d.series, d.radius)
		}
	}
	twice := Picture{Series: []Series{{Points: []Point{{X: 1, Y: 1}, {X: 1, Y: 1}, {X: 2, Y: 2}}}}}
	if l, _ = arranged(t, twice); l.dots[1].radius != l.dots[0].radius {
		t.Errorf("got %+v", l.dots)
	}
}

// A number has the dark colour of its series, and no cross strikes it out.
func TestNotesBelongToTheirSeries(t *testing.T) {
	l, m := arranged(t, many(12, 0.05, strconv.Itoa))
	if len(l.notes) < 12*9/2 {
		t.Errorf("%d of %d numbers have a place", len(l.notes), 12*9)
	}
	for _, note := range l.notes {
		for _, b := range l.bars {
			if at := box(note, m); b.points[0].In(at) || b.points[1].In(at) {
				t.Errorf("the cross %v strikes out %s at %v", b.points, note.body, at)
			}
		}
	}
	svg := string(drawn(t, SVG, many(2, 0.05, strconv.Itoa)))
	for series := range 2 {
		if colour := fmt.Sprintf("fill:#%06x;font-size:20.0px", dark(series)); !strings.Contains(svg, colour) {
			t.Errorf("no number has the colour of series %d", series)
		}
	}
	if n := len(palette()); n > 256 {
		t.Errorf("the palette has %d colours", n)
	}
}

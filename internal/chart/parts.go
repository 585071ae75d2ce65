package chart

import (
	"fmt"
	"image"
	"strings"

	gochart "github.com/wcharczuk/go-chart/v2"
	"github.com/wcharczuk/go-chart/v2/drawing"
)

// Size of the box of Parts. Its units are pixels on a wide screen.
const (
	PartsWidth  = 1400
	PartsHeight = 760
)

// partsRadius is the largest one of the markers.
const partsRadius = 9

// Parts is the content of a picture, without title and legend, for a page that draws each part itself, so that it can
// link it. Coordinates are units of a box PartsWidth x PartsHeight.
type Parts struct {
	Plot      image.Rectangle
	X, Y      []Tick
	Frontiers []Line
	Bars      []Line // of the crosses
	Dots      []Dot  // rings first: a ring never hides a valid point
	Notes     []Note
}

// Tick is a value of an axis at its coordinate.
type Tick struct {
	At   int
	Text string
}

// Line is a path of SVG, with the dashes of a frontier.
type Line struct{ Path, Colour, Dashes string }

// Dot is the marker of a point, by its index in the picture and in its series.
type Dot struct {
	Series, Point        int
	Path, Colour, Dashes string // those of its frontier
	At                   image.Point
	Hollow, Outside      bool   // rings
	Cross                string // path of the cross in a ring outside the SLO
}

// Note is the text beside a point, from the left end of its baseline.
type Note struct {
	At           image.Point
	Text, Colour string
}

// PartsOf lays the picture out.
func PartsOf(p Picture) (Parts, error) {
	font, err := font()
	if err != nil {
		return Parts{}, fmt.Errorf("cannot lay the chart out: %w", err)
	}
	ruler, err := gochart.PNG(1, 1)
	if err != nil {
		return Parts{}, fmt.Errorf("cannot lay the chart out: %w", err)
	}
	m := newMeter(ruler, gochart.Style{Font: font})
	series, xs, ys, _ := finite(p.Series)
	l := layout{x: newAxis(xs), y: newAxis(ys)}
	left := 0
	for _, t := range l.y.ticks {
		left = max(left, m.width(t.text, textSize))
	}
	l.plot = image.Rect(nameSize+2*gap+left, gap, PartsWidth-gap, PartsHeight-90)
	l.x.from, l.x.to, l.y.from, l.y.to = l.plot.Min.X, l.plot.Max.X, l.plot.Max.Y, l.plot.Min.Y
	l.dots, l.lines = l.place(series, min(partsRadius, radius(len(xs))))
	l.bars = l.crosses(series)
	parts := Parts{Plot: l.plot, X: axisTicks(l.x), Y: axisTicks(l.y), Frontiers: svgLines(l.lines),
		Bars: svgLines(l.bars), Dots: svgDots(l.dots, p.Series)}
	for _, n := range placeNotes(l, m) {
		parts.Notes = append(parts.Notes, Note{n.at, n.body, fmt.Sprintf("#%06x", dark(n.series))})
	}
	return parts, nil
}

// Mark is the marker of a series in a legend, in a box of 60 x 24 with the dashes of the frontier.
func Mark(series int) Dot {
	d := dot{series: series, radius: partsRadius, at: image.Pt(30, 12)}
	return Dot{Series: series, Path: outline(d), Colour: hex(colour(series)), Dashes: dashText(series), At: d.at}
}

func dashText(series int) string { return strings.Trim(fmt.Sprint(dashes(series)), "[]") }

func axisTicks(a axis) (all []Tick) {
	for _, t := range a.ticks {
		all = append(all, Tick{a.at(t.value), t.text})
	}
	return all
}

func svgLines(lines []line) (all []Line) {
	for _, l := range lines {
		all = append(all, Line{path(l.points), hex(colour(l.series)), dashText(l.series)})
	}
	return all
}

// svgDots has the dots, which place made of the finite points in their order.
func svgDots(dots []dot, series []Series) (all []Dot) {
	var found []Dot
	for i, s := range series {
		for k, p := range s.Points {
			if kept, _, _, _ := finite([]Series{{Points: []Point{p}}}); len(kept[0]) == 0 {
				continue
			}
			d := dots[len(found)]
			found = append(found, Dot{Series: i, Point: k, Path: outline(d), Colour: hex(colour(d.series)),
				Dashes: dashText(i), At: d.at, Hollow: d.hollow, Outside: d.outside, Cross: crossOut(d)})
		}
	}
	for _, ring := range []bool{true, false} {
		for _, d := range found {
			if (d.Hollow || d.Outside) == ring {
				all = append(all, d)
			}
		}
	}
	return all
}

// crossOut is the path of the cross in a dot outside the SLO.
func crossOut(d dot) string {
	if !d.outside {
		return ""
	}
	r := d.radius
	return path([]image.Point{d.at.Add(image.Pt(-r, -r)), d.at.Add(image.Pt(r, r))}) +
		path([]image.Point{d.at.Add(image.Pt(-r, r)), d.at.Add(image.Pt(r, -r))})
}

// outline is the path of a marker: a circle is two arcs.
func outline(d dot) string {
	corners := marker(d.series, d.radius)
	if corners == nil {
		r := d.radius
		return fmt.Sprintf("M%d %da%d %d 0 1 0 %d 0a%d %d 0 1 0 %d 0Z", d.at.X-r, d.at.Y, r, r, 2*r, r, r, -2*r)
	}
	for i := range corners {
		corners[i] = corners[i].Add(d.at)
	}
	return path(corners) + "Z"
}

func path(points []image.Point) string {
	var b strings.Builder
	for i, p := range points {
		b.WriteByte("ML"[min(i, 1)])
		fmt.Fprintf(&b, "%d %d", p.X, p.Y)
	}
	return b.String()
}

func hex(c drawing.Color) string { return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B) }

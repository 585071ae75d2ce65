package chart

import (
	"cmp"
	"image"
	"math"
	"slices"
)

// Sizes in pixels. Text sizes are the height of the em square.
const (
	titleSize, nameSize, textSize, noteSize = 36, 28, 24, 20

	margin = 40 // to the edge of the picture
	gap    = 16 // between the parts of it

	tickLength = 8
)

// largest value that is drawn: the range of larger ones may be infinite.
const largest = 1e100

// crowd is the number of points from which on markers are small.
const crowd = 150

// layout is the picture decided: where everything is, in pixels.
type layout struct {
	plot   image.Rectangle
	x, y   axis
	lines  []line
	dots   []dot
	texts  []text // that read from left to right
	yName  text
	legend []entry
}

// text starts at the left end of its baseline.
type text struct {
	body string
	at   image.Point
	size float64
}

// line is a frontier.
type line struct {
	series int
	points []image.Point
}

// dot is a marker of the given radius.
type dot struct {
	series, radius int
	at             image.Point
	hollow         bool
	note           string
	frontier       bool
}

// arrange decides everything: first the names and their room, then the plot, then what is in it.
func arrange(p Picture, m meter) layout {
	shown := finite(p.Series)
	var l layout
	l.x, l.y = newAxis(shown.xs), newAxis(shown.ys)
	l.legend = legend(p.Series, len(shown.xs) > 0, shown.hollow, m)
	l.plot = plotArea(l.y.ticks, l.legend, m)
	l.x.from, l.x.to = l.plot.Min.X, l.plot.Max.X
	l.y.from, l.y.to = l.plot.Max.Y, l.plot.Min.Y

	l.dots, l.lines = l.place(shown.series, radius(len(shown.xs)))
	l.yName = m.upright(p.YName, l.plot)
	l.texts = append(m.tickTexts(l), placeNotes(l, m)...)
	l.texts = append(l.texts,
		m.centred(p.Title, l.plot, l.plot.Min.Y-32, titleSize),
		m.centred(p.XName, l.plot, Height-margin, nameSize))
	if len(shown.xs) == 0 {
		l.texts = append(l.texts, m.centred("no valid points", l.plot, (l.plot.Min.Y+l.plot.Max.Y)/2, nameSize))
	}
	return l
}

// drawable is what of the series can be drawn.
type drawable struct {
	series [][]Point
	xs, ys []float64
	hollow bool
}

// finite leaves out points that no axis can show.
func finite(series []Series) drawable {
	var d drawable
	for _, s := range series {
		var kept []Point
		for _, p := range s.Points {
			if !(math.Abs(p.X) < largest && math.Abs(p.Y) < largest) {
				continue // or NaN
			}
			kept = append(kept, p)
			d.xs, d.ys = append(d.xs, p.X), append(d.ys, p.Y)
			d.hollow = d.hollow || p.Hollow
		}
		d.series = append(d.series, kept)
	}
	return d
}

// plotArea leaves room for the tick labels on the left and for the longest name on the right.
func plotArea(yTicks []tick, rows []entry, m meter) image.Rectangle {
	left := 0
	for _, t := range yTicks {
		left = max(left, m.width(t.text, textSize))
	}
	right := 0
	for _, row := range rows {
		right = max(right, gap+sample+gap+m.width(row.name, textSize))
	}
	return image.Rect(margin+nameSize+gap+left+gap/2+tickLength, 100, Width-margin-gap-right, Height-130)
}

// place turns values into dots and frontiers.
func (l layout) place(series [][]Point, radius int) (dots []dot, lines []line) {
	for i, points := range series {
		front := line{series: i}
		for _, p := range points {
			at := image.Pt(l.x.at(p.X), l.y.at(p.Y))
			dots = append(dots, dot{i, radius, at, p.Hollow, p.Note, p.Frontier})
			if p.Frontier {
				front.points = append(front.points, at)
			}
		}
		slices.SortFunc(front.points, func(a, b image.Point) int {
			return cmp.Or(cmp.Compare(a.X, b.X), cmp.Compare(a.Y, b.Y))
		})
		if len(front.points) > 1 {
			lines = append(lines, front)
		}
	}
	return dots, lines
}

// radius of the markers. 10 and 4 are radii whose circle lies well on whole pixels.
func radius(points int) int {
	if points > crowd {
		return 4
	}
	return 10
}

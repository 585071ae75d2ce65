package chart

import (
	"cmp"
	"image"
	"math"
	"slices"
	"strconv"
)

// Sizes in pixels. Text sizes are the height of the em square.
const (
	titleSize, nameSize, textSize, noteSize = 36, 28, 24, 20

	margin = 40 // to the edge of the picture
	gap    = 16 // between the parts of it

	tickLength = 8
)

// Sizes of the legend in pixels.
const (
	rowHeight = 42
	sample    = 60  // width of the dashes and the marker before a name
	maxName   = 640 // longer names are cut, to leave space for the plot
	maxRows   = 16
)

// largest value that is drawn: beyond it a range could overflow.
const largest = 1e100

// Numbers of points above which markers are smaller, and small.
const dense, crowd = 60, 150

// layout has the place of everything in the picture, in pixels.
type layout struct {
	plot   image.Rectangle
	x, y   axis
	lines  []line
	bars   []line // of the crosses
	dots   []dot
	texts  []text // left to right; yName reads upwards
	notes  []text // beside the dots, in the colours of their series
	yName  text
	legend []entry
}

// text starts at the left end of its baseline.
type text struct {
	body   string
	at     image.Point
	size   float64
	series int // of a note
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
	outside        bool
	note           string
	frontier       bool
}

// arrange computes the layout: first the names and their space, then the plot, then its content.
func arrange(p Picture, m meter) layout {
	series, xs, ys, hollow := finite(p.Series)
	var l layout
	l.x, l.y = newAxis(xs), newAxis(ys)
	l.legend = append(legend(p.Series, len(xs) > 0, hollow, m), explained(series)...)
	l.plot = plotArea(l.y.ticks, l.legend, m)
	l.x.from, l.x.to = l.plot.Min.X, l.plot.Max.X
	l.y.from, l.y.to = l.plot.Max.Y, l.plot.Min.Y

	l.dots, l.lines = l.place(series, radius(len(xs)))
	l.bars = l.crosses(series)
	l.yName = m.upright(p.YName, l.plot)
	l.notes = placeNotes(l, m)
	l.texts = append(m.tickTexts(l),
		m.centred(p.Title, l.plot, l.plot.Min.Y-32, titleSize),
		m.centred(p.XName, l.plot, Height-margin, nameSize))
	if len(xs) == 0 {
		l.texts = append(l.texts, m.centred("no valid points", l.plot, (l.plot.Min.Y+l.plot.Max.Y)/2, nameSize))
	}
	return l
}

// finite drops points that no axis can show. It returns the others of each series, and their coordinates.
func finite(all []Series) (series [][]Point, xs, ys []float64, hollow bool) {
	for _, s := range all {
		var kept []Point
		for _, p := range s.Points {
			if !(math.Abs(p.X) < largest && math.Abs(p.Y) < largest) {
				continue // too large, or NaN
			}
			kept = append(kept, p)
			xs, ys = append(xs, p.X), append(ys, p.Y)
			hollow = hollow || p.Hollow
		}
		series = append(series, kept)
	}
	return series, xs, ys, hollow
}

// plotArea leaves space for the tick labels on the left and for the longest name on the right.
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
			dots = append(dots, dot{i, radius, at, p.Hollow, p.Outside, p.Note, p.Frontier})
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
	uncover(dots)
	return dots, lines
}

// crosses turns intervals into bars, clipped to the plot.
func (l layout) crosses(series [][]Point) (bars []line) {
	for i, points := range series {
		for _, p := range points {
			at, c := image.Pt(l.x.at(p.X), l.y.at(p.Y)), p.Cross
			if c.Left < c.Right {
				bars = append(bars, line{i, []image.Point{{l.x.inside(c.Left), at.Y}, {l.x.inside(c.Right), at.Y}}})
			}
			if c.Low < c.High {
				bars = append(bars, line{i, []image.Point{{at.X, l.y.inside(c.Low)}, {at.X, l.y.inside(c.High)}}})
			}
		}
	}
	return bars
}

// explained are the rows of the legend about crosses and points outside the SLO, if there are some.
func explained(series [][]Point) (rows []entry) {
	points := slices.Concat(series...)
	if slices.ContainsFunc(points, func(p Point) bool { return p.Outside }) {
		rows = append(rows, entry{name: "crossed out: outside the SLO", kind: ofOutside})
	}
	if slices.ContainsFunc(points, func(p Point) bool { return p.Cross != Cross{} }) {
		rows = append(rows, entry{name: "cross: 95 % interval", kind: ofBars})
	}
	return rows
}

// radius of the markers. Circles of radius 10, 7 and 4 look round on whole pixels.
func radius(points int) int {
	switch {
	case points > crowd:
		return 4
	case points > dense:
		return 7
	}
	return 10
}

// uncover shrinks the dots that would hide one of an earlier series: its rim stays visible around them.
func uncover(dots []dot) {
	for i := range dots {
		for _, below := range dots[:i] {
			way := dots[i].at.Sub(below.at)
			if below.series != dots[i].series && below.radius == dots[i].radius &&
				way.X*way.X+way.Y*way.Y < below.radius*below.radius*3/5 {
				dots[i].radius = max(3, dots[i].radius*3/5)
				break
			}
		}
	}
}

// entry is one row of the legend: a name after the marker of a series, after a ring, or alone.
type entry struct {
	name   string
	series int
	kind   entryKind
}

type entryKind int

const (
	ofSeries entryKind = iota
	ofRings
	ofBars
	ofOutside
	ofNothing
)

// legend has a row for each series that fits and one with the number of the others. Further rows explain the
// notes beside the dots and the rings.
func legend(series []Series, noted, hollow bool, m meter) []entry {
	var rows []entry
	names := m.names(series)
	for i := range series {
		if len(series) > maxRows && i == maxRows-1 {
			rest := strconv.Itoa(len(series) - i)
			rows = append(rows, entry{name: "and " + rest + " more", kind: ofNothing})
			break
		}
		rows = append(rows, entry{name: names[i], series: i})
	}
	if noted {
		rows = append(rows, entry{name: "number: concurrency", kind: ofNothing})
	}
	if hollow {
		rows = append(rows, entry{name: "hollow: not valid", kind: ofRings})
	}
	return rows
}

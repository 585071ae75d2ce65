package chart

import (
	"image"
	"slices"
)

// Height of a digit of a note, and the side of a square of the grid (pixels).
const (
	digitHeight = 14
	square      = 3
)

// Kinds of things that occupy a square.
const (
	byLine = 1 << iota
	byMark // a dot, a cross or a note
)

// grid marks the occupied squares of the picture. It keeps the placing of a thousand notes cheap, where a
// comparison of all boxes would not.
type grid struct {
	taken [Height / square][Width / square]uint8
}

// take marks every square that the rectangle touches.
func (g *grid) take(r image.Rectangle, by uint8) {
	for y := r.Min.Y / square; y <= (r.Max.Y-1)/square; y++ {
		for x := r.Min.X / square; x <= (r.Max.X-1)/square; x++ {
			g.taken[y][x] |= by
		}
	}
}

// free reports whether nothing of the given kinds is in the rectangle.
func (g *grid) free(r image.Rectangle, of uint8) bool {
	for y := r.Min.Y / square; y <= (r.Max.Y-1)/square; y++ {
		for x := r.Min.X / square; x <= (r.Max.X-1)/square; x++ {
			if g.taken[y][x]&of != 0 {
				return false
			}
		}
	}
	return true
}

// placeNotes finds a place for each note beside its dot, for frontier points first. It omits a note without a
// free place, because a reader would take it for that of another point.
func placeNotes(l layout, m meter) []text {
	taken := occupied(l)
	dots := slices.Clone(l.dots)
	slices.SortStableFunc(dots, func(a, b dot) int { return rank(a) - rank(b) })
	var notes []text
	for _, d := range dots {
		size := image.Pt(m.width(d.note, noteSize), digitHeight)
		if at, ok := findPlace(taken, l.plot, d, size); ok && size.X > 0 {
			taken.take(at, byMark)
			notes = append(notes, text{d.note, image.Pt(at.Min.X, at.Max.Y), noteSize, d.series})
		}
	}
	return notes
}

// rank is the order in which the notes of dots get their places.
func rank(d dot) int {
	switch {
	case d.frontier:
		return 0
	case !d.hollow:
		return 1
	}
	return 2
}

// occupied marks the squares of dots, frontiers and crosses.
func occupied(l layout) *grid {
	taken := new(grid)
	for _, d := range l.dots {
		taken.take(boxAt(d.at, image.Pt(2*d.radius+4, 2*d.radius+4)), byMark)
	}
	for _, line := range l.lines {
		taken.trace(line, byLine)
	}
	for _, bar := range l.bars {
		taken.trace(bar, byMark)
	}
	return taken
}

// trace takes the squares of a line.
func (g *grid) trace(l line, by uint8) {
	for i := 1; i < len(l.points); i++ {
		from, way := l.points[i-1], l.points[i].Sub(l.points[i-1])
		for n, of := 0, max(1, way.X, -way.X, way.Y, -way.Y)/square+1; n <= of; n++ {
			g.take(boxAt(from.Add(way.Mul(n).Div(of)), image.Pt(square, square)), by)
		}
	}
}

// findPlace tries eight directions, near before far. A place across a line is the last resort.
func findPlace(taken *grid, plot image.Rectangle, d dot, size image.Point) (image.Rectangle, bool) {
	for _, avoid := range []uint8{byLine | byMark, byMark} {
		for _, far := range []int{7, 16} {
			reach := image.Pt(d.radius+far+size.X/2, d.radius+far-2+size.Y/2)
			for _, way := range directions() {
				at := boxAt(d.at.Add(image.Pt(way.X*reach.X, way.Y*reach.Y)), size)
				if at.In(plot) && taken.free(at.Inset(-3), avoid) {
					return at, true
				}
			}
		}
	}
	return image.Rectangle{}, false
}

// directions in order of preference: a frontier falls to the right, so there is most space above it on the
// right.
func directions() []image.Point {
	return []image.Point{{1, -1}, {0, -1}, {1, 0}, {-1, -1}, {0, 1}, {-1, 0}, {1, 1}, {-1, 1}}
}

// boxAt is the rectangle of a size with its middle at a point.
func boxAt(mid, size image.Point) image.Rectangle {
	corner := mid.Sub(size.Div(2))
	return image.Rectangle{Min: corner, Max: corner.Add(size)}
}

package chart

import (
	"image"
	"slices"
)

// Height of a digit of a note, and the side of the squares in which room is counted (pixels).
const (
	digitHeight = 14
	square      = 3
)

// What takes the room of a square.
const (
	byLine = 1 << iota
	byMark // a dot or a note
)

// room says which squares of the picture are taken. Counting squares instead of comparing boxes keeps
// a thousand notes cheap.
type room struct {
	taken [Height / square][Width / square]uint8
}

// take marks every square that the rectangle touches.
func (m *room) take(r image.Rectangle, by uint8) {
	for y := r.Min.Y / square; y <= (r.Max.Y-1)/square; y++ {
		for x := r.Min.X / square; x <= (r.Max.X-1)/square; x++ {
			m.taken[y][x] |= by
		}
	}
}

// free reports whether nothing of the given kinds is in the rectangle.
func (m *room) free(r image.Rectangle, of uint8) bool {
	for y := r.Min.Y / square; y <= (r.Max.Y-1)/square; y++ {
		for x := r.Min.X / square; x <= (r.Max.X-1)/square; x++ {
			if m.taken[y][x]&of != 0 {
				return false
			}
		}
	}
	return true
}

// placeNotes finds a place for each note beside its dot. Frontier points choose first. A note that
// has no free place is left out: one that covers another point would be read as that point's.
func placeNotes(l layout, m meter) []text {
	taken := occupied(l)
	dots := slices.Clone(l.dots)
	slices.SortStableFunc(dots, func(a, b dot) int { return rank(a) - rank(b) })
	var notes []text
	for _, d := range dots {
		size := image.Pt(m.width(d.note, noteSize), digitHeight)
		if at, ok := findPlace(taken, l.plot, d, size); ok && size.X > 0 {
			taken.take(at, byMark)
			notes = append(notes, text{d.note, image.Pt(at.Min.X, at.Max.Y), noteSize})
		}
	}
	return notes
}

// rank is the order in which dots choose a place for their note.
func rank(d dot) int {
	switch {
	case d.frontier:
		return 0
	case !d.hollow:
		return 1
	}
	return 2
}

// occupied is the room that dots and frontiers take.
func occupied(l layout) *room {
	taken := new(room)
	for _, d := range l.dots {
		taken.take(around(d.at, image.Pt(2*d.radius+4, 2*d.radius+4)), byMark)
	}
	for _, line := range l.lines {
		for i := 1; i < len(line.points); i++ {
			from, way := line.points[i-1], line.points[i].Sub(line.points[i-1])
			for n, of := 0, max(1, abs(way.X), abs(way.Y))/square+1; n <= of; n++ {
				taken.take(around(from.Add(way.Mul(n).Div(of)), image.Pt(square, square)), byLine)
			}
		}
	}
	return taken
}

// findPlace tries eight directions, near before far, off every line before across one.
func findPlace(taken *room, plot image.Rectangle, d dot, size image.Point) (image.Rectangle, bool) {
	for _, avoid := range []uint8{byLine | byMark, byMark} {
		for _, far := range []int{7, 16} {
			reach := image.Pt(d.radius+far+size.X/2, d.radius+far-2+size.Y/2)
			for _, way := range directions() {
				at := around(d.at.Add(image.Pt(way.X*reach.X, way.Y*reach.Y)), size)
				if at.In(plot) && taken.free(at.Inset(-3), avoid) {
					return at, true
				}
			}
		}
	}
	return image.Rectangle{}, false
}

// directions in order of preference: a frontier falls to the right, so there is most air above it on
// the right.
func directions() []image.Point {
	return []image.Point{{1, -1}, {0, -1}, {1, 0}, {-1, -1}, {0, 1}, {-1, 0}, {1, 1}, {-1, 1}}
}

// around is the rectangle of a size with its middle at a point.
func around(mid, size image.Point) image.Rectangle {
	corner := mid.Sub(size.Div(2))
	return image.Rectangle{Min: corner, Max: corner.Add(size)}
}

func abs(n int) int { return max(n, -n) }

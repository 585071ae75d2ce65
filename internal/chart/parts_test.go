package chart

import (
	"image"
	"math"
	"slices"
	"testing"
)

// A page links each dot by its index: a point that is not drawn must not shift the others.
func TestPartsNameTheirPoints(t *testing.T) {
	parts, err := PartsOf(Picture{Series: []Series{
		{Points: []Point{{X: 10, Y: 1, Frontier: true}, {X: math.NaN(), Y: 1}, {X: 20, Y: 2, Frontier: true, Note: "4"}}},
		{Points: []Point{{X: 15, Y: 3, Hollow: true}, {X: 15, Y: 1}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var got [][2]int
	for _, d := range parts.Dots {
		got = append(got, [2]int{d.Series, d.Point})
		if !d.At.In(parts.Plot) {
			t.Errorf("the dot %d of series %d is at %v, outside the plot %v", d.Point, d.Series, d.At, parts.Plot)
		}
	}
	if want := [][2]int{{1, 0}, {0, 0}, {0, 2}, {1, 1}}; !slices.Equal(got, want) { // the ring first
		t.Errorf("the dots are %v, want %v", got, want)
	}
	right, left := parts.Dots[2].At, parts.Dots[1].At
	if right.X <= left.X || right.Y >= left.Y {
		t.Errorf("20, 2 is at %v and 10, 1 at %v", right, left)
	}
	if len(parts.Frontiers) != 1 || parts.Frontiers[0].Path != path([]image.Point{left, right}) {
		t.Errorf("the frontiers are %v", parts.Frontiers)
	}
	if len(parts.Notes) != 1 || parts.Notes[0].Text != "4" {
		t.Errorf("the notes are %v", parts.Notes)
	}
}

func TestPartsOfAnEmptyPictureHaveAxes(t *testing.T) {
	parts, err := PartsOf(Picture{})
	if err != nil || len(parts.Dots) != 0 || len(parts.X) < 2 || len(parts.Y) < 2 {
		t.Errorf("%+v: %v", parts, err)
	}
}

// Twelve series have twelve marks.
func TestMarksOfTwelveSeriesDiffer(t *testing.T) {
	seen := map[Dot]bool{}
	for series := range 12 {
		d := Mark(series)
		d.Series = 0
		if seen[d] {
			t.Errorf("series %d has the mark of another", series)
		}
		seen[d] = true
	}
}

package frontier

import (
	"errors"
	"math"
	"testing"
)

func TestSharedIsTheIntersectionOfAll(t *testing.T) {
	wide := curve(t, Point{0, 100}, Point{100, 10})
	left, right := curve(t, Point{10, 90}, Point{60, 20}), curve(t, Point{40, 90}, Point{160, 20})
	lo, hi, part := Shared(wide, left, right)
	if lo != 40 || hi != 60 || part != 0.4 { // of the 50 that left covers
		t.Errorf("got %g to %g, %g of the narrowest", lo, hi, part)
	}
	lo, hi, part = Shared(left, curve(t, Point{70, 5}))
	if lo <= hi {
		t.Errorf("got %g to %g, %g, want nothing shared", lo, hi, part)
	}
	if _, _, part = Shared(wide, curve(t, Point{50, 90})); part != 1 {
		t.Errorf("a single point is covered by %g", part)
	}
	if _, thin := errors.AsType[*ThinOverlapError](Enough(40, 44, 0.08)); !thin || Enough(40, 60, 0.4) != nil {
		t.Error("8 % are not enough, 40 % are")
	}
}

func TestStepReadsTheBestPointThatSuffices(t *testing.T) {
	c := curve(t, Point{30, 120}, Point{45, 80}, Point{60, 20})
	for _, row := range []struct {
		x, y float64
		ok   bool
	}{{10, 120, true}, {30, 120, true}, {31, 80, true}, {45, 80, true}, {59, 20, true}, {60, 20, true}, {61, 0, false}} {
		if y, ok := c.Step(row.x); y != row.y || ok != row.ok {
			t.Errorf("at %g: got %g, %t, want %g, %t", row.x, y, ok, row.y, row.ok)
		}
	}
}

func TestCrossings(t *testing.T) {
	falling := curve(t, Point{0, 100}, Point{100, 0})
	steep := curve(t, Point{10, 150}, Point{50, 50}, Point{90, 1}) // meets at 50
	got := Crossings(falling, steep)
	if len(got) != 1 || math.Abs(got[0]-50) > 1e-9 {
		t.Errorf("got %v, want 50", got)
	}
	if got := Crossings(steep, falling); len(got) != 1 || math.Abs(got[0]-50) > 1e-9 {
		t.Errorf("sides swapped: got %v, want 50", got)
	}
	if got := Crossings(falling, falling); got != nil {
		t.Errorf("equal curves cross at %v", got)
	}
	if got := Crossings(falling, curve(t, Point{0, 120}, Point{100, 20})); got != nil {
		t.Errorf("a curve above crosses at %v", got)
	}
	if got := Crossings(falling, curve(t, Point{200, 9})); got != nil {
		t.Errorf("nothing shared, crossings at %v", got)
	}
}

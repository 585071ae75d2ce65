package frontier

import (
	"errors"
	"math"
	"testing"
)

func curve(t *testing.T, points ...Point) Curve {
	t.Helper()
	c, err := NewCurve(points)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCurveIsSteffens(t *testing.T) {
	// All intervals are 1 wide: the middle of one is (y0+y1)/2 + (m0-m1)/8.
	rows := []struct {
		sentence     string
		points       []Point
		first, other float64 // at 0.5 and at 1.5
	}{
		// p = -2.5; ends -2*1.5+3/2 = -1.5 and -3*1.5+2/2 = -3.5
		{"the parabola's slope everywhere", []Point{{0, 5}, {1, 3}, {2, 0}}, 4 + 1.0/8, 1.5 + 1.0/8},
		// p = -3, not steeper than 2 s0 = -2; ends -1*1.5+5/2 > 0, so 0, and -5*1.5+1/2 = -7
		{"limited inside and at the left end", []Point{{0, 6}, {1, 5}, {2, 0}}, 5.5 + 2.0/8, 2.5 + 5.0/8},
		// the same, turned round: p = -2 by 2 s1; ends -7 and 0
		{"limited inside and at the right end", []Point{{0, 6}, {1, 1}, {2, 0}}, 3.5 - 5.0/8, 0.5 - 2.0/8},
	}
	for _, row := range rows {
		c := curve(t, row.points...)
		for x, want := range map[float64]float64{0.5: row.first, 1.5: row.other} {
			if got, ok := c.At(x); !ok || math.Abs(got-want) > 1e-12 {
				t.Errorf("%s: at %g: got %g, %v, want %g", row.sentence, x, got, ok, want)
			}
		}
	}
}

func TestCurveStaysBetweenItsPoints(t *testing.T) {
	rows := []struct {
		sentence string
		points   []Point
		x        float64
	}{
		{"too steep for a float64", []Point{{0, 1e300}, {1e-10, 1}}, 5e-11},
		{"a rounding error beside a point", []Point{{13, 11.8}, {56, 11.200000000000001}}, 55.99999999999999},
	}
	for _, row := range rows {
		y, ok := curve(t, row.points...).At(row.x)
		if !ok || !(y <= row.points[0].Y && y >= row.points[1].Y) {
			t.Errorf("%s: got %g, %v", row.sentence, y, ok)
		}
	}
}

func TestCurveOfTwoPointsIsALine(t *testing.T) {
	c := curve(t, Point{10, 100}, Point{20, 50})
	if got, ok := c.At(15); !ok || math.Abs(got-75) > 1e-9 {
		t.Errorf("got %g, %v, want 75", got, ok)
	}
}

func TestCurveIsNeverExtrapolated(t *testing.T) {
	c := curve(t, Point{10, 100}, Point{20, 50}, Point{15, 10})
	for _, x := range []float64{9.999, 20.001, math.NaN(), math.Inf(1), math.Inf(-1)} {
		if y, ok := c.At(x); ok {
			t.Errorf("at %g there is a %g", x, y)
		}
	}
	if lo, hi := c.Range(); lo != 10 || hi != 20 {
		t.Errorf("got range %g to %g, want 10 to 20", lo, hi)
	}
}

func TestCurveOfOnePointHasNoWidth(t *testing.T) {
	c := curve(t, Point{45, 80}, Point{45, 80}, Point{40, 70})
	lo, hi := c.Range()
	if y, ok := c.At(45); lo != 45 || hi != 45 || y != 80 || !ok {
		t.Errorf("got %g to %g, y %g, %v", lo, hi, y, ok)
	}
}

func TestCurveNeedsAPoint(t *testing.T) {
	for _, points := range [][]Point{nil, {{math.NaN(), 1}}, {{-1, 1}}} {
		if _, err := NewCurve(points); !errors.Is(err, ErrNoPoints) {
			t.Errorf("%v: got %v, want %v", points, err, ErrNoPoints)
		}
	}
	if _, ok := (Curve{}).At(0); ok {
		t.Error("the zero Curve has a point at 0")
	}
}

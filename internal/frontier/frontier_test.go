package frontier

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOfKeepsTheNonDominatedPoints(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	rows := []struct {
		sentence string
		points   []Point
		want     []bool
	}{
		{"no points", nil, []bool{}},
		{"one point", []Point{{1, 1}}, []bool{true}},
		{"a falling line is all frontier", []Point{{1, 3}, {2, 2}, {3, 1}}, []bool{true, true, true}},
		{"of a rising line only the last is", []Point{{1, 1}, {2, 2}, {3, 3}}, []bool{false, false, true}},
		{"the order does not matter", []Point{{3, 1}, {1, 3}, {1, 1}, {2, 2}}, []bool{true, true, false, true}},
		{"equal points both stay (upstream drops both)", []Point{{2, 2}, {1, 1}, {2, 2}}, []bool{true, false, true}},
		{"at equal x the higher", []Point{{2, 1}, {2, 3}, {2, 2}}, []bool{false, true, false}},
		{"at equal y the one further right", []Point{{1, 2}, {3, 2}, {2, 2}}, []bool{false, true, false}},
		{"a zero is a number", []Point{{0, 5}, {5, 0}, {0, 0}}, []bool{true, true, false}},
		{"NaN, infinite and negative points dominate none", []Point{{nan, 9}, {9, nan}, {inf, 9}, {9, inf}, {-1, 9}, {9, -1}, {1, 1}},
			[]bool{false, false, false, false, false, false, true}},
	}
	for _, row := range rows {
		if diff := cmp.Diff(row.want, Of(row.points)); diff != "" {
			t.Errorf("%s: want (-), got (+):\n%s", row.sentence, diff)
		}
	}
}

// dominates is the definition, word for word.
func dominates(a, b Point) bool {
	return a.usable() && a.X >= b.X && a.Y >= b.Y && (a.X > b.X || a.Y > b.Y)
}

// points makes points of bytes: from 16 while the first is even, so that every kind of float occurs, then
// from two, so that ties are common.
func points(data []byte) []Point {
	var ps []Point
	for len(data) >= 16 && data[0]%2 == 0 {
		ps = append(ps, Point{math.Float64frombits(binary.LittleEndian.Uint64(data)), math.Float64frombits(binary.LittleEndian.Uint64(data[8:]))})
		data = data[16:]
	}
	for len(data) >= 2 {
		ps = append(ps, Point{float64(data[0]), float64(data[1])})
		data = data[2:]
	}
	return ps
}

// FuzzFrontier checks Of against its definition and the properties of each curve: order does not matter,
// it passes through its points, it falls between them, and it ends where they end.
func FuzzFrontier(f *testing.F) {
	f.Add([]byte{1, 3, 3, 2, 5, 1}, uint64(1))
	f.Add([]byte{9, 9, 9, 9, 3, 3, 9, 3}, uint64(2))
	f.Add(binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, math.Float64bits(5e-324)), math.Float64bits(math.MaxFloat64)), uint64(3))
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		ps := points(data[:min(len(data), 400)])
		on := Of(ps)
		for i, p := range ps {
			want := p.usable()
			for _, q := range ps {
				want = want && !dominates(q, p)
			}
			if on[i] != want {
				t.Fatalf("%v of %v: got %v, want %v", p, ps, on[i], want)
			}
		}
		curve, err := NewCurve(ps)
		if err != nil {
			for _, p := range ps {
				if p.usable() {
					t.Fatalf("no curve through %v: %v", ps, err)
				}
			}
			return
		}
		passesThrough(t, curve, ps, on)
		falls(t, curve)
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(ps), func(i, j int) { ps[i], ps[j] = ps[j], ps[i] })
		again, err := NewCurve(ps)
		if err != nil || !cmp.Equal(curve, again, cmp.AllowUnexported(Curve{})) {
			t.Fatalf("another order, another curve: %v", err)
		}
	})
}

func passesThrough(t *testing.T, curve Curve, ps []Point, on []bool) {
	t.Helper()
	for i, p := range ps {
		if y, ok := curve.At(p.X); on[i] && (!ok || y != p.Y) {
			t.Fatalf("the curve misses %v: %g, %v", p, y, ok)
		}
	}
}

func falls(t *testing.T, curve Curve) {
	t.Helper()
	lo, hi := curve.Range()
	last := math.Inf(1)
	for i := range 201 {
		x := min(hi, lo+(hi-lo)*(float64(i)/200))
		y, ok := curve.At(x)
		// One unit in the last place: x is a rounded number too.
		if !ok || !(y <= last*(1+1e-12)) {
			t.Fatalf("at %g: %g, %v after %g on %v", x, y, ok, last, curve.points)
		}
		last = y
	}
}

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

package frontier

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOfKeepsWhatNoOtherPointBeats(t *testing.T) {
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
		{"what is no number beats nobody", []Point{{nan, 9}, {9, nan}, {inf, 9}, {9, inf}, {-1, 9}, {9, -1}, {1, 1}},
			[]bool{false, false, false, false, false, false, true}},
	}
	for _, row := range rows {
		if diff := cmp.Diff(row.want, Of(row.points)); diff != "" {
			t.Errorf("%s: want (-), got (+):\n%s", row.sentence, diff)
		}
	}
}

// beats is the definition, word for word.
func beats(a, b Point) bool {
	return a.usable() && a.X >= b.X && a.Y >= b.Y && (a.X > b.X || a.Y > b.Y)
}

// points makes points of bytes: of 16 while the first is even, so that every
// kind of float occurs, then of two, so that ties are common.
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

// FuzzFrontier holds Of against its definition and every curve against what it
// promises: order does not matter, it passes through its points, it falls
// between them, and it ends where they end.
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
				want = want && !beats(q, p)
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

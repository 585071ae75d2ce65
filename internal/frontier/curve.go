package frontier

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"sort"
)

// ErrNoPoints says that none of the points can be drawn.
var ErrNoPoints = errors.New("cannot draw a frontier: there is no usable point")

// Curve is a frontier between its points: x rises, y falls strictly.
type Curve struct {
	points []Point
	slopes []float64 // dy/dx at each point
}

// NewCurve draws the frontier of points: those that no other beats, equal ones
// merged, joined by Steffen's monotone cubic (M. Steffen, "A simple method for
// monotonic interpolation in one dimension", Astron. Astrophys. 239, 443,
// 1990), which cannot overshoot the way a spline does. One point is a curve of
// width zero; no usable point is ErrNoPoints.
func NewCurve(points []Point) (Curve, error) {
	var best []Point
	for i, on := range Of(points) {
		if on {
			best = append(best, points[i])
		}
	}
	if len(best) == 0 {
		return Curve{}, ErrNoPoints
	}
	slices.SortFunc(best, func(a, b Point) int { return cmp.Compare(a.X, b.X) })
	best = slices.Compact(best)
	return Curve{points: best, slopes: slopes(best)}, nil
}

// Range is the x of the leftmost and of the rightmost point.
func (c Curve) Range() (lo, hi float64) {
	if len(c.points) == 0 {
		return math.NaN(), math.NaN()
	}
	return c.points[0].X, c.points[len(c.points)-1].X
}

// At is the curve's y at x; ok is false outside Range.
func (c Curve) At(x float64) (y float64, ok bool) {
	lo, hi := c.Range()
	if !(x >= lo && x <= hi) {
		return 0, false
	}
	i := sort.Search(len(c.points), func(i int) bool { return c.points[i].X >= x })
	if c.points[i].X == x {
		return c.points[i].Y, true
	}
	return c.between(i-1, x), true
}

// between is the cubic from point i to i+1 in Hermite form. The clamp takes
// rounding errors away: y never leaves the two points' y.
func (c Curve) between(i int, x float64) float64 {
	a, b := c.points[i], c.points[i+1]
	h := b.X - a.X
	t := (x - a.X) / h
	u := 1 - t
	y := a.Y*u*u*(1+2*t) + b.Y*t*t*(1+2*u) + h*t*u*(c.slopes[i]*u-c.slopes[i+1]*t)
	return max(b.Y, min(a.Y, y))
}

// slopes is Steffen's equation 11 inside and 24 to 27 at the ends. A frontier
// only falls, so each slope s is below zero and his sign() terms drop out:
// (sign s0 + sign s1) min(|s0|, |s1|, |p|/2) is max(2 s0, 2 s1, p).
func slopes(p []Point) []float64 {
	n := len(p)
	m := make([]float64, n)
	if n == 1 {
		return m
	}
	h, s := make([]float64, n-1), make([]float64, n-1)
	for i := range h {
		h[i] = p[i+1].X - p[i].X
		s[i] = (p[i+1].Y - p[i].Y) / h[i]
	}
	if n == 2 {
		return []float64{finite(s[0]), finite(s[0])}
	}
	m[0] = finite(end(h[0], h[1], s[0], s[1]))
	m[n-1] = finite(end(h[n-2], h[n-3], s[n-2], s[n-3]))
	for i := 1; i < n-1; i++ {
		parabola := (s[i-1]*h[i] + s[i]*h[i-1]) / (h[i-1] + h[i])
		m[i] = finite(max(2*s[i-1], 2*s[i], parabola))
	}
	return m
}

// end is the slope at an end of the curve: that of the parabola through the
// three points there, unless it rises. It is never steeper than 2 s0.
func end(h0, h1, s0, s1 float64) float64 {
	return min(0, s0*(1+h0/(h0+h1))-s1*h0/(h0+h1))
}

// finite replaces the slope between two points that are too close in x to
// divide by; a flat tangent keeps the curve monotone.
func finite(m float64) float64 {
	if math.IsNaN(m) || math.IsInf(m, 0) {
		return 0
	}
	return m
}

// Package frontier finds the points that no other point dominates, and compares two such frontiers at
// equal x.
//
// A point is better the further right (tokens/s/user) and the higher up (tokens/s/GPU) it is. The
// package is pure, and it never extrapolates.
package frontier

import (
	"cmp"
	"errors"
	"math"
	"slices"
)

// Point is one measurement: X in tokens/s/user, Y in tokens/s/GPU.
type Point struct{ X, Y float64 }

// usable reports whether both coordinates are finite and not negative.
func (p Point) usable() bool {
	return p.X >= 0 && p.Y >= 0 && !math.IsInf(p.X, 1) && !math.IsInf(p.Y, 1)
}

// Of reports for each point whether it is on the frontier: no other point is at least as good on both
// axes and better on one. Equal points do not dominate each other, so both are on it. NaN, infinite and
// negative points never are.
func Of(points []Point) []bool {
	var order []int // usable points from right to left, at equal x from top to bottom
	for i, p := range points {
		if p.usable() {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(points[b].X, points[a].X), cmp.Compare(points[b].Y, points[a].Y))
	})
	on := make([]bool, len(points))
	best := Point{X: math.Inf(1), Y: math.Inf(-1)}
	for _, i := range order {
		// A point is on the frontier only if it is above all points to its right.
		on[i] = points[i].Y > best.Y || points[i] == best
		if on[i] {
			best = points[i]
		}
	}
	return on
}

// ErrNoPoints reports that no point is usable.
var ErrNoPoints = errors.New("cannot draw a frontier: there is no usable point")

// Curve is a frontier between its points: x rises, y falls strictly.
type Curve struct {
	points []Point
	slopes []float64 // dy/dx at each point
}

// NewCurve joins the frontier of points, equal ones merged, by Steffen's monotone cubic (M. Steffen, "A
// simple method for monotonic interpolation in one dimension", Astron. Astrophys. 239, 443, 1990), which
// cannot overshoot as a spline does. One point makes a curve of width zero. Without a usable point the
// error is ErrNoPoints.
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

// Range is the x of the leftmost and of the rightmost point; NaN for the zero Curve.
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
	i, found := slices.BinarySearchFunc(c.points, x, func(p Point, x float64) int { return cmp.Compare(p.X, x) })
	if found {
		return c.points[i].Y, true
	}
	return c.between(i-1, x), true
}

// Step is the y of the best measured point that gives at least x to each user, without interpolation, as MLPerf
// Endpoints reads a curve. ok is false to the right of Range; to the left every user gets more than x.
func (c Curve) Step(x float64) (y float64, ok bool) {
	for _, p := range c.points { // y falls from left to right
		if p.X >= x {
			return p.Y, true
		}
	}
	return 0, false
}

// between is the cubic from point i to i+1 in Hermite form. The clamp removes rounding errors: y stays
// between the y of the two points.
func (c Curve) between(i int, x float64) float64 {
	a, b := c.points[i], c.points[i+1]
	h := b.X - a.X
	t := (x - a.X) / h
	u := 1 - t
	y := a.Y*u*u*(1+2*t) + b.Y*t*t*(1+2*u) + h*t*u*(c.slopes[i]*u-c.slopes[i+1]*t)
	return max(b.Y, min(a.Y, y))
}

// slopes is Steffen's equation 11 inside and 24 to 27 at the ends. A frontier only falls, so each slope s
// is negative and his sign() terms vanish: (sign s0 + sign s1) min(|s0|, |s1|, |p|/2) is max(2 s0, 2 s1, p).
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

// end is the slope at an end of the curve: that of the parabola through the three points there, but at
// most 0. It is never steeper than 2 s0.
func end(h0, h1, s0, s1 float64) float64 {
	return min(0, s0*(1+h0/(h0+h1))-s1*h0/(h0+h1))
}

// finite replaces the slope of two points so close in x that the division overflows. A flat tangent keeps
// the curve monotone.
func finite(m float64) float64 {
	if math.IsNaN(m) || math.IsInf(m, 0) {
		return 0
	}
	return m
}

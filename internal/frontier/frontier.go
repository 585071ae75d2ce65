// Package frontier finds the points that no other point beats and compares two
// such frontiers at equal x.
//
// A point is better the further right (tokens/s/user) and the higher up
// (tokens/s/GPU) it lies. Everything here is pure; nothing is extrapolated.
package frontier

import (
	"cmp"
	"math"
	"slices"
)

// Point is one measurement: X in tokens/s/user, Y in tokens/s/GPU.
type Point struct{ X, Y float64 }

// usable says whether a point can be compared at all.
func (p Point) usable() bool {
	return p.X >= 0 && p.Y >= 0 && !math.IsInf(p.X, 1) && !math.IsInf(p.Y, 1)
}

// Of says for each point whether it is on the frontier: no other point is at
// least as good on both axes and better on one. Equal points do not
// beat each other: both stay. NaN, infinite and negative points are never on it.
func Of(points []Point) []bool {
	on := make([]bool, len(points))
	best := Point{X: math.Inf(1), Y: math.Inf(-1)}
	for _, i := range byRank(points) {
		// From right to left, only a point above all points to its right counts.
		on[i] = points[i].Y > best.Y || points[i] == best
		if on[i] {
			best = points[i]
		}
	}
	return on
}

// byRank is the indices of the usable points from right to left, among equal x
// from top to bottom.
func byRank(points []Point) []int {
	var order []int
	for i, p := range points {
		if p.usable() {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(points[b].X, points[a].X), cmp.Compare(points[b].Y, points[a].Y))
	})
	return order
}

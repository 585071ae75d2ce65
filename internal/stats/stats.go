// Package stats summarises repeated measurements. It is pure: numbers in, numbers out.
package stats

import (
	"maps"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// Sample summarises repeats of one quantity, in the unit of its values. SD is the standard deviation of
// the sample (divided by N-1); one value does not determine it, so it is 0 for N = 1.
type Sample struct {
	N    int     `json:"n"`
	Mean float64 `json:"mean"`
	SD   float64 `json:"sd,omitzero"`
}

// Summarise makes a sample of values. No values make the zero Sample.
func Summarise(values []float64) Sample {
	switch len(values) {
	case 0:
		return Sample{}
	case 1:
		return Sample{N: 1, Mean: values[0]}
	}
	mean, sd := stat.MeanStdDev(values, nil)
	return Sample{N: len(values), Mean: mean, SD: sd}
}

// Repeat is one measurement of a topology at a concurrency: X in tokens/s/user, Y in tokens/s/GPU.
type Repeat struct {
	Concurrency int
	X, Y        float64
}

// Point is all repeats of a topology at one concurrency, as one point of a frontier.
type Point struct {
	Concurrency int    `json:"concurrency"`
	X           Sample `json:"tokens_per_second_per_user"`
	Y           Sample `json:"tokens_per_second_per_gpu"`
}

// Aggregate makes one point of the repeats of each concurrency, in order of concurrency. A frontier over
// the repeats themselves would be that of the luckiest ones.
func Aggregate(repeats []Repeat) []Point {
	xs, ys := map[int][]float64{}, map[int][]float64{}
	for _, r := range repeats {
		xs[r.Concurrency] = append(xs[r.Concurrency], r.X)
		ys[r.Concurrency] = append(ys[r.Concurrency], r.Y)
	}
	points := make([]Point, 0, len(xs))
	for _, c := range slices.Sorted(maps.Keys(xs)) {
		points = append(points, Point{c, Summarise(xs[c]), Summarise(ys[c])})
	}
	return points
}

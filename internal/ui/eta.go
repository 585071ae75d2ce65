package ui

import "time"

// Cell is a finished cell: its concurrency and how long it took.
type Cell struct {
	Concurrency int
	Took        time.Duration
}

// ETA says how long a sweep will still take: left are the concurrencies to
// come, the running one first, which has run for running already. It answers
// false while no cell is finished.
//
// A cell is expected to take the mean of the finished cells of the nearest
// concurrency (by ratio; of two equally near, the higher). perf.sh asks for 10
// requests a stream at every level, so cells grow only by the latency that
// queueing adds, and neighbours resemble each other.
func ETA(finished []Cell, left []int, running time.Duration) (time.Duration, bool) {
	if len(finished) == 0 {
		return 0, false
	}
	var total time.Duration
	for i, concurrency := range left {
		cell := expect(finished, concurrency)
		if i == 0 {
			cell = max(0, cell-running)
		}
		total += cell
	}
	return total, true
}

// expect is the mean of the finished cells whose concurrency is nearest.
func expect(finished []Cell, concurrency int) time.Duration {
	nearest := finished[0].Concurrency
	for _, c := range finished[1:] {
		if nearer(c.Concurrency, nearest, concurrency) {
			nearest = c.Concurrency
		}
	}
	var sum time.Duration
	n := 0
	for _, c := range finished {
		if c.Concurrency == nearest {
			sum, n = sum+c.Took, n+1
		}
	}
	return sum / time.Duration(n)
}

// nearer says whether a is nearer to c than b is, or as near and higher.
func nearer(a, b, c int) bool {
	da, db := ratio(a, c), ratio(b, c)
	return da < db || da == db && a > b
}

// ratio is the greater of a and b divided by the smaller, at least 1.
func ratio(a, b int) float64 { return float64(max(a, b)) / float64(max(1, min(a, b))) }

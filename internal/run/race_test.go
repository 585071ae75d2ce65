//go:build race

package run

// simulated is the number of simulated campaigns: the race detector makes each many times slower. make test-real has
// all 4,000.
const simulated = 800

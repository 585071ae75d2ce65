//go:build race

package report

// campaignCount is the number of simulated campaigns: the race detector makes each many times slower. make test-real has
// all 4,000.
const campaignCount = 800

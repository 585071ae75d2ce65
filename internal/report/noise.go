package report

import "topobench/internal/stats"

// perRound is the standard deviation of the log ratio of a round, as a multiple of the noise of a launch: two sides,
// the noise of tokens/s/user, and that of the cells. Simulated campaigns measured it.
const perRound = 1.6

// Noise lists the standard deviations of tokens/s/gpu between launches for which help prints half widths.
func Noise() []float64 { return []float64{0.01, 0.03, 0.05} }

// NoiseRounds lists the numbers of rounds for which help prints half widths.
func NoiseRounds() []int { return []int{2, 3, 4, 6} }

// ExpectedHalfWidth is the half width of the interval of a ratio at a noise of the launches: 0.025 is 2.5 %.
func ExpectedHalfWidth(noise float64, rounds int) float64 {
	return stats.HalfWidth(perRound*noise, rounds)
}

package report

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"topobench/internal/frontier"
	"topobench/internal/stats"
)

// ladder is the noise-free points of a topology at concurrencies 1 to 256.
func ladder(x, y float64) (points []frontier.Point) {
	for c := 1.0; c <= 256; c *= 2 {
		points = append(points, frontier.Point{X: x / (1 + c/40), Y: y * c / (1 + c/40)})
	}
	return points
}

// simulated is a launch whose y all have one factor exp(N(0, s)), and whose x have one of a third of that noise. Each
// cell has a third of both beside.
func simulated(random *rand.Rand, points []frontier.Point, s float64, round int) launch {
	factor := func(s float64) float64 { return math.Exp(s * random.NormFloat64()) }
	x, y := factor(s/3), factor(s)
	noisy := make([]frontier.Point, len(points))
	for i, p := range points {
		noisy[i] = frontier.Point{X: p.X * x * factor(s/9), Y: p.Y * y * factor(s/3)}
	}
	return launch{n: round, round: round, curve: curveOf(noisy)}
}

// campaign is both sides over rounds, and the reading of the product.
func campaign(t *testing.T, random *rand.Rand, s float64, rounds int, at *float64) reading {
	t.Helper()
	var base, other []launch
	for round := range rounds {
		base = append(base, simulated(random, ladder(130, 12), s, round+1))
		other = append(other, simulated(random, ladder(110, 22), s, round+1))
	}
	r, err := measure(base, other, at)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// truth is the reading of the noise-free points.
func truth(t *testing.T, at *float64) reading {
	t.Helper()
	r, err := measure([]launch{{curve: curveOf(ladder(130, 12))}}, []launch{{curve: curveOf(ladder(110, 22))}}, at)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func campaigns() int {
	if testing.Short() {
		return 400
	}
	return campaignCount
}

// The interval has the true ratio in 95 of 100 campaigns, and is as wide as help rules prints.
func TestSimulatedCampaignsCoverTheTruth(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	want, n := truth(t, nil), campaigns()
	slack := 3 * math.Sqrt(0.05*0.95/float64(n)) // of a true 95 %, beyond which it is no chance
	for _, s := range Noise() {
		for _, rounds := range NoiseRounds() {
			covered, wide := 0, make([]float64, n)
			for i := range n {
				r := campaign(t, random, s, rounds, &want.At)
				if r.interval.Low <= want.Ratio && want.Ratio <= r.interval.High {
					covered++
				}
				wide[i] = math.Log(r.interval.High / r.interval.Value)
			}
			coverage := float64(covered) / float64(n)
			root := stats.Summarise(wide)
			measured := math.Expm1(math.Sqrt(root.Mean*root.Mean + root.SD*root.SD))
			slices.Sort(wide)
			row := fmt.Sprintf("noise %.0f %%, %d rounds: coverage %.1f %%, half width %.1f %% (median %.1f %%, help %.1f %%)", 100*s, rounds,
				100*coverage, 100*measured, 100*math.Expm1(wide[n/2]), 100*ExpectedHalfWidth(s, rounds))
			t.Log(row)
			if math.Abs(coverage-0.95) > max(0.02, slack) {
				t.Error(row)
			}
			if math.Abs(measured/ExpectedHalfWidth(s, rounds)-1) > 0.10 {
				t.Error(row)
			}
		}
	}
}

// With the middle of the shared range as x, each campaign has another x; the truth is that at its own.
func TestSimulatedCampaignsCoverTheTruthAtTheMiddle(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	covered, n := 0, campaigns()
	for range n {
		r := campaign(t, random, 0.03, 4, nil)
		if want := truth(t, &r.At).Ratio; r.interval.Low <= want && want <= r.interval.High {
			covered++
		}
	}
	if coverage := float64(covered) / float64(n); math.Abs(coverage-0.95) > max(0.02, 3*math.Sqrt(0.05*0.95/float64(n))) {
		t.Errorf("coverage %.3f", coverage)
	}
}

// What topobench refuses: the best of four launches against a single one is off by more than half the noise.
func TestBestOfFourIsBiased(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	want, n := truth(t, nil), campaigns()
	for _, s := range Noise() {
		var best, mean []float64 // logarithms against the truth
		for range n {
			r := campaign(t, random, s, 4, &want.At)
			most := 0.0
			for _, round := range r.rounds {
				most = max(most, round.Other)
			}
			best = append(best, math.Log(most/r.rounds[0].Baseline/want.Ratio))
			mean = append(mean, math.Log(r.Ratio/want.Ratio))
		}
		if off := stats.Summarise(best).Mean; off < s/2 {
			t.Errorf("noise %g: the best of four is off by %g", s, off)
		}
		if off := stats.Summarise(mean).Mean; math.Abs(off) > s/10 {
			t.Errorf("noise %g: the mean of four is off by %g", s, off)
		}
	}
}

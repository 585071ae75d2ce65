package report

import (
	"math"
	"math/rand/v2"
	"testing"
)

// apartLaunches are n launches of a campaign of its own; the y of all have a factor.
func apartLaunches(random *rand.Rand, s, gain float64, n int) (all []launch) {
	for round := range n {
		one := simulated(random, ladder(130, 12*gain), s, round+1)
		one.apart = true
		all = append(all, one)
	}
	return all
}

// With four launches a side, a loss of exactly the limit is called worse, or not worse, in 2.5 of 100 comparisons each.
func TestALossAtTheLimitIsRarelyDecided(t *testing.T) {
	random, x := rand.New(rand.NewPCG(7, 8)), 60.0
	n := campaigns()
	slack := 3 * math.Sqrt(0.025*0.975/float64(n))
	for _, s := range Noise() {
		results := map[Result]float64{}
		for range n {
			r, err := measure(apartLaunches(random, s, 1, 4), apartLaunches(random, s, 1-MaxLoss, 4), &x)
			if err != nil {
				t.Fatal(err)
			}
			results[(&Pair{}).decide(r, MaxLoss)] += 1 / float64(n)
		}
		t.Logf("noise %g: %v", s, results)
		if results[WorseThan] > 0.025+slack || results[NotWorse] > 0.025+slack {
			t.Errorf("noise %g: %v", s, results)
		}
	}
}

// An A/A measurement of four rounds blames single launches of one topology in 2.5 of 100 comparisons: the limit without
// the root of the rounds would blame many.
func TestAnAARarelyBlamesALaunchOfTheSameTopology(t *testing.T) {
	random, x := rand.New(rand.NewPCG(9, 10)), 60.0
	n := campaigns()
	for _, s := range Noise() {
		blamed, unscaled := 0.0, 0.0
		for range n {
			var a, b []launch
			for round := range 4 {
				a = append(a, simulated(random, ladder(130, 12), s, round+1))
				b = append(b, simulated(random, ladder(130, 12), s, round+1))
			}
			paired, err := measure(a, b, &x)
			if err != nil {
				t.Fatal(err)
			}
			aa, _ := newAA(paired, Series{})
			r, err := measure(apartLaunches(random, s, 1, 1), apartLaunches(random, s, 1, 1), &x)
			if err != nil {
				t.Fatal(err)
			}
			if (&Pair{Resolvable: new(aa.between(r.counted))}).decide(r, 0) == WorseThan {
				blamed += 1 / float64(n)
			}
			if (&Pair{Resolvable: &aa.Resolvable}).decide(r, 0) == WorseThan {
				unscaled += 1 / float64(n)
			}
		}
		t.Logf("noise %g: %.3f blamed, %.3f without the root of the rounds", s, blamed, unscaled)
		if blamed > 0.025+3*math.Sqrt(0.025*0.975/float64(n)) || unscaled < 2*blamed {
			t.Errorf("noise %g: %.3f blamed, %.3f without the root of the rounds", s, blamed, unscaled)
		}
	}
}

// Three launches against one are between one and many: the limit lies between.
func TestTheLimitOfAnAAFollowsTheLaunches(t *testing.T) {
	aa := AA{Resolvable: 0.02, Rounds: 4}
	near := func(got, want float64) bool { return math.Abs(got-want) < 1e-9 }
	one, many := aa.between([2]int{1, 1}), aa.between([2]int{4, 4})
	if !near(one, 1.02*1.02-1) || !near(many, 0.02) || !(many < aa.between([2]int{3, 1}) && aa.between([2]int{3, 1}) < one) {
		t.Errorf("got %g for one launch a side, %g for four", one, many)
	}
}

package run

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"topobench/internal/artifacts"
	"topobench/internal/frontier"
	"topobench/internal/stats"
)

// tally sums campaigns.
type tally struct {
	campaigns, numberless, restarted, covered int
	requests, ladder                          int       // of as many rounds
	worst                                     float64   // share of the ladder's requests in a campaign without a restart
	apart                                     []float64 // readings without noise, of the bracket and of the whole ladder
}

func (s tally) coverage() float64 { return float64(s.covered) / float64(s.campaigns-s.numberless) }

func (s tally) share() float64 { return float64(s.requests) / float64(s.ladder) }

// add counts a finished campaign.
func (s *tally) add(t *testing.T, b bench, a Adaptive, done []Cell) {
	t.Helper()
	c, spent := a.Campaign(done), a.Spent(done)
	s.campaigns++
	if c.Why != "" {
		s.numberless++
		return
	}
	want, r := truth(t, b, a.At, levelsOf(c)), stats.Stein(c.Ratios)
	if r.Low <= want && want <= r.High {
		s.covered++
	}
	all, ladder := spent.Search+spent.Missed+spent.Rounds, len(c.Ratios)*a.Ladder
	s.requests, s.ladder = s.requests+all, s.ladder+ladder
	if spent.Missed > 0 {
		s.restarted++
	} else {
		s.worst = max(s.worst, float64(all)/float64(ladder))
	}
	if whole := truth(t, b, a.At, everyLevel()); !math.IsNaN(whole) {
		s.apart = append(s.apart, math.Abs(math.Log(want/whole)))
	}
}

func levelsOf(c Campaign) (levels [2][]int) {
	for i, bracket := range c.Brackets {
		levels[i] = []int{bracket.Low, bracket.High}
	}
	return levels
}

func everyLevel() [2][]int { return [2][]int{SearchLevels([]int{1}), SearchLevels([]int{1})} }

// truth is the ratio of the points without noise, of b over a.
func truth(t *testing.T, b bench, at float64, levels [2][]int) float64 {
	t.Helper()
	var y [2]float64
	for i, name := range []string{"a", "b"} {
		var points []frontier.Point
		for _, c := range levels[i] {
			points = append(points, b.sides[name].at(c))
		}
		curve, err := frontier.NewCurve(points)
		if err != nil {
			t.Fatal(err)
		}
		var on bool
		if y[i], on = curve.At(at); !on {
			return math.NaN()
		}
	}
	return y[1] / y[0]
}

// Campaigns of random topologies, read at a random tokens/s/user: the interval covers the reading of the points without
// noise, and the requests are a part of those of as many rounds of the ladder.
func TestSimulatedCampaigns(t *testing.T) {
	few := 0.0 // fewer campaigns than 4,000 may miss the coverage by chance, by three standard errors
	if simulated < 4000 {
		few = 1
	}
	for _, sd := range []float64{0.01, 0.03} {
		random := rand.New(rand.NewPCG(13, uint64(1000*sd)))
		var near, far tally // brackets that end at 64 or below, and at 128
		for near.campaigns+far.campaigns < simulated {
			b := bench{sd: sd, random: random, sides: map[string]side{"a": anySide(random), "b": anySide(random)}}
			a := adaptive(b.sides["a"].at(1).X * (0.1 + 0.8*random.Float64()))
			if !b.within(a.At, 1.2, 110) {
				continue
			}
			done, _ := b.campaign(t, a)
			end := max(a.Campaign(done).Brackets[0].High, a.Campaign(done).Brackets[1].High)
			if end > 128 {
				continue // no saving is promised
			}
			group := &far
			if end <= 64 {
				group = &near
			}
			group.add(t, b, a, done)
		}
		for _, g := range []struct {
			tally
			end  int
			most float64
		}{{near, 64, 0.25}, {far, 128, 0.5}} {
			t.Logf("noise %.0f %%, brackets up to %d: %d campaigns, %d without a number, %d restarted: coverage %.1f %%, %.1f %% "+
				"of the ladder's requests, at most %.1f %% without a restart; the readings of bracket and ladder differ by %.2f %%",
				100*sd, g.end, g.campaigns, g.numberless, g.restarted, 100*g.coverage(), 100*g.share(), 100*g.worst,
				100*stats.Summarise(g.apart).Mean)
			if g.campaigns < simulated/8 || g.coverage() < 0.94-3*0.24/math.Sqrt(float64(g.campaigns))*few || g.share() > g.most || g.worst > g.most {
				t.Errorf("noise %g, brackets that end at %d or below: %d campaigns, coverage %g, share %g, worst %g", sd, g.end,
					g.campaigns, g.coverage(), g.share(), g.worst)
			}
		}
	}
}

// within reports whether both sides reach x between two concurrencies.
func (b bench) within(x, low, high float64) bool {
	for _, s := range b.sides {
		if c := s.concurrency(x); !(c > low && c < high) {
			return false
		}
	}
	return true
}

// anySide is a topology whose x falls to a half at 8 to 80 requests.
func anySide(random *rand.Rand) side {
	return side{x1: 50 + 50*random.Float64(), half: 8 * math.Pow(10, random.Float64()), bend: 0.9 + 0.3*random.Float64(), gpus: 4 + 8*random.Float64()}
}

// The promise before the start is that of the simulation.
func TestAnnouncement(t *testing.T) {
	standard := strings.Join(adaptive(45).Announcement(), "\n")
	small := adaptive(45)
	small.Ladder = 2 * LadderRequests([]int{1, 2})
	for want, in := range map[string]string{
		"from concurrency 4": standard, "45 tok/s/user": standard, "4 to 12 rounds": standard, "within 3 %": standard,
		"at most 25 % if both brackets end at concurrency 64 or below":       standard,
		"64 or below, 50 % if both brackets end at concurrency 128 or below": standard,
		"no saving is promised":                                   standard,
		"no saving over as many rounds of the ladder is promised": strings.Join(small.Announcement(), "\n"),
	} {
		if !strings.Contains(in, want) {
			t.Errorf("%q lacks %q", in, want)
		}
	}
}

// Two sides whose frontiers are curved in opposite ways: the line between two cells errs, and the search shows by how much.
func TestCurvedFrontiersAreACaveat(t *testing.T) {
	for _, row := range []struct {
		why  string
		b    side
		want string
	}{
		{"both alike", side{80, 30, 1.2, 8}, ""},
		{"unlike", side{80, 30, 0.8, 8}, "by the further ones of the search the ratio differs by"},
	} {
		b, a := quiet(side{80, 30, 1.2, 8}, row.b), adaptive(42)
		done, _ := b.campaign(t, a)
		c := a.Campaign(done)
		err := math.Abs(truth(t, b, a.At, levelsOf(c))/truth(t, b, a.At, everyLevel()) - 1)
		if got := a.Caveat(done); !strings.Contains(got, row.want) || (got == "") != (row.want == "") || math.Abs(a.curved(done, c.Brackets)-err) > 0.004 {
			t.Errorf("%s: got %q, %g, want an error of %g", row.why, got, a.curved(done, c.Brackets), err)
		}
		if got := a.Caveat(done[:1]); got != "" {
			t.Errorf("%s: got %q in the search", row.why, got)
		}
	}
}

func TestSummary(t *testing.T) {
	b, a := quiet(side{60, 50, 1, 8}, side{80, 50, 1, 8}), adaptive(40)
	quietly, _ := b.campaign(t, a)
	b.sd = 0.06
	noisy, _ := b.campaign(t, a)
	b.sd, b.invalid = 0, func(i artifacts.CellID) bool { return i.Repeat > 3 }
	lost, _ := b.campaign(t, a)
	for _, row := range []struct {
		why  string
		done []Cell
		want []string
	}{
		{"nothing varies", quietly, []string{"in 4 rounds); 4 rounds of the ladder: 49056", "the interval ends", "after 4 rounds"}},
		{"too noisy", noisy, []string{"12 rounds of the ladder: 147168", "not 3 %: --max-rounds is 12"}},
		{"lost rounds", lost, []string{"in 4 rounds)", "no interval: only 2 rounds of 4 counted, and an interval needs 4"}},
		{"interrupted", quietly[:len(quietly)-1], []string{"no interval: the run ended after 3 rounds"}},
		{"interrupted later", noisy[:len(noisy)-1], []string{"12 were planned for 3 %"}},
	} {
		got := strings.Join(a.Summary(row.done), "\n")
		for _, want := range row.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %q lacks %q", row.why, got, want)
			}
		}
	}
	sum, spent := 0, a.Spent(quietly)
	for _, c := range quietly {
		sum += 12 * c.Concurrency
	}
	if spent.Search == 0 || spent.Search+spent.Rounds != sum {
		t.Errorf("got %+v of %d requests", spent, sum)
	}
}

package run

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/artifacts"
	"topobench/internal/frontier"
	"topobench/internal/stats"
)

// side is a topology whose time between two tokens grows with the concurrency: x(C) = x1 / (1 + (C/half)^bend), and
// y = C x / gpus.
type side struct{ x1, half, bend, gpus float64 }

func (s side) at(c int) frontier.Point {
	x := s.x1 / (1 + math.Pow(float64(c)/s.half, s.bend))
	return frontier.Point{X: x, Y: float64(c) * x / s.gpus}
}

// concurrency is where x is reached.
func (s side) concurrency(x float64) float64 { return s.half * math.Pow(s.x1/x-1, 1/s.bend) }

// bench measures cells with noise: each launch multiplies all its y by exp(N(0, sd)) and its x by exp(N(0, sd/3)), and
// each cell both by a third of that.
type bench struct {
	sides   map[string]side
	sd      float64
	random  *rand.Rand
	invalid func(artifacts.CellID) bool
}

// campaign runs a schedule to its end. launches are the cells of each launch.
func (b bench) campaign(t *testing.T, a Adaptive) (done []Cell, launches [][]artifacts.CellID) {
	t.Helper()
	var factor frontier.Point
	noise := func(part float64) frontier.Point {
		return frontier.Point{X: math.Exp(b.random.NormFloat64() * b.sd / 3 * part), Y: math.Exp(b.random.NormFloat64() * b.sd * part)}
	}
	var last artifacts.CellID
	for id, more := a.Next(done); more; id, more = a.Next(done) {
		if len(done) > 300 {
			t.Fatalf("no end after %d cells", len(done))
		}
		if id.Topology != last.Topology || id.Repeat != last.Repeat {
			factor, launches = noise(1), append(launches, nil)
		}
		last = id
		launches[len(launches)-1] = append(launches[len(launches)-1], id)
		point, own := b.sides[id.Topology].at(id.Concurrency), noise(1.0/3)
		c := Cell{CellID: id, Path: "cell", Took: time.Second, X: point.X * factor.X * own.X, Y: point.Y * factor.Y * own.Y, Counts: true}
		if b.invalid != nil && b.invalid(id) {
			c.Counts = false
		}
		done = append(done, c)
	}
	return done, launches
}

func adaptive(at float64) Adaptive {
	return Adaptive{Sides: [2]string{"a", "b"}, At: at, Precision: 0.03, MaxRounds: 12, Top: 256, Ladder: 2 * 12 * 511}
}

func quiet(a, b side) bench {
	return bench{sides: map[string]side{"a": a, "b": b}, random: rand.New(rand.NewPCG(1, 2))}
}

func id(topology string, concurrency, round int) artifacts.CellID {
	return artifacts.CellID{Topology: topology, Concurrency: concurrency, Repeat: round}
}

// One launch a side searches upwards and downwards; then two cells a side alternate.
func TestAdaptiveSearchesAndAlternates(t *testing.T) {
	a := adaptive(42)
	_, launches := quiet(side{60, 50, 1, 8}, side{80, 3, 1, 8}).campaign(t, a)
	want := [][]artifacts.CellID{
		{id("a", 4, 1), id("a", 8, 1), id("a", 16, 1), id("a", 32, 1)}, {id("b", 4, 1), id("b", 2, 1), id("b", 1, 1)},
		{id("a", 16, 2), id("a", 32, 2)}, {id("b", 2, 2), id("b", 4, 2)},
		{id("b", 2, 3), id("b", 4, 3)}, {id("a", 16, 3), id("a", 32, 3)},
		{id("a", 16, 4), id("a", 32, 4)}, {id("b", 2, 4), id("b", 4, 4)},
		{id("b", 2, 5), id("b", 4, 5)}, {id("a", 16, 5), id("a", 32, 5)},
	}
	if diff := cmp.Diff(want, launches); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

// The next cell follows from the finished ones, in whatever order a journal has them.
func TestAdaptiveResumes(t *testing.T) {
	b, a := quiet(side{60, 50, 1, 8}, side{70, 40, 1, 8}), adaptive(45)
	b.sd = 0.02
	done, _ := b.campaign(t, a)
	for i, cell := range done {
		part := slices.Clone(done[:i])
		slices.Reverse(part)
		if next, more := a.Next(part); !more || next != cell.CellID {
			t.Fatalf("after %d cells: got %v, %t, want %v", i, next, more, cell.CellID)
		}
	}
}

func TestSearch(t *testing.T) {
	cell := func(c int, x float64) Cell { return Cell{CellID: id("a", c, searchRound), X: x, Y: 1, Counts: true} }
	for _, row := range []struct {
		why  string
		done []Cell
		b    Bracket
		next int
		end  string
	}{
		{"it begins at 4", nil, Bracket{}, 4, ""},
		{"up", []Cell{cell(4, 60)}, Bracket{}, 8, ""},
		{"down", []Cell{cell(4, 40)}, Bracket{}, 2, ""},
		{"between, and a third level", []Cell{cell(4, 60), cell(8, 40)}, Bracket{}, 2, ""},
		{"between", []Cell{cell(4, 60), cell(8, 40), cell(2, 70)}, Bracket{4, 8}, 0, ""},
		{"below the first", []Cell{cell(4, 40), cell(2, 60), cell(1, 70)}, Bracket{2, 4}, 0, ""},
		{"near the right end", []Cell{cell(4, 46), cell(8, 30)}, Bracket{}, 2, ""},
		{"near the right end, measured", []Cell{cell(4, 46), cell(8, 30), cell(2, 50)}, Bracket{2, 8}, 0, ""},
		{"near the left end", []Cell{cell(4, 60), cell(8, 44)}, Bracket{}, 16, ""},
		{"near the left end, measured", []Cell{cell(4, 60), cell(8, 44), cell(16, 30)}, Bracket{4, 16}, 0, ""},
		{"on a level", []Cell{cell(4, 45), cell(8, 30), cell(2, 55)}, Bracket{2, 8}, 0, ""},
		{"no level is wider at 1", []Cell{cell(4, 30), cell(2, 31), cell(1, 45.1)}, Bracket{1, 2}, 0, ""},
		{"no level gives so much", []Cell{cell(4, 30), cell(2, 40), cell(1, 44)}, Bracket{}, 0, "44 tok/s/user at concurrency 1"},
		{"every level gives more", []Cell{cell(4, 90), cell(8, 80), cell(16, 70)}, Bracket{}, 0, "70 tok/s/user at concurrency 16"},
		{"a cell is not valid", []Cell{{CellID: id("a", 4, searchRound)}}, Bracket{}, 0, "no valid cell at concurrency 4"},
	} {
		a := Adaptive{At: 45, Top: 16}
		b, next, end := a.search(row.done, "a")
		if next != row.next || !strings.Contains(end, row.end) || (end == "") != (row.end == "") || next == 0 && end == "" && b != row.b {
			t.Errorf("%s: got %v, next %d, %q, want %v, %d, %q", row.why, b, next, end, row.b, row.next, row.end)
		}
	}
}

// A launch that is lost, for example since the topology did not start, is replaced once.
func TestARoundThatDoesNotCountIsReplacedOnce(t *testing.T) {
	b, a := quiet(side{60, 50, 1, 8}, side{70, 40, 1, 8}), adaptive(45)
	b.invalid = func(i artifacts.CellID) bool { return i == id("b", 32, 3) }
	done, _ := b.campaign(t, a)
	c := a.Campaign(done)
	if len(c.Ratios) != 4 || c.Lost != 1 || c.Why != "" {
		t.Errorf("got %+v, want four rounds beside a lost one", c)
	}
	b.invalid = func(i artifacts.CellID) bool { return i.Topology == "b" && i.Repeat >= 4 }
	done, _ = b.campaign(t, a)
	if c = a.Campaign(done); len(c.Ratios) != 2 || !strings.Contains(c.Why, "only 2 rounds of 4 counted") {
		t.Errorf("got %+v, want an end after two lost rounds", c)
	}
}

// drift gives a side another speed from a round on.
func TestABracketThatMissesIsWidenedOnce(t *testing.T) {
	a := adaptive(45)
	slow, slower := side{60, 30, 1, 8}, side{60, 20, 1, 8} // 45 is reached at 10, and at 6.7
	for _, row := range []struct {
		why     string
		drifted func(round int) side
		bracket Bracket
		first   int
		end     string
	}{
		{"no drift", func(int) side { return slow }, Bracket{8, 16}, 2, ""},
		{"it misses", func(round int) side {
			if round > 3 {
				return slower
			}
			return slow
		}, Bracket{4, 16}, 5, ""},
		{"it misses again", func(round int) side { return side{60, 30 / math.Pow(1.6, float64(max(0, round-3))), 1, 8} },
			Bracket{4, 16}, 6, "does not reach 45 tok/s/user"},
	} {
		b := quiet(slow, slow)
		var done []Cell
		for next, more := a.Next(done); more; next, more = a.Next(done) {
			if next.Topology == "b" {
				b.sides["b"] = row.drifted(next.Repeat)
			}
			p := b.sides[next.Topology].at(next.Concurrency)
			done = append(done, Cell{CellID: next, X: p.X, Y: p.Y, Counts: true})
		}
		c := a.Campaign(done)
		if c.Brackets[0] != (Bracket{8, 16}) || c.Brackets[1] != row.bracket || c.First < row.first ||
			(c.Why == "") != (row.end == "") || !strings.Contains(c.Why, row.end) {
			t.Errorf("%s: got %+v", row.why, c)
		}
		if c.Why == "" && len(c.Ratios) != stats.FirstStage {
			t.Errorf("%s: %d rounds count after the restart, want %d", row.why, len(c.Ratios), stats.FirstStage)
		}
	}
}

// The report refuses a ratio where the sides share less than 1 % of tokens/s/user: the rounds must not go on there.
func TestAThinRangeWidensBothBrackets(t *testing.T) {
	b, a := quiet(side{60, 30, 1, 8}, side{60, 30, 1, 8}), adaptive(45)
	done, _ := b.campaign(t, a)
	for i := range done {
		if done[i].Repeat > searchRound { // 45.2 and 44.9 instead of 47.4 and 39.1
			done[i].X = 45.2
			if done[i].Concurrency == 16 {
				done[i].X = 44.9
			}
		}
	}
	c := a.Campaign(done)
	if c.Brackets[0] != c.Brackets[1] || c.Brackets[0] == (Bracket{8, 16}) || c.First != 3 {
		t.Errorf("got %+v, want both brackets wider from round 3 on", c)
	}
	a.Top = 16 // 45 is nearer to the end that has no further level
	if c = a.Campaign(done); !strings.Contains(c.Why, "share too little around 45") {
		t.Errorf("got %+v, want no number", c)
	}
}

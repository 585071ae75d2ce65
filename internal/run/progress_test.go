package run

import (
	"testing"
	"time"

	"topobench/internal/artifacts"
)

// Three rounds of a slow, a fast and a topology that never started: its cells are skipped, and neither its cells nor
// the half hour of its launch are expected again. The restart of the slow one counts as a part of its launches.
func TestTheTimeThatIsLeftOverRounds(t *testing.T) {
	l := LadderOf(topologies([]int{1, 8}, "slow", "never", "fast"), 3)
	at := func(name string, round, concurrency int) artifacts.CellID {
		return artifacts.CellID{Topology: name, Concurrency: concurrency, Repeat: round}
	}
	cell := func(id artifacts.CellID, seconds time.Duration) Cell {
		return Cell{CellID: id, Took: seconds * time.Second}
	}
	launched := func(name string, seconds time.Duration, cells ...Cell) Topology {
		times := Times{Total: seconds * time.Second}
		for _, c := range cells {
			times.AIPerf += c.Took
		}
		return Topology{Name: name, Cells: cells, Times: times}
	}
	slow := []Cell{cell(at("slow", 1, 1), 10), cell(at("slow", 1, 8), 20)}
	fast := []Cell{cell(at("fast", 1, 1), 2), cell(at("fast", 1, 8), 4)}
	skipped := []Cell{{CellID: at("never", 1, 1)}, {CellID: at("never", 1, 8)}}
	c := cells{Runner: &Runner{schedule: l, abandoned: map[string]bool{"never": true},
		done: append(append(append([]Cell{}, slow...), skipped...), fast...),
		launched: []Topology{launched("slow", 30+100, slow...), launched("never", 1800),
			launched("fast", 6+10, fast...)}}, t: &Topology{Name: "fast"}}
	now := at("fast", 2, 1) // round 2 is in the reverse order
	left := c.left(now)
	// fast 8; slow: a launch of 100 s and both cells; round 3: slow, then fast.
	want := (4 + 100 + 30 + 100 + 30 + 10 + 6) * time.Second
	if got := untilEnd(c.done, left, c.overhead); got != want || len(left) != 8 {
		t.Errorf("%s, want %s; left are %v", got, want, left)
	}
	if got := c.overhead("another"); got != 55*time.Second {
		t.Errorf("a topology without a launch is expected to take %s, want the mean of the others", got)
	}
	c.launched = append(c.launched, launched("slow", 300+30, slow...)) // it was restarted
	if got := c.overhead("slow"); got != 200*time.Second {
		t.Errorf("with a restart %s", got)
	}
	c.launched = nil
	if c.t.Times = (Times{Launch: 1, Engine: 2, Smoke: 3}); c.overhead("fast") != 6 {
		t.Errorf("the first launch: %s", c.overhead("fast"))
	}
}

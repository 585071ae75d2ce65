package run

import (
	"slices"
	"strings"
	"testing"

	"topobench/internal/aiperf"
	"topobench/internal/slo"
	"topobench/internal/verdict"
)

// A launch leaves out the levels above two that are outside, in its own round only. Lower levels follow.
func TestLevelsBeyondTheSLOAreSkipped(t *testing.T) {
	c, screen := newRunner(t, Options{})
	c.schedule = LadderOf(topologies([]int{2, 4, 8, 16, 1}, "a"), 2)
	first := &Topology{Name: "a", Repeat: 1, Rounds: 2, Asked: []int{2, 4, 8, 16, 1}}
	targets, _ := slo.Parse("ttft_p90=500ms")
	var measured []int
	for id, more := c.next(first); more; id, more = c.next(first) {
		cell := Cell{CellID: id}
		if cell.SLO.State = slo.Within; id.Concurrency >= 2 {
			cell.SLO.State = slo.Outside
		}
		measured = append(measured, id.Concurrency)
		first.Cells, c.done = append(first.Cells, cell), append(c.done, cell)
		c.skipBeyond(first, targets)
	}
	c.Screen.Close()
	if !slices.Equal(measured, []int{2, 4, 1}) || !slices.Equal(first.Beyond, []int{8, 16}) || len(first.Missing()) > 0 {
		t.Errorf("measured %v, skipped %v, missing %v", measured, first.Beyond, first.Missing())
	}
	if n := strings.Count(screen.String(), "a (round 1): concurrency 8 16 is skipped"); n != 1 {
		t.Errorf("the screen shows it %d times: %s", n, screen)
	}
	if id, more := c.upcoming(); !more || id.Repeat != 2 || id.Concurrency != 2 {
		t.Errorf("%v is next, want the next round whole", id)
	}
}

func TestMissingLevels(t *testing.T) {
	t1 := Topology{Asked: []int{8, 1, 2, 4}, Beyond: []int{8}, Cells: []Cell{{}, {}}}
	t1.Cells[0].Concurrency, t1.Cells[1].Concurrency = 1, 2
	if got := t1.Missing(); !slices.Equal(got, []int{4}) {
		t.Errorf("got %v, want the level without a cell that the SLO did not leave out", got)
	}
}

// Only the numbers of valid cells count.
func TestTheSLOOfACell(t *testing.T) {
	targets, _ := slo.Parse("ttft_p90=500ms")
	m := aiperf.Measurement{Metrics: map[string]aiperf.Metric{"request_count": {Stats: map[string]float64{"avg": 10}},
		"time_to_first_token": {Stats: map[string]float64{"p90": 501}}}}
	for state, want := range map[verdict.State]slo.State{verdict.Valid: slo.Outside, verdict.Invalid: "", verdict.Unchecked: ""} {
		if got := judgeSLO(verdict.Verdict{State: state}, m, targets).State; got != want {
			t.Errorf("a cell that is %s: %q, want %q", state, got, want)
		}
	}
}

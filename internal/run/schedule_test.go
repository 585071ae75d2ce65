package run

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/artifacts"
	"topobench/internal/preflight"
	"topobench/internal/profile"
)

// alternating measures each topology twice, the second time in reverse order.
type alternating []artifacts.CellID

func (a alternating) Next(done []Cell) (artifacts.CellID, bool) {
	if len(done) == len(a) {
		return artifacts.CellID{}, false
	}
	return a[len(done)], true
}

func TestLadderGoesThroughTopologiesAndConcurrencies(t *testing.T) {
	topology := func(name string, concurrency ...int) preflight.Topology {
		return preflight.Topology{Profile: profile.Profile{Name: name, Load: profile.Sweep{Concurrency: concurrency}}}
	}
	s := LadderOf([]preflight.Topology{topology("a", 4, 1), topology("b", 4)}, 1)
	want := []artifacts.CellID{{Topology: "a", Concurrency: 4, Repeat: 1}, {Topology: "a", Concurrency: 1, Repeat: 1}, {Topology: "b", Concurrency: 4, Repeat: 1}}
	var got []artifacts.CellID
	var done []Cell
	for id, more := s.Next(done); more; id, more = s.Next(done) {
		got, done = append(got, id), append(done, Cell{CellID: id})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
	if id, _ := s.Next(done[1:]); id != want[0] {
		t.Errorf("a finished cell of a later topology hides %v: %v is next", want[0], id)
	}
}

// The cells of one launch are those of one topology and repeat that follow each other.
func TestTheNextCellOfALaunch(t *testing.T) {
	cell := func(name string, concurrency, repeat int) artifacts.CellID {
		return artifacts.CellID{Topology: name, Concurrency: concurrency, Repeat: repeat}
	}
	r := &Runner{schedule: alternating{cell("a", 1, 1), cell("a", 2, 1), cell("b", 1, 1), cell("b", 1, 2), cell("a", 1, 2)}}
	first := &Topology{Name: "a", Repeat: 1}
	if id, ok := r.next(first); !ok || id.Concurrency != 1 {
		t.Errorf("got %v, %t", id, ok)
	}
	r.skip(first)
	if len(r.done) != 2 {
		t.Errorf("%d cells are skipped with the launch, want 2", len(r.done))
	}
	if _, ok := r.next(&Topology{Name: "b", Repeat: 2}); ok {
		t.Error("the second launch of b is due after the first")
	}
	r.skip(&Topology{Name: "b", Repeat: 1})
	if id, ok := r.next(&Topology{Name: "b", Repeat: 2}); !ok || id != cell("b", 1, 2) {
		t.Errorf("got %v, %t", id, ok)
	}
}

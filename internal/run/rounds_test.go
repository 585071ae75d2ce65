package run

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/plan"
	"topobench/internal/preflight"
	"topobench/internal/profile"
)

func topologies(concurrency []int, names ...string) (all []preflight.Topology) {
	for _, name := range names {
		all = append(all, preflight.Topology{Profile: profile.Profile{Name: name, Load: profile.Sweep{Concurrency: concurrency}}})
	}
	return all
}

// Even rounds are reversed, so that in an even number of them every topology has the same mean place. Where the run
// stands follows from the finished cells alone.
func TestRoundsAlternate(t *testing.T) {
	l := LadderOf(topologies([]int{2, 1}, "a", "b", "c"), 4)
	places, place := map[string]int{}, 0
	var order strings.Builder
	var done []Cell
	for id, more := l.Next(done); more; id, more = l.Next(done) {
		if id.Concurrency == 2 {
			order.WriteString(id.Topology)
			places[id.Topology] += place
			place++
		}
		if want := 1 + len(done)/6; id.Repeat != want {
			t.Errorf("cell %d is of round %d, want %d", len(done), id.Repeat, want)
		}
		done = append(done, Cell{CellID: id})
	}
	if order.String() != "abccbaabccba" || places["a"] != places["b"] || places["b"] != places["c"] || l.Rounds() != 4 {
		t.Errorf("order %s, places %v, %d rounds", &order, places, l.Rounds())
	}
	slices.Reverse(done[:9])
	if id, _ := l.Next(done[:9]); id != l[9] {
		t.Errorf("after half of the run %v is next, want %v", id, l[9])
	}
}

// Neither names, which mark namespaces and data, nor directories of two launches are one.
func TestLaunchesHavePlacesOfTheirOwn(t *testing.T) {
	names, dirs := map[string]bool{}, map[string]bool{}
	n := 0
	for _, topology := range []string{"a", "a-2", "a-2-1", "a-1-2"} {
		for round := 1; round <= 3; round++ {
			for launch := 1; launch <= Launches; launch++ {
				names[launchName(topology, round, launch)] = true
				dirs[filepath.Join(topology, launchDir(round, launch))] = true
				n++
			}
		}
	}
	if len(names) != n || len(dirs) != n {
		t.Errorf("%d launches have %d names and %d directories", n, len(names), len(dirs))
	}
	if dir := launchDir(2, 2); dir != "round-2/launch-2" || launchDir(1, 1) != "" {
		t.Errorf("got %q and %q", dir, launchDir(1, 1))
	}
}

func TestArmsAreOneProfileTwice(t *testing.T) {
	c, _ := newRunner(t, Options{})
	p := read(t, "a", "ka", "")
	made, err := plan.Make(p, plan.Installation{}, aiperf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	arms := Arms(preflight.Topology{Profile: p, Plan: made})
	namespaces := map[string]bool{}
	for i, arm := range []string{"A", "B"} {
		topology := Topology{Name: arms[i].Profile.Name, Repeat: 2, Rounds: 2, Launches: 1}
		launch, err := c.place(arms[i], &topology)
		if err != nil {
			t.Fatal(err)
		}
		d, err := artifacts.ReadDeployment(filepath.Join(topology.Artifacts.Path, artifacts.DeploymentName))
		if err != nil || d.Name != "a" || d.Arm != arm || d.Round != 2 || d.Label() != "ka_aggregated" {
			t.Errorf("%v: %+v", err, d)
		}
		if launch.Name != "a-"+arm || topology.Artifacts.N != i || !strings.HasSuffix(topology.Dir, "/a-"+arm+"/round-2") {
			t.Errorf("plan %s, %s, directory %s", launch.Name, topology.Artifacts.Name(), topology.Dir)
		}
		for _, env := range launch.Services[0].Env {
			if strings.HasPrefix(env, "DYN_NAMESPACE=") {
				namespaces[env] = true
			}
		}
	}
	if len(namespaces) != 2 {
		t.Errorf("namespaces %v", namespaces)
	}
}

// A server of others has no launch that could be paired with another one.
func TestPerfHasNoRound(t *testing.T) {
	c, _ := newRunner(t, Options{})
	topology := Topology{Name: "perf", Repeat: 1, Rounds: 1, Launches: 1}
	made := plan.Plan{Name: "perf", Deployment: artifacts.Deployment{Kind: "k", Mode: "aggregated", TP: 1, DP: 1}}
	if _, err := c.place(preflight.Topology{Profile: profile.Profile{Name: "perf"}, Plan: made}, &topology); err != nil {
		t.Fatal(err)
	}
	d, err := artifacts.ReadDeployment(filepath.Join(topology.Artifacts.Path, artifacts.DeploymentName))
	if err != nil || d.Round != 0 || topology.Dir != "" {
		t.Errorf("%v: round %d, directory %q", err, d.Round, topology.Dir)
	}
}

// A topology that does not start in the first round is not launched again; a later failure is no reason.
func TestATopologyThatDoesNotStartIsAbandoned(t *testing.T) {
	fault := errors.New("died")
	for _, row := range []struct {
		why  string
		t    Topology
		want bool
	}{
		{"it did not start", Topology{Name: "a", Repeat: 1, Rounds: 2, Err: fault}, true},
		{"it has a cell", Topology{Name: "a", Repeat: 1, Rounds: 2, Err: fault, Cells: make([]Cell, 1)}, false},
		{"it started in the first round", Topology{Name: "a", Repeat: 2, Rounds: 2, Err: fault}, false},
		{"it started", Topology{Name: "a", Repeat: 1, Rounds: 2}, false},
	} {
		c, screen := newRunner(t, Options{})
		c.schedule = LadderOf(topologies([]int{1}, "b", "a"), 2)
		c.done = []Cell{{CellID: c.schedule.(Ladder)[0]}, {CellID: c.schedule.(Ladder)[1]}}
		c.abandon(row.t)
		c.Screen.Close()
		if shown := strings.Contains(screen.String(), "a did not start in round 1: it is not launched in later rounds"); shown != row.want {
			t.Errorf("%s: the screen shows %q", row.why, screen)
		}
		id, more := c.upcoming()
		if want := map[bool]string{false: "a", true: "b"}[row.want]; !more || id.Topology != want || id.Repeat != 2 {
			t.Errorf("%s: %v is next, want %s", row.why, id, want)
		}
	}
}

// The last launch is the last one that is left, so that --keep holds it.
func TestNothingFollowsTheLastLaunchButAbandonedTopologies(t *testing.T) {
	c := &Runner{schedule: LadderOf(topologies([]int{1}, "a", "b"), 2), abandoned: map[string]bool{"a": true}}
	for range 2 {
		id, more := c.upcoming()
		if !more || id.Topology != "b" {
			t.Fatalf("%v, %t", id, more)
		}
		c.done = append(c.done, Cell{CellID: id})
	}
	if id, more := c.upcoming(); more {
		t.Errorf("%v follows", id)
	}
}

func TestTheTimeThatIsLeft(t *testing.T) {
	id := func(name string, c, round int) artifacts.CellID {
		return artifacts.CellID{Topology: name, Concurrency: c, Repeat: round}
	}
	a1, a2, b1 := id("a", 1, 1), id("a", 1, 2), id("b", 1, 1)
	done := []Cell{{CellID: a1, Took: 10 * time.Second}, {CellID: b1, Took: 30 * time.Second}, {CellID: id("b", 8, 1)}}
	for _, row := range []struct {
		why   string
		done  []Cell
		cells []artifacts.CellID
		want  time.Duration
	}{
		{"the last cell", done, []artifacts.CellID{a2}, 0},
		{"a cell of the same launch", done, []artifacts.CellID{a2, id("a", 2, 2)}, 10 * time.Second},
		{"another round of the same topology", done, []artifacts.CellID{a1, a2}, 15 * time.Second},
		{"each topology takes its own time", done, []artifacts.CellID{a2, id("b", 1, 2), id("b", 8, 2)}, 65 * time.Second},
		{"an unmeasured one that of the others", done, []artifacts.CellID{a2, id("c", 1, 2)}, 25 * time.Second},
	} {
		if got := untilEnd(row.done, row.cells, func(string) time.Duration { return 5 * time.Second }); got != row.want {
			t.Errorf("%s: %s, want %s", row.why, got, row.want)
		}
	}
}

// The line of progress counts the cells of all rounds.
func TestTheCellsThatAreLeft(t *testing.T) {
	l := LadderOf(topologies([]int{1, 2}, "a", "b"), 2)
	r := &Runner{schedule: l, done: []Cell{{CellID: l[0]}}, abandoned: map[string]bool{}}
	if got := r.left(l[1]); len(got) != 7 || got[0] != l[1] || got[6] != l[7] {
		t.Errorf("got %v", got)
	}
	r.abandoned["b"] = true
	if got := r.left(l[1]); len(got) != 3 {
		t.Errorf("without b: %v", got)
	}
	r.schedule = alternating(l)
	if got := r.left(l[1]); len(got) != 1 || r.rounds() != 0 {
		t.Errorf("a schedule that decides later: %v", got)
	}
}

func TestRoundsInTextsOfARun(t *testing.T) {
	one, second := Topology{Name: "a", Repeat: 1, Rounds: 1}, Topology{Name: "a", Repeat: 2, Rounds: 4}
	if one.String() != "a" || second.String() != "a (round 2)" {
		t.Errorf("got %v and %v", one, second)
	}
	if roundOf(2, 4) != "round 2/4, " || roundOf(1, 1) != "" || roundOf(3, 0) != "round 3, " {
		t.Errorf("got %q, %q, %q", roundOf(2, 4), roundOf(1, 1), roundOf(3, 0))
	}
	times := Times{Engine: time.Second, AIPerf: 2 * time.Second, Total: 4 * time.Second}
	second.Times, one.Times = times, times
	b := Topology{Name: "b", Times: times}
	if got := TimeLines([]Topology{one, b, second}); len(got) != 2 ||
		got[0] != "times: a 8.0 s in 2 rounds (engine 2.0, aiperf 4.0, topobench itself 2.0)" ||
		got[1] != "times: b 4.0 s (engine 1.0, aiperf 2.0, topobench itself 1.0)" {
		t.Errorf("got %q", got)
	}
	cost := Cost{Name: "a", Launches: 1, Cells: 9, Requests: 6132, Time: 1000 * time.Second, GPUHours: 2.222, From: "a guess"}
	if got := cost.Times(4).String(); got != "a: 4 launches, 36 cells, 24528 requests; about 1.1 hours, 8.9 GPU-hours (a guess)" {
		t.Errorf("got %s", got)
	}
}

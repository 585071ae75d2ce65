package run

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"topobench/internal/plan"
	"topobench/internal/ready"
	"topobench/internal/ui"
	"topobench/internal/verdict"
)

// twoServers is a plan of two workers behind a balancer.
func twoServers() plan.Plan {
	return plan.Plan{Balancer: "guide",
		Services: []plan.Service{{Name: "aggregated-0", Role: plan.Aggregated}, {Name: "aggregated-1", Role: plan.Aggregated}},
		Smoke:    plan.Smoke{Counters: []plan.Counter{{Service: "aggregated-0"}, {Service: "aggregated-1"}}}}
}

func counted(a, b float64) census {
	return census{served: map[string]float64{"aggregated-0": a, "aggregated-1": b}}
}

func TestAttendance(t *testing.T) {
	unread := census{unread: errors.New("no answer\nno answer")}
	for _, row := range []struct {
		why           string
		p             plan.Plan
		before, after census
		failed        bool     // aiperf did not finish
		want          []string // of each check: name, state, and a part of its detail
	}{
		{"all is well: only what was served in the cell counts", twoServers(), counted(10, 1), counted(22, 13), false,
			[]string{"workers valid all 2 services", "spread valid aggregated-0 12, aggregated-1 12"}},
		{"one was there, and served nothing", twoServers(), counted(1, 7), counted(25, 7), false,
			[]string{"workers valid", "spread invalid aggregated-1 served none of 20 requests (requests with warm-up: aggregated-0 24, aggregated-1 0)"}},
		{"one left in the cell", twoServers(), counted(1, 1), census{missing: []ready.Absence{{Service: "a", Why: "x"}, {Service: "b", Why: "y"}}}, false,
			[]string{"workers invalid after the cell: a: x; b: y"}},
		{"the counters could not be read before", twoServers(), unread, counted(9, 9), false,
			[]string{"workers valid", "spread unchecked no answer; no answer"}},
		{"the counters could not be read after", twoServers(), counted(9, 9), unread, false,
			[]string{"workers valid", "spread unchecked"}},
		{"an aiperf that failed did not send its requests", twoServers(), counted(1, 1), counted(1, 1), true, []string{"workers valid"}},
		{"perf knows no workers", plan.Plan{}, census{}, census{}, false, nil},
	} {
		got := attendance(row.p, 2, row.before, row.after, !row.failed)
		if len(got) != len(row.want) {
			t.Errorf("%s: %v, want %q", row.why, got, row.want)
			continue
		}
		for i, check := range got {
			text := check.Name + " " + string(check.State) + " " + check.Detail
			head, part, _ := strings.Cut(row.want[i], " ")
			state, part, _ := strings.Cut(part, " ")
			if !strings.HasPrefix(text, head+" "+state) || !strings.Contains(text, part) || strings.Contains(text, "\n") {
				t.Errorf("%s: %q, want %q", row.why, text, row.want[i])
			}
		}
	}
}

// The verdict follows the checks, and what explains comes first.
func TestVerdictWithAttendance(t *testing.T) {
	v := verdict.Verdict{}.With(verdict.Check{Name: "run", State: verdict.Invalid, Detail: "aiperf exit 1"}).With(verdict.Check{Name: workers, State: verdict.Invalid, Detail: "after the cell: a: x"})
	if v.State != verdict.Invalid || strings.Join(v.Reasons, "|") != "after the cell: a: x|aiperf exit 1" {
		t.Errorf("got %s %q", v.State, v.Reasons)
	}
	v = verdict.Verdict{}.With(verdict.Check{Name: "workers", State: verdict.Valid}).With(verdict.Check{Name: "spread", State: verdict.Unchecked, Detail: "why"})
	if v.State != verdict.Unchecked || strings.Join(v.Reasons, "|") != "why" {
		t.Errorf("got %s %q", v.State, v.Reasons)
	}
}

// asked counts the questions of a census, of which the first some find one missing.
func asked(missing int, c *Campaign) *int {
	n := new(int)
	c.Standing = func(context.Context, []plan.Service) []ready.Absence {
		if *n++; *n <= missing {
			return []ready.Absence{{Service: "a", Why: "x"}}
		}
		return nil
	}
	c.Counters = func(context.Context, []plan.Counter) (map[string]float64, error) {
		return map[string]float64{"a": 1}, nil
	}
	return n
}

func TestCensusAsksAgainBeforeItBelieves(t *testing.T) {
	for _, row := range []struct {
		why                 string
		missing, asks, want int
		gone                bool
	}{
		{"all is well: one question", 0, flapAsks, 1, false},
		{"it comes back", 2, flapAsks, 3, false},
		{"it stays away", 9, flapAsks, 3, true},
		{"asked once it is believed at once", 9, 1, 1, true},
	} {
		t.Run(row.why, func(t *testing.T) {
			t.Parallel()
			var c Campaign
			n := asked(row.missing, &c)
			got := c.census(t.Context(), plan.Plan{}, row.asks)
			if flapped := row.missing > 0 && !row.gone; len(got.flapped) > 0 != flapped {
				t.Errorf("flapped: %v", got.flapped)
			}
			if *n != row.want || len(got.missing) > 0 != row.gone || (got.served == nil) != row.gone {
				t.Errorf("%d questions, %+v", *n, got)
			}
		})
	}
}

// A service that did not answer at once after a cell, and then did, is judged by that
// answer and noted.
func TestF23LateAnswerAfterTheCell(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := &sweep{Campaign: &Campaign{}, t: &Topology{}, plan: twoServers()}
	s.Screen = ui.New(ui.Options{Out: new(strings.Builder), Now: time.Now})
	defer s.Screen.Close()
	asked(1, s.Campaign)
	s.Counters = func(context.Context, []plan.Counter) (map[string]float64, error) {
		return counted(22, 13).served, nil
	}
	a := &try{Cell: Cell{Concurrency: 2}, dir: dir}
	after := s.look(t.Context(), flapAsks)
	lost := s.judge(t.Context(), t.Context(), a, evidence{before: scene{census: counted(10, 1)}, after: after})
	var told []string
	for _, c := range a.Verdict.Checks {
		if c.Name == "flap" || c.Name == workers || c.Name == spreads {
			told = append(told, c.Name+" "+string(c.State)+" "+c.Detail)
		}
	}
	want := []string{"flap valid a did not answer at once after the cell: x", "workers valid all 2 services were there before and after",
		"spread valid requests with warm-up: aggregated-0 12, aggregated-1 12"}
	if lost != nil || strings.Join(told, "|") != strings.Join(want, "|") {
		t.Errorf("lost %v, %q", lost, told)
	}
}

// What is asked while the topology ends says nothing but that.
func TestCensusTellsTheEndOfTheTopology(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("decode-0 died: exit 1\n  its last lines"))
	var c Campaign
	asked(0, &c)
	if got := c.census(ctx, plan.Plan{}, flapAsks); len(got.missing) != 1 || got.missing[0].String() != "the topology: decode-0 died: exit 1" {
		t.Errorf("got %q", got.missing)
	}
}

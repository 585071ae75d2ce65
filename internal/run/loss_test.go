package run

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/aiperf"
	"topobench/internal/deploy"
	"topobench/internal/plan"
	"topobench/internal/ready"
	"topobench/internal/verdict"
)

func ended(cause error) context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(cause)
	return ctx
}

func TestLossOf(t *testing.T) {
	fine, a := context.Background(), ready.Absence{Service: "a", Why: "x"}
	died := errors.New("decode-0 died: exit 1\n  its last lines")
	for _, row := range []struct {
		why       string
		ctx, gone context.Context
		a         aftermath
		want      string // class, and the check's detail
	}{
		{"all is well", fine, fine, aftermath{served: true}, ""},
		{"a cell that is not valid is no loss", fine, fine, aftermath{outcome: aiperf.Outcome{Problem: "aiperf exit 1"}}, ""},
		{"F-30: a service died, in one line", ended(died), ended(died), aftermath{}, "worker-died: decode-0 died: exit 1"},
		{"F-31: requests complete no more", fine, fine, aftermath{outcome: aiperf.Outcome{Stalled: true, Problem: "stalled: 1s"}}, "stalled: stalled: 1s"},
		{"F-23: the watch ended the cell", fine, ended(&AbsentError{"in", []ready.Absence{a}}), aftermath{}, "workers: in the cell: a: x"},
		{"it was stopped as always", fine, ended(nil), aftermath{served: true}, ""},
		{"it is gone after the cell", fine, fine, aftermath{absent: &AbsentError{"after", []ready.Absence{a}}}, "workers: after the cell: a: x"},
		{"F-05: the engine behind a server died", fine, fine, aftermath{ended: []string{"a lost process 7 (x)"}}, "worker-died: a lost process 7 (x)"},
		{"a helper that ended is no engine", fine, fine, aftermath{ended: []string{"a lost process 7 (cc1)"}, served: true}, ""},
		{"F-34: nginx keeps one out", fine, fine, aftermath{ejected: []string{"h:1"}, served: true}, "spread: nginx sends nothing more to h:1"},
	} {
		got := ""
		if l := lossOf(row.ctx, row.gone, row.a); l != nil {
			got = l.Class + ": " + l.check().Detail
		}
		if got != row.want {
			t.Errorf("%s: %q, want %q", row.why, got, row.want)
		}
	}
}

// The loss stands first, once, and what else is wrong behind it.
func TestHeaded(t *testing.T) {
	v := verdict.Verdict{}.With(verdict.Check{Name: "run", State: verdict.Invalid, Detail: "a died: exit 1"}, verdict.Check{Name: "run", State: verdict.Invalid, Detail: "5 x 500"})
	got := headed(v, &Loss{Class: workerDied, Cause: errors.New("a died: exit 1\nlog")})
	if !cmp.Equal(got.Reasons, []string{"a died: exit 1", "5 x 500"}) || got.Checks[0].Name != workerDied {
		t.Errorf("got %+v", got)
	}
}

func TestF23StreaksOfThree(t *testing.T) {
	a, b := ready.Absence{Service: "a", Why: "does not answer"}, ready.Absence{Service: "b", Why: "503"}
	busy := ready.Absence{Service: "a", Why: "does not answer within 5s", Late: true}
	s := streaks{}
	for i, step := range []struct {
		why     string
		missing []ready.Absence
		gone    int
	}{
		{"once", []ready.Absence{a}, 0},
		{"twice", []ready.Absence{a}, 0},
		{"it comes back, another goes", []ready.Absence{b}, 0},
		{"both", []ready.Absence{a, b}, 0},
		{"one of them for the third time", []ready.Absence{a, b}, 1},
		{"all are there", nil, 0},
		{"busy", []ready.Absence{busy}, 0},
		{"busy", []ready.Absence{busy}, 0},
		{"busy for the third time is not gone", []ready.Absence{busy}, 0},
	} {
		if gone := s.add(step.missing); len(gone) != step.gone {
			t.Errorf("step %d, %s: %v", i, step.why, gone)
		}
	}
}

// The watch asks through the campaign, ends the cell with the reason, and leaves
// nothing that asks on.
func TestF23WatchEndsTheCell(t *testing.T) {
	t.Parallel()
	var c Campaign
	asked(watchAsks, &c)
	watched, stop := c.watch(t.Context(), []plan.Service{{Name: "a"}})
	<-watched.Done()
	stop()
	var absent *AbsentError
	if !errors.As(context.Cause(watched), &absent) || absent.Error() != "in the cell: a: x" {
		t.Errorf("got %v", context.Cause(watched))
	}
}

func TestWatchStopsWithItsCell(t *testing.T) {
	var c Campaign
	asked(0, &c)
	watched, stop := c.watch(t.Context(), nil)
	if stop(); watched.Err() == nil || lossOf(t.Context(), watched, aftermath{served: true}) != nil {
		t.Errorf("got %v", context.Cause(watched))
	}
}

func TestF52GapMarksTheCell(t *testing.T) {
	for gap, marked := range map[time.Duration]bool{0: false, 1900 * time.Millisecond: false, 2100 * time.Millisecond: true} {
		checks := evidence{outcome: aiperf.Outcome{Unseen: gap}}.checks()
		if is := len(checks) == 1 && checks[0].Name == "stopped" && checks[0].State == verdict.Invalid; is != marked {
			t.Errorf("%s: %+v", gap, checks)
		}
	}
}

func TestF32CounterThatWentBack(t *testing.T) {
	before, after := scene{census: counted(10, 20)}, scene{census: counted(30, 3)}
	checks := evidence{before: before, after: after}.checks()
	want := "restarted in the cell: the requests that aggregated-1 has counted went back from 20 to 3"
	if len(checks) != 1 || checks[0].Detail != want || checks[0].State != verdict.Invalid {
		t.Errorf("got %+v", checks)
	}
	image := func(n uint64) scene {
		m := deploy.Member{Service: "a"}
		m.Leader.PID, m.Leader.Image = 7, n
		return scene{members: []deploy.Member{m}}
	}
	if checks := (evidence{before: image(1), after: image(2)}).checks(); len(checks) != 1 || checks[0].Name != "restarted" {
		t.Errorf("got %+v", checks)
	}
}

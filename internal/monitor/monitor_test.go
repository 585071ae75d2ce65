package monitor

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/aiperf"
	"topobench/internal/plan"
	"topobench/internal/testbed"
	"topobench/internal/verdict"
)

// twoServers is a plan of two workers behind a balancer.
func twoServers() plan.Plan {
	return plan.Plan{Balancer: "guide",
		Services: []plan.Service{{Name: "aggregated-0", Role: plan.Aggregated}, {Name: "aggregated-1", Role: plan.Aggregated}},
		Smoke:    plan.Smoke{Counters: []plan.Counter{{Service: "aggregated-0"}, {Service: "aggregated-1"}}}}
}

// fake is a topology whose probes fail as often as fails says, and then succeed.
type fake struct {
	probes, fails atomic.Int64
	served        [2]float64
	counters      error
	identity      string
}

func (f *fake) targets(p plan.Plan) Targets {
	return Targets{Plan: p,
		Health: func(context.Context, []plan.Service) []verdict.Unhealthy {
			f.probes.Add(1)
			if f.fails.Add(-1) >= 0 {
				return []verdict.Unhealthy{{Service: "a", Why: "x"}}
			}
			return nil
		},
		Counters: func(context.Context, []plan.Counter) (map[string]float64, error) {
			return map[string]float64{"aggregated-0": f.served[0], "aggregated-1": f.served[1]}, f.counters
		},
		Identity: func(context.Context, []plan.Service) map[string]string { return map[string]string{"nats": f.identity} },
	}
}

func TestStartProbesSeveralTimes(t *testing.T) {
	for _, row := range []struct {
		why         string
		fails, want int64
		err         bool
	}{
		{"all is well: one probe", 0, 1, false},
		{"it comes back", 2, 3, false},
		{"it stays away", 9, 3, true},
	} {
		t.Run(row.why, func(t *testing.T) {
			t.Parallel()
			var f fake
			f.fails.Store(row.fails)
			w, err := New(f.targets(twoServers())).Start(t.Context())
			if n := f.probes.Load(); n != row.want || (err != nil) != row.err {
				t.Errorf("%d probes, %v", n, err)
			}
			if err == nil {
				_, _ = w.Stop(t.Context())
			} else if err.Error() != "before the cell: a: x" {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Only requests of the cell count, and they are judged.
func TestStopCountsTheRequestsOfTheCell(t *testing.T) {
	f := &fake{served: [2]float64{10, 1}}
	w, err := New(f.targets(twoServers())).Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.served = [2]float64{22, 13}
	e, err := w.Stop(t.Context())
	want := &verdict.Traffic{Routing: verdict.Balanced, Workers: []verdict.Worker{
		{Service: "aggregated-0", Role: "aggregated", Served: 12}, {Service: "aggregated-1", Role: "aggregated", Served: 12}}}
	if diff := cmp.Diff(want, e.Traffic); diff != "" || err != nil || e.Services != 2 || len(e.Restarted) > 0 {
		t.Errorf("%v, want (-), got (+):\n%s", err, diff)
	}
}

func TestStopNamesCountersThatCannotBeRead(t *testing.T) {
	f := &fake{counters: errors.New("no answer\nno answer")}
	w, err := New(f.targets(twoServers())).Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.counters = nil
	if e, err := w.Stop(t.Context()); err != nil || e.Traffic.Unread != "no answer\nno answer" {
		t.Errorf("they could not be read before: %+v, %v", e.Traffic, err)
	}
}

func TestF32RestartsWithinACell(t *testing.T) {
	p := twoServers()
	p.External = []plan.Service{{Name: "nats", Role: plan.NATS}}
	f := &fake{served: [2]float64{10, 20}, identity: "NA"}
	w, err := New(f.targets(p)).Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.served, f.identity = [2]float64{30, 3}, "NB"
	e, err := w.Stop(t.Context())
	want := []string{"nats (it has another identity than before the cell)", "the request counter of aggregated-1 went back from 20 to 3"}
	if diff := cmp.Diff(want, e.Restarted); diff != "" || err != nil {
		t.Errorf("%v, want (-), got (+):\n%s", err, diff)
	}
}

// A service that did not answer at once after a cell, and then did, is judged by that
// answer and noted.
func TestF23LateAnswerAfterTheCell(t *testing.T) {
	t.Parallel()
	f := &fake{served: [2]float64{10, 1}}
	w, err := New(f.targets(twoServers())).Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.end(nil)
	<-w.ended
	f.served = [2]float64{22, 13}
	f.fails.Store(1)
	e, err := w.Stop(t.Context())
	if err != nil || len(e.Unhealthy) > 0 || len(e.Flapped) != 1 || e.Flapped[0].String() != "a: x" || e.Traffic.Workers[0].Served != 12 {
		t.Errorf("%+v, %v", e, err)
	}
}

// Servers of engine command need not publish a counter: the shares of their workers are unknown then.
func TestSharesWithoutACounterAreUnknown(t *testing.T) {
	for engine, unknown := range map[string]bool{"command": true, "vllm": false} {
		p := twoServers()
		p.Engine, p.Smoke.Counters = engine, nil
		f := &fake{}
		w, err := New(f.targets(p)).Start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		e, err := w.Stop(t.Context())
		if err != nil || (e.Traffic != nil && e.Traffic.Uncounted != "") != unknown {
			t.Errorf("engine %s: %+v, %v", engine, e.Traffic, err)
		}
	}
}

func TestStopNamesServicesThatAreGone(t *testing.T) {
	t.Parallel()
	f := &fake{}
	w, err := New(f.targets(twoServers())).Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.end(nil)
	<-w.ended
	f.fails.Store(100)
	e, err := w.Stop(t.Context())
	if err != nil || e.When != "after" || len(e.Unhealthy) != 1 || e.Traffic != nil {
		t.Errorf("%+v, %v", e, err)
	}
}

// Probes that fail because the topology ends are evidence of nothing else.
func TestStopNamesTheEndOfTheTopology(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	f := &fake{}
	w, err := New(f.targets(twoServers())).Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel(errors.New("decode-0 died: exit 1\n  its last lines"))
	e, err := w.Stop(ctx)
	if err != nil || e.Died != "decode-0 died: exit 1\n  its last lines" || len(e.Unhealthy) > 0 {
		t.Errorf("%+v, %v", e, err)
	}
	if _, err := New(f.targets(twoServers())).Start(ctx); err == nil || err.Error() != "before the cell: the topology: decode-0 died: exit 1" {
		t.Errorf("got %v", err)
	}
}

// Health probes end the cell with the reason.
func TestF23WatchEndsTheCell(t *testing.T) {
	t.Parallel()
	f := &fake{}
	w, err := New(f.targets(twoServers())).Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.fails.Store(healthMisses)
	<-w.Context().Done()
	var gone *UnhealthyError
	if !errors.As(context.Cause(w.Context()), &gone) || gone.Error() != "in the cell: a: x" {
		t.Errorf("got %v", context.Cause(w.Context()))
	}
	e, err := w.Stop(t.Context())
	c, failed := verdict.Of(e, aiperf.Measurement{}, verdict.Load{}).LaunchFailure()
	if err != nil || !failed || c.Detail != "in the cell: a: x" {
		t.Errorf("%+v, %v", e, err)
	}
}

// Stop cuts a probe short that hangs, and waits for it.
func TestStopEndsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	hung, running := make(chan bool), new(atomic.Bool)
	f := &fake{}
	targets := f.targets(twoServers())
	started := new(atomic.Int64)
	targets.Health = func(ctx context.Context, _ []plan.Service) []verdict.Unhealthy {
		if started.Add(1) == 2 { // the first one in the cell
			running.Store(true)
			close(hung)
			<-ctx.Done()
			running.Store(false)
		}
		return nil
	}
	w, err := New(targets).Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	<-hung
	e, err := w.Stop(t.Context())
	if running.Load() || err != nil || w.Context().Err() == nil || len(e.Unhealthy) > 0 {
		t.Errorf("running %t, %+v, %v", running.Load(), e, err)
	}
}

// A probe that hangs is not started again beside itself.
func TestTasksDoNotOverlap(t *testing.T) {
	t.Parallel()
	var n, most atomic.Int64
	w := &Watch{ended: make(chan struct{})}
	w.ctx, w.end = context.WithCancelCause(t.Context())
	rounds := new(atomic.Int64)
	w.tasks = []*task{
		{every: time.Second, run: func(ctx context.Context) {
			most.Store(max(most.Load(), n.Add(1)))
			<-ctx.Done()
			n.Add(-1)
		}},
		{every: time.Second, run: func(context.Context) { rounds.Add(1) }},
	}
	go w.loop()
	testbed.Eventually(t, 20*time.Second, func() bool { return rounds.Load() >= 2 })
	w.end(nil)
	<-w.ended
	if most.Load() != 1 || n.Load() != 0 {
		t.Errorf("%d at once, %d left", most.Load(), n.Load())
	}
}

func TestF23MissesInARow(t *testing.T) {
	a, b := verdict.Unhealthy{Service: "a", Why: "does not answer"}, verdict.Unhealthy{Service: "b", Why: "503"}
	busy := verdict.Unhealthy{Service: "a", Why: "does not answer within 5s", Late: true}
	misses := missCounter{}
	for i, step := range []struct {
		why    string
		failed []verdict.Unhealthy
		gone   int
	}{
		{"once", []verdict.Unhealthy{a}, 0},
		{"twice", []verdict.Unhealthy{a}, 0},
		{"it comes back, another goes", []verdict.Unhealthy{b}, 0},
		{"both", []verdict.Unhealthy{a, b}, 0},
		{"one of them for the third time", []verdict.Unhealthy{a, b}, 1},
		{"all are there", nil, 0},
		{"busy", []verdict.Unhealthy{busy}, 0},
		{"busy", []verdict.Unhealthy{busy}, 0},
		{"busy for the third time is not gone", []verdict.Unhealthy{busy}, 0},
	} {
		if gone := misses.add(step.failed); len(gone) != step.gone {
			t.Errorf("step %d, %s: %v", i, step.why, gone)
		}
	}
}

func TestMockersAreNotProbedInACell(t *testing.T) {
	worker := plan.Service{Name: "w", Gate: plan.Gate{Kind: plan.GateWorker}}
	external := plan.Service{Name: "etcd at h", Gate: plan.Gate{Kind: plan.GateHTTP}}
	for simulated, want := range map[bool]string{false: "w etcd at h", true: "etcd at h"} {
		m := New(Targets{Plan: plan.Plan{Simulated: simulated, Services: []plan.Service{worker}, External: []plan.Service{external}}})
		var names []string
		for _, s := range m.observed() {
			names = append(names, s.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("simulated %t: %q, want %q", simulated, got, want)
		}
	}
}

func TestRouting(t *testing.T) {
	frontend := func(argv []string, env ...string) plan.Plan {
		return plan.Plan{Services: []plan.Service{{Name: "frontend", Role: plan.Frontend, Argv: argv, Env: env}}}
	}
	balanced, urls := frontend(nil), frontend(nil)
	balanced.Balancer, urls.Load.URLs = "guide", []string{"http://a", "http://b"}
	for _, row := range []struct {
		why  string
		p    plan.Plan
		want verdict.Routing
	}{
		{"Dynamo's default", frontend([]string{"python", "-m", "dynamo.frontend"}), verdict.InTurn},
		{"turns by name", frontend([]string{"x", "--router-mode", "round-robin"}), verdict.InTurn},
		{"by the KV cache", frontend([]string{"x", "--router-mode", "kv"}), verdict.ByRouter},
		{"by the environment", frontend(nil, "DYN_ROUTER_MODE=kv"), verdict.ByRouter},
		{"by the last value of it", frontend(nil, "DYN_ROUTER_MODE=kv", "DYN_ROUTER_MODE=round-robin"), verdict.InTurn},
		{"the flag wins", frontend([]string{"x", "--router-mode", "round-robin"}, "DYN_ROUTER_MODE=kv"), verdict.InTurn},
		{"a balancer", balanced, verdict.Balanced},
		{"aiperf has several URLs", urls, verdict.ByClient},
	} {
		if got := routing(row.p); got != row.want {
			t.Errorf("%s: got %q, want %q", row.why, got, row.want)
		}
	}
}

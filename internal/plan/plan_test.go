package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/profiles"
)

func TestGoldens(t *testing.T) {
	for _, name := range []string{"disagg-1node", "agg-1node", "demo-disagg", "demo-agg"} { // the others have the same form
		t.Run(name, func(t *testing.T) {
			p := builtInPlan(t, name)
			p.Inherit = []string{"HOME", "PATH"}
			text, err := json.MarshalIndent(p, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".json", string(text)+"\n")
		})
	}
}

// Planning a profile twice must give one plan: nothing may depend on the order of a map.
func TestMakeIsPure(t *testing.T) {
	for _, name := range profiles.Names() {
		p := builtIn(t, name)
		p.Env = map[string]string{"A": "1", "B": "2", "C": "3", "D": "4"}
		first := planned(t, p)
		for range 20 {
			if diff := cmp.Diff(first, planned(t, p)); diff != "" {
				t.Fatalf("%s: two plans of one profile differ:\n%s", name, diff)
			}
		}
	}
}

// order is a plan's services in order of start: "/" between waves.
func order(p Plan) string {
	var waves []string
	for _, wave := range Waves(p.Services) {
		var names []string
		for _, s := range wave {
			names = append(names, s.Name)
		}
		waves = append(waves, strings.Join(names, " "))
	}
	return strings.Join(waves, " / ")
}

func TestWaves(t *testing.T) {
	for name, want := range map[string]string{
		"disagg-1node": "etcd nats / frontend prefill-0 prefill-1 prefill-2 prefill-3 decode-0",
		"agg-1node":    "aggregated-0 aggregated-1 / nginx",
		"demo-disagg":  "frontend prefill-0 prefill-1 prefill-2 prefill-3 decode-0",
		"demo-agg":     "frontend-0 aggregated-0 frontend-1 aggregated-1 / nginx",
	} {
		p := builtInPlan(t, name)
		if got := order(p); got != want {
			t.Errorf("%s starts as %s, want %s", name, got, want)
		}
		if !slices.IsSortedFunc(p.Services, func(a, b Service) int { return a.Wave - b.Wave }) {
			t.Errorf("%s: waves do not ascend: %v", name, order(p))
		}
	}
	if Waves(nil) != nil {
		t.Error("no services are a wave")
	}
}

// The load has ended; the balancer must not see its backends die, and workers
// deregister through etcd and NATS.
func TestStopOrder(t *testing.T) {
	ranks := [][]Role{{Balancer}, {Frontend}, {Prefill, Decode, Aggregated}, {Etcd, NATS}}
	for want, roles := range ranks {
		for _, r := range roles {
			if got := r.StopOrder(); got != want {
				t.Errorf("%s stops in rank %d, want %d", r, got, want)
			}
		}
	}
}

func TestGatesWantExactlyTheWorkersOfTheProfile(t *testing.T) {
	type want struct{ prefill, decode, aggregate int }
	for _, row := range []struct {
		profile, service string
		want
	}{
		{"disagg-1node", "frontend", want{4, 1, 0}},
		{"demo-disagg", "frontend", want{4, 1, 0}},
		{"demo-agg", "frontend-1", want{0, 0, 1}},
	} {
		g := service(t, builtInPlan(t, row.profile), row.service).Gate
		if got := (want{g.Prefill, g.Decode, g.Aggregate}); got != row.want || g.Kind != GateFrontend || g.Deadline == 0 {
			t.Errorf("%s of %s waits for %+v (%s within %s), want %+v", row.service, row.profile, got, g.Kind, g.Deadline, row.want)
		}
	}
	nginx := service(t, builtInPlan(t, "agg-1node"), "nginx")
	if nginx.Gate.Kind != GateListens {
		t.Errorf("nginx is asked by %s: the guide's ejects a backend when polled too early", nginx.Gate.Kind)
	}
}

// Every realm is of one launch: frontends of one profile must not see each other's workers.
func TestRealmsAreApart(t *testing.T) {
	p := builtInPlan(t, "demo-agg")
	seen := map[string]string{}
	for i := range 2 {
		front, worker := service(t, p, fmt.Sprintf("frontend-%d", i)), service(t, p, fmt.Sprintf("aggregated-%d", i))
		for _, name := range []string{"DYN_NAMESPACE", "DYN_FILE_KV"} {
			v := value(front, name)
			if v == "" || v != value(worker, name) {
				t.Errorf("pair %d: %s is %q and %q", i, name, v, value(worker, name))
			}
			if other, taken := seen[v]; taken {
				t.Errorf("%s %q is that of %s too", name, v, other)
			}
			seen[v] = front.Name
		}
		if strings.Contains(value(front, "DYN_NAMESPACE"), ".") {
			t.Error("Dynamo splits a namespace at dots")
		}
	}
}

func TestSmokeAsksEveryWorker(t *testing.T) {
	for _, name := range profiles.Names() {
		p := builtInPlan(t, name)
		var workers, counted []string
		for _, s := range p.Services {
			if s.Role.Worker() {
				workers = append(workers, s.Name)
			}
		}
		for _, c := range p.Smoke.Counters {
			counted = append(counted, c.Service)
		}
		if diff := cmp.Diff(workers, counted); diff != "" {
			t.Errorf("%s: workers and counters (-worker +counter):\n%s", name, diff)
		}
		if p.Smoke.Deadline <= p.Smoke.Patience || p.Smoke.Patience <= 0 {
			t.Errorf("%s: patience %s, deadline %s", name, p.Smoke.Patience, p.Smoke.Deadline)
		}
	}
}

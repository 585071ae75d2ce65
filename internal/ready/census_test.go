package ready

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/deploy"
	"topobench/internal/plan"
)

func worker(name, address string) plan.Service {
	return plan.Service{Name: name, Role: plan.Prefill, Gate: plan.Gate{Kind: plan.GateWorker, Address: address}}
}

// mute accepts connections and says nothing, as a stopped process does. It closes
// heard with the first connection.
func mute(t *testing.T) (address string, heard <-chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	called := make(chan struct{})
	go func() {
		defer close(called)
		if conn, err := l.Accept(); err == nil {
			t.Cleanup(func() { conn.Close() })
		}
	}()
	t.Cleanup(func() { l.Close() })
	return l.Addr().String(), called
}

func health() Health { return Health{deploy.NewProber()} }

func texts(absent []Absence) []string {
	var all []string
	for _, a := range absent {
		all = append(all, a.String())
	}
	return all
}

func TestStandingNamesWhoIsMissing(t *testing.T) {
	there := serve(t, still(state{"/health": {503, file(t, "prefill-health.txt")}}))
	left := serve(t, still(state{"/health": {503, `{"endpoints":{}}`}}))
	balancer := plan.Service{Name: "nginx", Gate: plan.Gate{Kind: plan.GateListens, Address: closed(t)}}
	for _, row := range []struct {
		why      string
		services []plan.Service
		want     []string
	}{
		{"all are there", []plan.Service{worker("prefill-0", there), worker("prefill-1", there)}, nil},
		{"one does not listen, one has left", []plan.Service{worker("prefill-0", closed(t)), worker("prefill-1", there), worker("prefill-2", left)},
			[]string{"prefill-0: does not answer", "prefill-2: generate is not registered"}},
		{"the frontend counts a worker less", []plan.Service{{Name: "frontend", Gate: gate2P1D(serve(t, still(recordedState(t, "2-1p1d"))))}},
			[]string{"frontend: instances: 1 of 2 prefill, 1 of 1 serving"}},
		{"the balancer is not asked", []plan.Service{balancer}, nil},
		{"nobody was planned", nil, nil},
	} {
		got := texts(health().Standing(t.Context(), row.services))
		if len(got)+len(row.want) > 0 && !cmp.Equal(got, row.want) {
			t.Errorf("%s: %q, want %q", row.why, got, row.want)
		}
	}
}

func TestStandingEndsWithItsContext(t *testing.T) {
	address, heard := mute(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-heard; cancel() }()
	if got := health().Standing(ctx, []plan.Service{worker("prefill-3", address)}); len(got) != 1 || got[0].Service != "prefill-3" {
		t.Errorf("got %q", got)
	}
}

// A stopped worker accepts and never answers: it is asked for no more than the limit.
func TestStandingDoesNotWaitForTheStopped(t *testing.T) {
	t.Parallel()
	a, _ := mute(t)
	b, _ := mute(t)
	began := time.Now()
	absent := health().Standing(t.Context(), []plan.Service{worker("prefill-0", a), worker("prefill-1", b)})
	got := texts(absent)
	if want := []string{"prefill-0: does not answer within 5s", "prefill-1: does not answer within 5s"}; !cmp.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, a := range absent {
		if !a.Late {
			t.Errorf("%s may be busy, it has not gone away", a)
		}
	}
	if took := time.Since(began); took > 2*censusLimit {
		t.Errorf("they were asked one after the other: %s", took)
	}
}

func TestAbsenceIsOneLine(t *testing.T) {
	if got := absence("x", fmt.Errorf("cannot read: %w", errors.New("a\nb"))); got.String() != "x: cannot read: a b" || got.Late {
		t.Errorf("got %q", got)
	}
}

func TestCounters(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "a_total %d\n", len(r.URL.Path))
	}))
	t.Cleanup(s.Close)
	counter := func(service, url, metric string) plan.Counter {
		return plan.Counter{Service: service, URL: url, Metric: metric}
	}
	good := []plan.Counter{counter("decode-0", s.URL+"/1", "a_total"), counter("decode-1", s.URL+"/12", "a_total")}
	got, err := health().Counters(t.Context(), good)
	if want := map[string]float64{"decode-0": 2, "decode-1": 3}; err != nil || !cmp.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	_, err = health().Counters(t.Context(), append(good, counter("decode-2", s.URL, "b_total"), counter("decode-3", "http://"+closed(t), "a_total")))
	if err == nil {
		t.Fatal("unreadable counters are no counts")
	}
	wantWords(t, "all at once", err.Error(), "requests of decode-2: no b_total in its metrics", "requests of decode-3: ")
}

// shared is a plan of n workers behind one frontend, or of a server each.
func shared(n int, router string, balancer bool) plan.Plan {
	p := plan.Plan{Choices: plan.Choices{Router: router}, Services: []plan.Service{{Name: "frontend", Role: plan.Frontend}}}
	if balancer {
		p.Balancer = "guide"
	}
	for i := range n {
		name := fmt.Sprintf("aggregated-%d", i)
		p.Services = append(p.Services, plan.Service{Name: name, Role: plan.Aggregated})
		p.Smoke.Counters = append(p.Smoke.Counters, plan.Counter{Service: name})
	}
	return p
}

func TestSpread(t *testing.T) {
	spread := shared(2, "", false)
	spread.Load.URLs = []string{"http://a", "http://b"}
	mixed := shared(2, "", false)
	mixed.Services = append(mixed.Services, plan.Service{Name: "decode-0", Role: plan.Decode})
	mixed.Smoke.Counters = append(mixed.Smoke.Counters, plan.Counter{Service: "decode-0"})
	const half = "far from an equal share"
	for _, row := range []struct {
		why         string
		p           plan.Plan
		concurrency int
		served      []float64 // by worker, in order
		want        string    // of the only fault; "" = none
	}{
		{"behind a frontend one is enough", shared(2, "", false), 2, []float64{23, 1}, ""},
		{"none is none", shared(2, "", false), 2, []float64{24, 0}, "aggregated-1 served none of 20 requests"},
		{"a counter that went back has not grown", shared(2, "", false), 2, []float64{24, -3}, "aggregated-1 served none"},
		{"fewer at once than workers", shared(4, "", false), 2, []float64{24, 0, 0, 0}, ""},
		{"a role is judged by its own number", mixed, 1, []float64{12, 0, 0}, "decode-0 served none of 10 requests"},
		{"a balancer may favour the faster one", shared(2, "", true), 2, []float64{20, 4}, ""},
		{"a balancer: a tenth of an equal share", shared(2, "", true), 16, []float64{184, 8}, ""},
		{"a balancer: less", shared(2, "", true), 16, []float64{185, 7}, "aggregated-1 served 7 of 160 requests, " + half},
		{"a balancer: none, one request at a time", shared(2, "", true), 1, []float64{0, 12}, "aggregated-0 served none of 10 requests"},
		{"a balancer before more servers than one request at a time could reach", shared(6, "", true), 1, []float64{12, 0, 0, 0, 0, 0}, ""},
		{"aiperf goes round", spread, 2, []float64{4, 20}, "aggregated-0 served 4 of 20 requests, " + half},
		{"a kv router with too few chances", shared(2, "kv", false), 3, []float64{36, 0}, ""},
		{"a kv router with twenty", shared(2, "kv", false), 4, []float64{48, 0}, "aggregated-1 served none of 40"},
		{"a kv router need not be even", shared(2, "kv", false), 4, []float64{47, 1}, ""},
		{"turns by name", shared(2, "round-robin", false), 2, []float64{24, 0}, "aggregated-1 served none"},
	} {
		served := map[string]float64{}
		for i, c := range row.p.Smoke.Counters {
			served[c.Service] = row.served[i]
		}
		got := Spread(row.p, row.concurrency, served)
		if row.want == "" && len(got) > 0 || row.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], row.want)) {
			t.Errorf("%s: %q, want %q", row.why, got, row.want)
		}
	}
}

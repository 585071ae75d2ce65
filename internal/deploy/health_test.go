package deploy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/host"
	"topobench/internal/plan"
	"topobench/internal/verdict"
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

func texts(failed []verdict.Unhealthy) []string {
	var all []string
	for _, a := range failed {
		all = append(all, a.String())
	}
	return all
}

func TestHealthNamesWhoIsMissing(t *testing.T) {
	there := serve(t, still(state{"/health": {503, file(t, "prefill-health.txt")}}))
	left := serve(t, still(state{"/health": {503, `{"endpoints":{}}`}}))
	balancer := plan.Service{Name: "nginx", Role: plan.Balancer, Gate: plan.Gate{Kind: plan.GateListens, Address: closed(t)}}
	for _, row := range []struct {
		why      string
		services []plan.Service
		want     []string
	}{
		{"all are there", []plan.Service{worker("prefill-0", there), worker("prefill-1", there)}, nil},
		{"one does not listen, one has left", []plan.Service{worker("prefill-0", closed(t)), worker("prefill-1", there), worker("prefill-2", left)},
			[]string{"prefill-0: does not answer", `prefill-2: generate is not registered`}},
		{"the frontend counts a worker less", []plan.Service{{Name: "frontend", Gate: gate2P1D(serve(t, still(recordedState(t, "2-1p1d"))))}},
			[]string{"frontend: instances: 1 of 2 prefill, 1 of 1 serving"}},
		{"the balancer is not asked", []plan.Service{balancer}, nil},
		{"an external server that only listens is probed", []plan.Service{{Name: "nats at h", Role: plan.NATS, Gate: plan.Gate{Kind: plan.GateListens, Address: closed(t)}}},
			[]string{"nats at h: "}},
		{"there is none", nil, nil},
	} {
		got := texts(NewProber(host.Local{}).Health(t.Context(), row.services))
		same := slices.EqualFunc(got, row.want, func(got, want string) bool {
			return got == want || strings.HasSuffix(want, ": ") && strings.HasPrefix(got, want)
		})
		if !same {
			t.Errorf("%s: %q, want %q", row.why, got, row.want)
		}
	}
}

func TestHealthEndsWithItsContext(t *testing.T) {
	address, heard := mute(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-heard; cancel() }()
	if got := NewProber(host.Local{}).Health(ctx, []plan.Service{worker("prefill-3", address)}); len(got) != 1 || got[0].Service != "prefill-3" {
		t.Errorf("got %q", got)
	}
}

// A stopped worker accepts and never answers: it is asked for no more than the limit.
func TestHealthDoesNotWaitForTheStopped(t *testing.T) {
	t.Parallel()
	a, _ := mute(t)
	b, _ := mute(t)
	began := time.Now()
	absent := NewProber(host.Local{}).Health(t.Context(), []plan.Service{worker("prefill-0", a), worker("prefill-1", b)})
	got := texts(absent)
	if want := []string{"prefill-0: does not answer within 5s", "prefill-1: does not answer within 5s"}; !cmp.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, a := range absent {
		if !a.Late {
			t.Errorf("%s may be busy, it has not gone away", a)
		}
	}
	if took := time.Since(began); took > 2*healthLimit {
		t.Errorf("they were asked one after the other: %s", took)
	}
}

func TestUnhealthyIsOneLine(t *testing.T) {
	if got := unhealthy("x", fmt.Errorf("cannot read: %w", errors.New("a\nb"))); got.String() != "x: cannot read: a; b" || got.Late {
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
	got, err := NewProber(host.Local{}).Counters(t.Context(), good)
	if want := map[string]float64{"decode-0": 2, "decode-1": 3}; err != nil || !cmp.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	_, err = NewProber(host.Local{}).Counters(t.Context(), append(good, counter("decode-2", s.URL, "b_total"), counter("decode-3", "http://"+closed(t), "a_total")))
	if err == nil {
		t.Fatal("unreadable counters are no counts")
	}
	wantWords(t, "all at once", err.Error(), "counter b_total of decode-2: it is not among its metrics", "of decode-3: ")
}

// A restart between two probes is visible only by who answers.
func TestF32IdentityOfExternalServers(t *testing.T) {
	nats := func(id string) plan.Service {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				fmt.Fprintf(conn, "INFO {\"server_id\":%q,\"version\":\"2.10\"} \r\n", id)
				conn.Close()
			}
		}()
		return plan.Service{Name: "nats at " + id, Role: plan.NATS, Gate: plan.Gate{Address: l.Addr().String()}}
	}
	metrics := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "# HELP process_start_time_seconds x\nprocess_start_time_seconds 1.79e+09\n")
	}))
	t.Cleanup(metrics.Close)
	etcd := plan.Service{Name: "etcd", Role: plan.Etcd, Gate: plan.Gate{Address: strings.TrimPrefix(metrics.URL, "http://")}}
	gone := plan.Service{Name: "gone", Role: plan.NATS, Gate: plan.Gate{Address: closed(t)}}
	got := NewProber(host.Local{}).Identity(t.Context(), []plan.Service{nats("NA"), nats("NB"), etcd, gone})
	if want := map[string]string{"nats at NA": "NA", "nats at NB": "NB", "etcd": "1.79e+09"}; !cmp.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

package deploy

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/host"
	"topobench/internal/plan"
)

// Prefill and decode both count requests. Only a transfer proves that decode
// did not compute the prompts itself.
func TestSmokeRequiresTransfers(t *testing.T) {
	for _, row := range []struct {
		why, metric string
		transfers   func(served int64) int64
		patience    time.Duration
		want        string // "" = content
	}{
		{"each request with a transfer", "nixl_count", func(served int64) int64 { return served }, 0, ""},
		{"the first without, as the router had not seen prefill yet", "nixl_count", func(served int64) int64 { return max(0, served-1) }, long, ""},
		{"none", "nixl_count", func(int64) int64 { return 0 }, 0, "decode-0 served without a transfer from prefill: it computed the prompts itself"},
		{"an engine that does not count transfers cannot be judged", "other_count", func(int64) int64 { return 0 }, 0, ""},
	} {
		t.Run(row.why, func(t *testing.T) {
			t.Parallel()
			err := smokeTransfers(t, row.patience, func(served int64) string {
				return fmt.Sprintf("requests_total %d\n%s %d\n", served, row.metric, row.transfers(served))
			})
			switch {
			case row.want == "" && err != nil:
				t.Error(err)
			case row.want != "" && err == nil:
				t.Error("the smoke is content")
			case row.want != "":
				wantWords(t, row.why, err.Error(), row.want)
			}
		})
	}
}

// A deadline that ends while transfers are awaited is no proof of them.
func TestSmokeEndsWithoutTransfers(t *testing.T) {
	err := smokeWithin(t, 500*time.Millisecond, long, func(served int64) string {
		return fmt.Sprintf("requests_total %d\nnixl_count 0\n", served)
	})
	if err == nil {
		t.Error("the smoke is content")
	}
}

// smokeTransfers runs Smoke against one decode worker, whose metrics depend on
// how many requests it has served.
func smokeTransfers(t *testing.T, patience time.Duration, metrics func(served int64) string) error {
	t.Helper()
	return smokeWithin(t, long, patience, metrics)
}

func smokeWithin(t *testing.T, deadline, patience time.Duration, metrics func(served int64) string) error {
	t.Helper()
	var served atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/metrics" {
			io.WriteString(w, metrics(served.Load()))
			return
		}
		served.Add(1)
		io.WriteString(w, chunk+done)
	}))
	t.Cleanup(s.Close)
	counter := func(metric string) []plan.Counter {
		return []plan.Counter{{Service: "decode-0", URL: s.URL + "/metrics", Metric: metric}}
	}
	smoke := plan.Smoke{URLs: []string{s.URL}, Patience: patience, Deadline: deadline, Counters: counter("requests_total"), Transfers: counter("nixl_count")}
	return NewProber(host.Local{}).Smoke(t.Context(), smoke, aiperf.Load{Model: "tiny", ISL: 20, OSL: 5}, func(string) {})
}

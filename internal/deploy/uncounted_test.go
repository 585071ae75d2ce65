package deploy

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/host"
	"topobench/internal/plan"
)

// A metric that no worker has is a fault of the profile: no waiting brings it.
func TestSmokeEndsWithoutTheMetricOfTheCounters(t *testing.T) {
	t.Parallel()
	c := &chat{answer: always(chunk + done)}
	s := httptest.NewServer(c)
	defer s.Close()
	smoke := plan.Smoke{URLs: []string{s.URL}, Patience: time.Hour, Deadline: time.Hour,
		Counters: []plan.Counter{{Service: "aggregated-0", URL: s.URL + "/metrics", Metric: "nope_total"}}}
	err := NewProber(host.Local{}).Smoke(t.Context(), smoke, aiperf.Load{Model: "tiny", ISL: 20, OSL: 5}, func(string) {})
	if err == nil || !strings.Contains(err.Error(), "the counter nope_total of aggregated-0") || !strings.Contains(err.Error(), "command.requests") {
		t.Error(err)
	}
	if c.served != required {
		t.Errorf("%d completions", c.served)
	}
}

// The load's scheme is not the server's: three tries show it.
func TestSmokeEndsWithTheOtherScheme(t *testing.T) {
	plain, tls := httptest.NewServer(http.NotFoundHandler()), httptest.NewTLSServer(http.NotFoundHandler())
	defer plain.Close()
	defer tls.Close()
	for url, want := range map[string]string{
		strings.Replace(plain.URL, "http:", "https:", 1): "write http://", strings.Replace(tls.URL, "https:", "http:", 1): "write https://",
	} {
		smoke := plan.Smoke{URLs: []string{url}, Patience: time.Hour, Deadline: time.Hour}
		err := NewProber(host.Local{}).Smoke(t.Context(), smoke, aiperf.Load{Model: "tiny", ISL: 20, OSL: 5}, func(string) {})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", url, err)
		}
	}
}

package deploy

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"topobench/internal/aiperf"
	"topobench/internal/host"
	"topobench/internal/plan"
)

// smokeOn sends one smoke to URLs; p has the network and the key.
func smokeOn(t *testing.T, p Prober, l aiperf.Load, s plan.Smoke) error {
	t.Helper()
	l.Model, l.ISL, l.OSL, s.Deadline = "tiny", 20, 5, long
	return p.Smoke(t.Context(), s, l, func(string) {})
}

// The smoke must prove what the load will do: its page and its headers.
func TestSmokeSendsTheLoadsHeadersToTheLoadsURL(t *testing.T) {
	for _, row := range []struct {
		why, key      string
		load          aiperf.Load
		path, allowed string
	}{
		{"perf.sh's", "", aiperf.Load{}, "/v1/chat/completions", "Bearer NOT USED"},
		{"another page", "", aiperf.Load{Endpoint: "/api/chat/completions"}, "/api/chat/completions", "Bearer NOT USED"},
		{"a key", "abc", aiperf.Load{Python: "/python"}, "/v1/chat/completions", "Bearer abc"},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != row.path || r.Header.Get("Authorization") != row.allowed || r.Header.Get("Accept") != "text/event-stream" {
				http.Error(w, fmt.Sprint(r.URL.Path, r.Header), http.StatusTeapot)
				return
			}
			fmt.Fprint(w, chunk+done)
		}))
		if err := smokeOn(t, NewProber(host.Local{}).Sending("", row.key), row.load, plan.Smoke{URLs: []string{s.URL}}); err != nil {
			t.Errorf("%s: %v", row.why, err)
		}
		s.Close()
	}
}

// onBoth are two servers on one port, of IPv4 and of IPv6, which count their requests.
func onBoth(t *testing.T) (port int, served map[string]*int) {
	t.Helper()
	served = map[string]*int{"127.0.0.1": new(int), "::1": new(int)}
	for _, address := range []string{"127.0.0.1", "::1"} {
		l, err := net.Listen("tcp", net.JoinHostPort(address, fmt.Sprint(port)))
		if err != nil {
			t.Fatalf("the test needs %s: %v", address, err)
		}
		port = l.Addr().(*net.TCPAddr).Port
		s := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			*served[address]++
			fmt.Fprint(w, chunk+done)
		})}}
		s.Start()
		t.Cleanup(s.Close)
	}
	return port, served
}

// A name may have an address of each version, with another server on each: the smoke goes to that of aiperf.
func TestC09SmokeGoesToTheAddressOfAIPerf(t *testing.T) {
	port, served := onBoth(t)
	for _, row := range []struct{ name, network, want string }{ // want "": aiperf reaches no server
		{"localhost", "", "127.0.0.1"}, {"localhost", "tcp4", "127.0.0.1"}, {"[::1]", "", ""}, {"[::1]", "tcp6", "::1"},
		{"127.0.0.1", "tcp6", ""}, {"127.0.0.1", "tcp", "127.0.0.1"}, {"[::1]", "tcp", "::1"},
	} {
		*served["127.0.0.1"], *served["::1"] = 0, 0
		smoke := plan.Smoke{URLs: []string{fmt.Sprintf("http://%s:%d", row.name, port)}}
		err := smokeOn(t, NewProber(host.Local{}).Sending(row.network, ""), aiperf.Load{}, smoke)
		if (err == nil) != (row.want != "") {
			t.Errorf("%s by %q: %v", row.name, row.network, err)
		}
		for address, n := range served {
			if (*n > 0) != (address == row.want) {
				t.Errorf("%s by %q: %s served %d", row.name, row.network, address, *n)
			}
		}
	}
}

// The blank after "data:" is optional in server-sent events.
func TestC12SmokeTakesEventsWithoutABlank(t *testing.T) {
	text := strings.ReplaceAll(chunk+done, "data: ", "data:")
	if err := (&chat{answer: always(text)}).smoke(t, t.Context(), 0, long); err != nil {
		t.Error(err)
	}
}

// A balancer gives up on a first completion that takes minutes, and counts it against the server: the servers behind
// it come first.
func TestC14ServersBehindABalancerComeFirst(t *testing.T) {
	var order []string
	server := func(name string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			order = append(order, name)
			fmt.Fprint(w, chunk+done)
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	smoke := plan.Smoke{URLs: []string{server("nginx")}, Direct: []string{server("aggregated-0")}}
	if err := smokeOn(t, NewProber(host.Local{}), aiperf.Load{}, smoke); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(order, " "); got != "aggregated-0 nginx" {
		t.Errorf("order: %s", got)
	}
}

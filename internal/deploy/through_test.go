package deploy

import (
	"context"
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/aiperf"
	"topobench/internal/host"
	"topobench/internal/plan"
)

// pods is another machine: it alone resolves the names of servers, NAME.pod, so that each connection that is not
// made through it fails.
type pods struct {
	mu    sync.Mutex
	to    map[string]string // name to address
	count map[string]int    // of the connections
}

func (p *pods) add(name, address string) (there string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.to == nil {
		p.to, p.count = map[string]string{}, map[string]int{}
	}
	p.to[name+".pod:80"] = address
	return name + ".pod:80"
}

func (p *pods) dial(ctx context.Context, network, address string) (net.Conn, error) {
	p.mu.Lock()
	to, known := p.to[address]
	p.count[address]++
	p.mu.Unlock()
	if !known {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	return new(net.Dialer).DialContext(ctx, network, to)
}

func (p *pods) dialled(address string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count[address]
}

// prober probes from there.
func (p *pods) prober() Prober {
	return NewProber(host.Local{Client: newClient(p.dial)}).Through(p.dial)
}

func TestGatesThroughAnotherMachine(t *testing.T) {
	var there pods
	frontend := there.add("frontend", serve(t, still(recordedState(t, "2-1p1d"))))
	worker := there.add("worker", serve(t, still(state{"/health": {503, file(t, "prefill-health.txt")}})))
	vllm := there.add("vllm", serve(t, still(state{"/health": {200, ""}, "/v1/models": {200, `{"data":[{"id":"tiny"}]}`}})))
	nats := there.add("nats", greets(t, 1<<20))
	absent := "absent.pod:80"
	tls := httptest.NewTLSServer(nil)
	t.Cleanup(tls.Close)
	secure := there.add("secure", strings.TrimPrefix(tls.URL, "https://"))
	gate := gate2P1D(frontend)
	gate.Prefill = 1
	for _, row := range []struct {
		gate plan.Gate
		says string // "" = open
	}{
		{gate, ""}, {plan.Gate{Kind: plan.GateWorker, Address: worker}, ""},
		{plan.Gate{Kind: plan.GateVLLM, Address: vllm, Model: "tiny"}, ""},
		{plan.Gate{Kind: plan.GateHTTP, Address: vllm, Path: "/health"}, ""},
		{plan.Gate{Kind: plan.GateListens, Address: worker}, ""},
		{plan.Gate{Kind: plan.GateListens, Address: nats, Payload: 1 << 10}, ""},
		{plan.Gate{Kind: plan.GateListens, Address: nats, Payload: 1 << 21}, "takes messages of 1048576 bytes"},
		{plan.Gate{Kind: plan.GateListens, Address: absent}, "connection refused"},
		{plan.Gate{Kind: plan.GateWorker, Address: absent}, ErrNoAnswer.Error()},
		{plan.Gate{Kind: plan.GateHTTP, Address: secure, Path: "/health"}, "the server speaks HTTPS"},
	} {
		before := there.dialled(row.gate.Address)
		err := there.prober().Gate(t.Context(), row.gate)
		if row.says == "" && err != nil || !strings.Contains(fmt.Sprint(err), row.says) {
			t.Errorf("%s at %s: %v", row.gate.Kind, row.gate.Address, err)
		}
		if there.dialled(row.gate.Address) == before {
			t.Errorf("%s at %s was not dialled from there", row.gate.Kind, row.gate.Address)
		}
	}
	services := []plan.Service{{Name: "frontend", Gate: gate}, {Name: "absent", Gate: plan.Gate{Kind: plan.GateWorker, Address: absent}}}
	if diff := cmp.Diff([]string{"absent: does not answer"}, texts(there.prober().Health(t.Context(), services))); diff != "" {
		t.Error(diff)
	}
	external := []plan.Service{{Name: "nats", Role: plan.NATS, Gate: plan.Gate{Address: nats}}}
	if diff := cmp.Diff(map[string]string{"nats": "NAB"}, there.prober().Identity(t.Context(), external)); diff != "" {
		t.Error(diff)
	}
}

// A model is listed, completions are sent and counters are read from there.
func TestSmokeThroughAnotherMachine(t *testing.T) {
	var there pods
	c := &chat{answer: always(chunk + done)}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	url := "http://" + there.add("frontend", strings.TrimPrefix(server.URL, "http://"))
	smoke := plan.Smoke{URLs: []string{url}, Patience: long, Deadline: long, Absent: time.Nanosecond,
		Counters: []plan.Counter{{Service: "prefill-0", URL: url + "/metrics", Metric: "requests_total"}}}
	load := aiperf.Load{Model: "tiny", ISL: 20, OSL: 5}
	if err := there.prober().Smoke(t.Context(), smoke, load, func(string) {}); err != nil {
		t.Fatal(err)
	}
	smoke.URLs, smoke.Patience = []string{"http://absent.pod:80"}, 0
	err := there.prober().Smoke(t.Context(), smoke, load, func(string) {})
	if err == nil || !strings.Contains(err.Error(), "no server answers at http://absent.pod:80") {
		t.Errorf("got %v", err)
	}
}

package deploy

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"

	"topobench/internal/plan"
)

const (
	// keptFor is how long a connection may stay unused: the watch of a cell probes every
	// service once a second, or 64 of them once in four, and a new connection each time
	// costs twice as much on both sides. Python's servers close one after 5 s.
	keptFor = 4500 * time.Millisecond
	// probeWithin is the limit of one HTTP request.
	probeWithin = 5 * time.Second
	bodyLimit   = 1 << 20 // bytes of an answer
)

// Prober probes the services of a plan: their gates and completions over HTTP, their request
// counters and logs through their host. Its methods may be called from several goroutines.
type Prober struct {
	client *http.Client
	host   Host            // this machine
	away   map[string]Host // the other hosts, by name

	dial    Dialer // of every connection
	network string // of completions: tcp4, tcp6 or tcp; "" = aiperf's default
	key     string // that completions send; "" = perf.sh's
}

// NewProber is a Prober of services on a host, without connections.
func NewProber(h Host) Prober {
	return Prober{client: NewClient(), host: h, dial: new(net.Dialer).DialContext}
}

// Dialer makes connections, from this machine or another one.
type Dialer func(ctx context.Context, network, address string) (net.Conn, error)

// Through is p with connections from another machine: its addresses are those that this machine reaches.
func (p Prober) Through(dial Dialer) Prober {
	p.client, p.dial = newClient(dial), dial
	return p
}

// Over is p with other hosts of the services, whose logs explain a gate that stays closed.
func (p Prober) Over(machines map[string]Machine) Prober {
	p.away = map[string]Host{}
	for name, m := range machines {
		p.away[name] = m.Host
	}
	return p
}

// on is the host of a service.
func (p Prober) on(name string) Host {
	if other, known := p.away[name]; known {
		return other
	}
	return p.host
}

// Sending is p with the network and the key of the load's requests.
func (p Prober) Sending(network, key string) Prober {
	p.network, p.key = network, key
	return p
}

// NewClient follows neither proxies nor redirects, and keeps its connections.
func NewClient() *http.Client { return newClient(nil) }

// newClient is such a client; without a dialer it connects from this machine.
func newClient(dial Dialer) *http.Client {
	return &http.Client{
		Timeout:       probeWithin,
		Transport:     &http.Transport{Proxy: nil, IdleConnTimeout: keptFor, DialContext: dial},
		CheckRedirect: noRedirect,
	}
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// ErrNoAnswer means that nothing listens on the address of a gate or counter.
var ErrNoAnswer = errors.New("does not answer yet")

// errNoModel: every instance is there, and still the frontend lists no model.
var errNoModel = errors.New("all instances are registered, but the model is not listed")

// Gate probes a gate once; nil = open.
func (p Prober) Gate(ctx context.Context, g plan.Gate) error {
	switch g.Kind {
	case plan.GateHTTP:
		return p.answers200(ctx, "http://"+g.Address+g.Path, false)
	case plan.GateListens:
		if g.Payload > 0 {
			return p.takes(ctx, g)
		}
		return p.listens(ctx, g.Address)
	case plan.GateWorker:
		return p.workerServes(ctx, g)
	case plan.GateVLLM, plan.GateServer:
		if err := p.answers200(ctx, "http://"+g.Address+cmp.Or(g.Path, "/health"), g.Kind == plan.GateServer); err != nil {
			return err
		}
		return noOtherModel(p.listsModel(ctx, g), g)
	case plan.GateFrontend:
		return p.frontendServes(ctx, g)
	}
	return fmt.Errorf("no such gate: %q", g.Kind)
}

// get returns the status and the body of an answer.
func (p Prober) get(ctx context.Context, url string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, err
	}
	resp, err := p.client.Do(req)
	if err != nil {
		if errors.Is(err, syscall.ECONNREFUSED) { // the normal state while a model is loaded
			return 0, nil, ErrNoAnswer
		}
		if late := net.Error(nil); errors.As(err, &late) && late.Timeout() {
			return 0, nil, err
		}
		return 0, nil, cmp.Or(p.overTLS(ctx, url), err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, bodyLimit))
	if resp.StatusCode == http.StatusBadRequest {
		err = cmp.Or(p.overTLS(ctx, url), err)
	}
	return resp.StatusCode, body, err
}

func (p Prober) answers200(ctx context.Context, url string, own bool) error {
	status, _, err := p.get(ctx, url)
	if err == nil && status != http.StatusOK {
		err = cmp.Or(final(url, status, own), fmt.Errorf("GET %s: %d", url, status))
	}
	return err
}

func (p Prober) listens(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	conn, err := p.dial(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}

// workerServes reads the endpoint, not the status: the health of Dynamo 1.6's mocker is
// "notready" while generate is ready and serves.
func (p Prober) workerServes(ctx context.Context, g plan.Gate) error {
	_, body, err := p.get(ctx, "http://"+g.Address+"/health")
	if err != nil {
		return err
	}
	var health struct {
		Endpoints map[string]string `json:"endpoints"`
	}
	if err := json.Unmarshal(body, &health); err != nil {
		return fmt.Errorf("cannot read /health of %s: %w", g.Address, err)
	}
	switch state := health.Endpoints["generate"]; state {
	case "ready":
		return nil
	case "":
		return errors.New("generate is not registered")
	default:
		return fmt.Errorf("generate is %q", state)
	}
}

func (p Prober) listsModel(ctx context.Context, g plan.Gate) error {
	page := cmp.Or(g.Models, "/v1/models")
	url := "http://" + g.Address + page
	status, body, err := p.get(ctx, url)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return cmp.Or(final(url, status, g.Kind == plan.GateServer), fmt.Errorf("GET %s: %d", url, status))
	}
	models, err := parseModels(body)
	if err != nil {
		return fmt.Errorf("cannot read %s of %s: %w", page, g.Address, err)
	}
	return modelListed(models, g.Model)
}

package ready

import (
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

// kept is how long a connection may stay unused: the watch of a cell asks everybody
// once a second, or 64 once in four, for which a new one each time costs twice as much
// on both sides. Python's servers close one after 5 s.
const kept = 4500 * time.Millisecond

// client asks children on loopback: no proxy, no redirects, no long wait.
var client = &http.Client{
	Timeout:   5 * time.Second,
	Transport: &http.Transport{Proxy: nil, IdleConnTimeout: kept},
	CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	},
}

const bodyLimit = 1 << 20

// errNoModel: every instance is there, and still the frontend lists no model.
var errNoModel = errors.New("all instances are registered, but the model is not listed")

var errNoAnswer = errors.New("does not answer yet")

// ask asks a gate once.
func ask(ctx context.Context, g plan.Gate) error {
	switch g.Kind {
	case plan.GateHTTP:
		return answers200(ctx, "http://"+g.Address+g.Path)
	case plan.GateListens:
		return listens(ctx, g.Address)
	case plan.GateWorker:
		return workerServes(ctx, g)
	case plan.GateVLLM:
		if err := answers200(ctx, "http://"+g.Address+"/health"); err != nil {
			return err
		}
		return listsModel(ctx, g)
	case plan.GateFrontend:
		return frontendServes(ctx, g)
	}
	return fmt.Errorf("no such gate: %q", g.Kind)
}

// get returns the status and the body of an answer.
func get(ctx context.Context, url string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		if errors.Is(err, syscall.ECONNREFUSED) { // the normal state while a model is loaded
			return 0, nil, errNoAnswer
		}
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, bodyLimit))
	return resp.StatusCode, body, err
}

func answers200(ctx context.Context, url string) error {
	status, _, err := get(ctx, url)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("GET %s: %d", url, status)
	}
	return err
}

func listens(ctx context.Context, address string) error {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}

// workerServes reads the endpoint, not the status: Dynamo 1.6's mocker says
// "notready" while generate is ready and serves.
func workerServes(ctx context.Context, g plan.Gate) error {
	_, body, err := get(ctx, "http://"+g.Address+"/health")
	if err != nil {
		return err
	}
	var health struct {
		Endpoints map[string]string `json:"endpoints"`
	}
	if err := json.Unmarshal(body, &health); err != nil {
		return fmt.Errorf("cannot read /health of %s: %w", g.Address, err)
	}
	if state := health.Endpoints["generate"]; state != "ready" {
		return fmt.Errorf("generate is %q", orUnknown(state))
	}
	return nil
}

func orUnknown(s string) string {
	if s == "" {
		return "not registered"
	}
	return s
}

func listsModel(ctx context.Context, g plan.Gate) error {
	status, body, err := get(ctx, "http://"+g.Address+"/v1/models")
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("GET /v1/models of %s: %d", g.Address, status)
	}
	models, err := parseModels(body)
	if err != nil {
		return fmt.Errorf("cannot read /v1/models of %s: %w", g.Address, err)
	}
	return modelListed(models, g.Model)
}

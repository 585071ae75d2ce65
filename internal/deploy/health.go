package deploy

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"topobench/internal/plan"
	"topobench/internal/verdict"
)

// healthLimit is how long one service may take to answer a probe: a stopped process
// accepts the connection and never answers.
const healthLimit = 5 * time.Second

// Health probes the gates of all services once, at the same time, and returns those that
// are not open: "prefill-3: does not answer". It leaves out the balancer, which is not to
// see connections without a request. No entry: all are healthy.
func (p Prober) Health(ctx context.Context, services []plan.Service) []verdict.Unhealthy {
	answers := make([]verdict.Unhealthy, len(services))
	var wait sync.WaitGroup
	for i, s := range services {
		if s.Role == plan.Balancer {
			continue
		}
		wait.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, healthLimit)
			defer cancel()
			if err := p.Gate(ctx, s.Gate); err != nil {
				answers[i] = unhealthy(s.Name, err)
			}
		})
	}
	wait.Wait()
	return slices.DeleteFunc(answers, func(u verdict.Unhealthy) bool { return u.Service == "" })
}

// unhealthy is why a gate that was open is not, in one line.
func unhealthy(service string, err error) verdict.Unhealthy {
	var late net.Error
	switch {
	case errors.Is(err, ErrNoAnswer):
		return verdict.Unhealthy{Service: service, Why: "does not answer"}
	case errors.As(err, &late) && late.Timeout():
		why := fmt.Sprintf("does not answer within %s", healthLimit)
		return verdict.Unhealthy{Service: service, Why: why, Late: true}
	}
	return verdict.Unhealthy{Service: service, Why: strings.Join(strings.Fields(err.Error()), " ")}
}

// Identity returns for each external etcd and NATS a value that changes when it restarts:
// NATS' server id, or etcd's start time. A service without an entry does not publish one.
func (p Prober) Identity(ctx context.Context, services []plan.Service) map[string]string {
	found := map[string]string{}
	for _, s := range services {
		ctx, cancel := context.WithTimeout(ctx, healthLimit)
		var id string
		var err error
		switch s.Role {
		case plan.NATS:
			id, err = natsID(ctx, s.Gate.Address)
		case plan.Etcd:
			id, err = p.startTime(ctx, s.Gate.Address)
		}
		cancel()
		if err == nil && id != "" {
			found[s.Name] = id
		}
	}
	return found
}

// natsID reads the first line that a NATS server sends: INFO {"server_id":"NAB...", ...}.
func natsID(ctx context.Context, address string) (string, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return "", err
		}
	}
	line, err := bufio.NewReader(io.LimitReader(conn, bodyLimit)).ReadString('\n')
	if err != nil {
		return "", err
	}
	var info struct {
		ID string `json:"server_id"`
	}
	err = json.Unmarshal([]byte(strings.TrimPrefix(line, "INFO ")), &info)
	return info.ID, err
}

// startTime reads process_start_time_seconds of a server's Prometheus text.
func (p Prober) startTime(ctx context.Context, address string) (string, error) {
	status, body, err := p.get(ctx, "http://"+address+"/metrics")
	if err != nil || status != http.StatusOK {
		return "", err
	}
	for line := range strings.Lines(string(body)) {
		if value, found := strings.CutPrefix(line, "process_start_time_seconds "); found {
			return strings.TrimSpace(value), nil
		}
	}
	return "", nil
}

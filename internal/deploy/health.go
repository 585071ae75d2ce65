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
	"topobench/internal/text"
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
				answers[i] = unhealthy(title(s), err)
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
	return verdict.Unhealthy{Service: service, Why: text.OneLine(err.Error())}
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
			var info natsInfo
			info, err = p.greeting(ctx, s.Gate.Address)
			id = info.ID
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

// natsInfo is what a NATS server reports about itself.
type natsInfo struct {
	ID      string `json:"server_id"`
	Payload int    `json:"max_payload"` // bytes of a message
}

// greeting reads the first line that a NATS server sends: INFO {"server_id":"NAB...", ...}.
func (p Prober) greeting(ctx context.Context, address string) (info natsInfo, err error) {
	conn, err := p.dial(ctx, "tcp", address)
	if err != nil {
		return info, err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return info, err
		}
	}
	line, err := bufio.NewReader(io.LimitReader(conn, bodyLimit)).ReadString('\n')
	if err != nil {
		return info, err
	}
	err = json.Unmarshal([]byte(strings.TrimPrefix(line, "INFO ")), &info)
	return info, err
}

// takes fails if a NATS server refuses messages of the size that the load needs.
func (p Prober) takes(ctx context.Context, g plan.Gate) error {
	ctx, cancel := context.WithTimeout(ctx, probeWithin)
	defer cancel()
	info, err := p.greeting(ctx, g.Address)
	if err != nil || info.Payload == 0 || info.Payload >= g.Payload {
		return err
	}
	return &FinalError{fmt.Sprintf("NATS at %s takes messages of %d bytes, and a request of the load has about %d",
		g.Address, info.Payload, g.Payload), "raise its max_payload, lower isl, or set discovery.nats to start"}
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

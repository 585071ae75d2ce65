package ready

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"topobench/internal/plan"
)

// idleServices names the services whose request counter is still zero or unreadable.
func idleServices(ctx context.Context, counters []plan.Counter) (idle []string) {
	for _, c := range counters {
		if n, err := read(ctx, c); err != nil || n == 0 {
			idle = append(idle, c.Service)
		}
	}
	return idle
}

// A worker counts a request a moment after its last byte; another round would
// cost a whole completion.
const (
	settleWithin = 300 * time.Millisecond
	settleEvery  = 10 * time.Millisecond
)

// waitForCounters names the idle services, as soon as there are none or after settleWithin.
func waitForCounters(ctx context.Context, counters []plan.Counter) []string {
	for began := time.Now(); ; {
		idle := idleServices(ctx, counters)
		if len(idle) == 0 || time.Since(began) > settleWithin || ctx.Err() != nil {
			return idle
		}
		time.Sleep(settleEvery)
	}
}

// transferWithin is longer: vLLM adds a transfer to its metrics after the engine has
// finished a step, which takes its time on a busy machine.
const transferWithin = 2 * time.Second

// servedWithoutTransfer fails with the names of the workers that have served, and not one
// request of them with a KV cache from a prefill worker. It cannot judge a worker whose
// metrics have no such counter (an older vLLM).
func servedWithoutTransfer(ctx context.Context, transfers []plan.Counter, idle []string) error {
	var served []plan.Counter
	for _, c := range transfers {
		if !slices.Contains(idle, c.Service) {
			served = append(served, c)
		}
	}
	for began := time.Now(); ; time.Sleep(settleEvery) {
		names := withZero(ctx, served)
		if len(names) == 0 {
			return nil
		}
		if time.Since(began) > transferWithin || ctx.Err() != nil {
			return fmt.Errorf("%s served without a transfer from prefill: it computed the prompts itself",
				strings.Join(names, ", "))
		}
	}
}

// withZero names the services whose metrics have the counter, at zero.
func withZero(ctx context.Context, counters []plan.Counter) []string {
	var names []string
	for _, c := range counters {
		if n, err := read(ctx, c); err == nil && n == 0 {
			names = append(names, c.Service)
		}
	}
	return names
}

// Count sums the samples of a counter in Prometheus text. A sample with the label
// dynamo_endpoint counts only if that is "generate": a worker has other endpoints, for
// the router's own requests.
func Count(text, metric string) float64 {
	var sum float64
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, metric)
		if !ok || rest == "" || rest[0] != '{' && rest[0] != ' ' {
			continue
		}
		end := strings.LastIndexByte(rest, '}')
		labels, value := rest[:end+1], strings.Fields(rest[end+1:])
		if strings.Contains(labels, "dynamo_endpoint=") && !strings.Contains(labels, `dynamo_endpoint="generate"`) {
			continue
		}
		if len(value) > 0 {
			n, err := strconv.ParseFloat(value[0], 64)
			if err == nil {
				sum += n
			}
		}
	}
	return sum
}

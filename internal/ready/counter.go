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

// unmoved names the services whose request counter is still zero or unreadable.
func unmoved(ctx context.Context, counters []plan.Counter) []string {
	var idle []string
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

// settled is unmoved, asked until all have moved or the counters had their moment.
func settled(ctx context.Context, counters []plan.Counter) []string {
	for began := time.Now(); ; {
		idle := unmoved(ctx, counters)
		if len(idle) == 0 || time.Since(began) > settleWithin || ctx.Err() != nil {
			return idle
		}
		time.Sleep(settleEvery)
	}
}

// transferWithin is longer: vLLM adds a transfer to its metrics when the engine
// has finished a step, which a busy machine takes its time with.
const transferWithin = 2 * time.Second

// alone names the workers that have served, and not one request of them with a
// KV cache from a prefill worker. One whose metrics have no such counter (an older
// vLLM) cannot be judged.
func alone(ctx context.Context, transfers []plan.Counter, idle []string) error {
	var served []plan.Counter
	for _, c := range transfers {
		if !slices.Contains(idle, c.Service) {
			served = append(served, c)
		}
	}
	for began := time.Now(); ; time.Sleep(settleEvery) {
		names := without(ctx, served)
		if len(names) == 0 {
			return nil
		}
		if time.Since(began) > transferWithin || ctx.Err() != nil {
			return fmt.Errorf("%s served without a transfer from prefill: it computed the prompts itself", strings.Join(names, ", "))
		}
	}
}

// without names the services whose metrics have the counter, at zero.
func without(ctx context.Context, counters []plan.Counter) []string {
	var names []string
	for _, c := range counters {
		if n, err := read(ctx, c); err == nil && n == 0 {
			names = append(names, c.Service)
		}
	}
	return names
}

// Count sums the samples of a counter in Prometheus text. Of samples that have
// the label dynamo_endpoint only those of "generate" count: a worker has other
// endpoints that answer the router's own questions.
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

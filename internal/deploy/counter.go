package deploy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"topobench/internal/host"
	"topobench/internal/plan"
)

// Counters reads how many requests each service has counted since its start, by the name
// of the service. A counter that is not there is an error, beside the others: after the
// smoke test every worker has one.
func (p Prober) Counters(ctx context.Context, counters []plan.Counter) (map[string]float64, error) {
	var urls []string
	for _, c := range counters {
		urls = append(urls, c.URL)
	}
	look, err := p.host.Look(ctx, host.Question{Pages: urls})
	if err != nil {
		return nil, fmt.Errorf("cannot read the counters of the workers: %w", err)
	}
	counts := map[string]float64{}
	for _, c := range counters {
		page, fault := look.Pages[c.URL], ""
		switch {
		case page.Fault != "":
			fault = page.Fault
		case page.Code != http.StatusOK:
			fault = fmt.Sprintf("GET %s: %d", c.URL, page.Code)
		case !strings.Contains(string(page.Text), c.Metric):
			fault = "it is not among its metrics"
		default:
			counts[c.Service] = Count(string(page.Text), c.Metric)
			continue
		}
		err = errors.Join(err, fmt.Errorf("cannot read the counter %s of %s: %s", c.Metric, counted(c), fault))
	}
	return counts, err
}

// counted is the title of a counter's service.
func counted(c plan.Counter) string { return title(plan.Service{Name: c.Service, Host: c.Host}) }

const (
	// A worker counts a request a moment after its last byte; another round would cost a
	// whole completion.
	countedWithin = 300 * time.Millisecond
	countedEvery  = 10 * time.Millisecond
	// transferredWithin is longer: vLLM adds a transfer to its metrics when the engine has
	// finished a step, which takes longer on a busy machine.
	transferredWithin = 2 * time.Second
)

// awaitCounters returns the titles of the services whose counter is still zero or unreadable once all
// others have moved or the counters had their moment. unread is why some were unreadable.
func (p Prober) awaitCounters(ctx context.Context, counters []plan.Counter) (idle []string, unread error) {
	for began := time.Now(); ; time.Sleep(countedEvery) {
		idle = nil
		counts, unread := p.Counters(ctx, counters)
		for _, c := range counters {
			if counts[c.Service] == 0 {
				idle = append(idle, counted(c))
			}
		}
		if len(idle) == 0 || time.Since(began) > countedWithin || ctx.Err() != nil {
			return idle, unread
		}
	}
}

// awaitTransfers fails if a worker that is not idle has served every request without a KV
// cache from a prefill worker. It cannot judge a worker whose metrics lack the counter (an
// older vLLM).
func (p Prober) awaitTransfers(ctx context.Context, transfers []plan.Counter, idle []string) error {
	for began := time.Now(); ; time.Sleep(countedEvery) {
		var alone []string
		counts, _ := p.Counters(ctx, transfers) // an unreadable one is not judged
		for _, c := range transfers {
			if n, read := counts[c.Service]; read && n == 0 && !slices.Contains(idle, counted(c)) {
				alone = append(alone, counted(c))
			}
		}
		switch {
		case len(alone) == 0 && len(transfers) > 0 && len(idle) == 0:
			return context.Cause(ctx) // once it has ended, no counter can be read
		case len(alone) == 0:
			return nil
		}
		if time.Since(began) > transferredWithin || ctx.Err() != nil {
			return fmt.Errorf("%s served without a transfer from prefill: it computed the prompts itself",
				strings.Join(alone, ", "))
		}
	}
}

// Count sums the samples of a counter in Prometheus text. A sample with the label
// dynamo_endpoint counts only if that is "generate": the other endpoints of a worker
// serve the router.
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

package ready

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"topobench/internal/plan"
)

// unmoved names the services whose request counter is still zero or unreadable.
func unmoved(ctx context.Context, counters []plan.Counter) []string {
	var idle []string
	for _, c := range counters {
		status, body, err := get(ctx, c.URL)
		if err != nil || status != http.StatusOK || Count(string(body), c.Metric) == 0 {
			idle = append(idle, c.Service)
		}
	}
	return idle
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

package monitor

import (
	"topobench/internal/plan"
	"topobench/internal/verdict"
)

// transfers are the KV caches that each decode worker fetched between two snapshots; nil = there are none to fetch. An
// engine without the counter leaves the reason.
func transfers(p plan.Plan, before, after snapshot) *verdict.Traffic {
	if len(p.Smoke.Transfers) == 0 {
		return nil
	}
	return gained(p, p.Smoke.Transfers, before.moved, after.moved, before.unmoved, after.unmoved)
}

// gained is what the counters gained between two snapshots, with the first reason why they could not be read.
func gained(p plan.Plan, counters []plan.Counter, before, after map[string]float64, unread ...error,
) *verdict.Traffic {
	t := &verdict.Traffic{}
	for _, err := range unread {
		if err != nil && t.Unread == "" {
			t.Unread = err.Error()
		}
	}
	for _, c := range counters {
		t.Workers = append(t.Workers, verdict.Worker{Service: title(p, c.Service),
			Served: after[c.Service] - before[c.Service]})
	}
	return t
}

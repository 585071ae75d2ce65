package run

import (
	"context"
	"fmt"
	"strings"
	"time"

	"topobench/internal/plan"
	"topobench/internal/ready"
	"topobench/internal/verdict"
)

// A service is believed gone when it was missing in so many questions, of which
// the last began within that time: a missing heartbeat comes back.
const (
	flapAsks   = 3
	flapWithin = 2 * time.Second
	flapPause  = 500 * time.Millisecond
)

// census is a topology at one moment. Where somebody is missing, nothing is read.
type census struct {
	missing []ready.Absence    // services whose gates are not open
	flapped []ready.Absence    // services that were missing at first, and then were not
	served  map[string]float64 // requests by worker since its start
	unread  error              // why served is not known
}

// census asks until nobody is missing, at most so many times.
func (c *Campaign) census(ctx context.Context, p plan.Plan, asks int) census {
	began := time.Now()
	missing := c.Standing(ctx, p.Services)
	first := missing
	for asked := 1; len(missing) > 0 && asked < asks && ctx.Err() == nil; asked++ {
		if time.Since(began)+flapPause > flapWithin {
			break
		}
		select {
		case <-ctx.Done():
		case <-time.After(flapPause):
			missing = c.Standing(ctx, p.Services)
		}
	}
	if ctx.Err() != nil { // what was asked then says nothing
		cause, _, _ := strings.Cut(context.Cause(ctx).Error(), "\n")
		missing = []ready.Absence{{Service: "the topology", Why: cause}}
	}
	if len(missing) > 0 {
		return census{missing: missing}
	}
	served, err := c.Counters(ctx, p.Smoke.Counters)
	return census{flapped: first, served: served, unread: err}
}

// attendance judges a cell by who was there and by what each worker served in it.
// A plan without services, or without counters, is not judged by them. Of a cell
// that aiperf did not finish the shares tell nothing.
func attendance(p plan.Plan, concurrency int, before, after census, finished bool) []verdict.Check {
	var checks []verdict.Check
	switch {
	case len(p.Services) == 0:
	case len(after.missing) > 0:
		absent := AbsentError{"after", after.missing}
		return append(checks, verdict.Check{Name: workers, State: verdict.Invalid, Detail: absent.Error()})
	default:
		checks = append(checks, verdict.Check{Name: workers, State: verdict.Valid,
			Detail: fmt.Sprintf("all %d services were there before and after", len(p.Services))})
	}
	if len(p.Smoke.Counters) > 0 && finished {
		checks = append(checks, spread(p, concurrency, before, after))
	}
	return checks
}

// spread judges what each worker served between two readings.
func spread(p plan.Plan, concurrency int, before, after census) verdict.Check {
	const name = spreads
	for _, unread := range []error{before.unread, after.unread} {
		if unread != nil {
			return verdict.Check{Name: name, State: verdict.Unchecked, Detail: strings.ReplaceAll(unread.Error(), "\n", "; ")}
		}
	}
	served := map[string]float64{}
	var counts []string
	for _, w := range p.Smoke.Counters {
		served[w.Service] = after.served[w.Service] - before.served[w.Service]
		counts = append(counts, fmt.Sprintf("%s %g", w.Service, served[w.Service]))
	}
	detail := "requests with warm-up: " + strings.Join(counts, ", ")
	if faults := ready.Spread(p, concurrency, served); len(faults) > 0 {
		return verdict.Check{Name: name, State: verdict.Invalid, Detail: strings.Join(faults, "; ") + " (" + detail + ")"}
	}
	return verdict.Check{Name: name, State: verdict.Valid, Detail: detail}
}

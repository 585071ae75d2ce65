package run

import (
	"context"
	"time"

	"topobench/internal/plan"
	"topobench/internal/ready"
)

// While a cell runs each gate is asked so often, but no more than so many in a second:
// to watch must not disturb. A service whose gate was not open for so many times in a
// row is gone; a process that ends is seen at once, elsewhere.
const (
	watchEvery = time.Second
	watchMost  = 16
	watchAsks  = 3
)

// watch ends the context that it returns, with *AbsentError as the cause, when a
// service is gone. stop returns when nobody is asked any more.
func (c *Campaign) watch(ctx context.Context, services []plan.Service) (watched context.Context, stop func()) {
	watched, end := context.WithCancelCause(ctx)
	seen := streaks{}
	pace := max(watchEvery, time.Duration(len(services))*time.Second/watchMost)
	halt := every(watched, pace, func(ctx context.Context) {
		gone := seen.add(c.Standing(ctx, services))
		if len(gone) > 0 && ctx.Err() == nil {
			end(&AbsentError{When: "in", Absent: gone})
		}
	})
	return watched, func() { end(nil); halt() }
}

// observed are the services that the watch of a cell asks. Dynamo's mocker answers
// 503 on its health while it is well, and logs an error each time: whether it is
// there its frontend tells.
func observed(p plan.Plan) []plan.Service {
	var services []plan.Service
	for _, s := range p.Services {
		if !p.Simulated || s.Gate.Kind != plan.GateWorker {
			services = append(services, s)
		}
	}
	return services
}

// streaks counts in how many questions in a row a service was missing.
type streaks map[string]int

// add takes in an answer and names who is gone. A service that took the question
// and did not answer in time may be busy with the load; if it hangs, requests
// complete no more, and that is seen elsewhere.
func (s streaks) add(missing []ready.Absence) (gone []ready.Absence) {
	before := map[string]int{}
	for name, n := range s {
		before[name] = n
	}
	clear(s)
	for _, a := range missing {
		if a.Late {
			continue
		}
		s[a.Service] = before[a.Service] + 1
		if s[a.Service] >= watchAsks {
			gone = append(gone, a)
		}
	}
	return gone
}

package verdict

import (
	"fmt"
	"strings"
)

// Limits of what the workers of a cell must have served.
const (
	// chances is how many requests a worker may expect on average before none at all is
	// no accident: of 20 the probability is 2e-9.
	chances = 20
	// aiperf goes round the servers in turn.
	shareByClient = 0.5
	// A balancer by least connections favours the faster worker, which on a starved
	// machine gave 24 to 4 and is no fault; a server that it has ejected gets nothing.
	shareBalanced = 0.1
	// Counts above this multiple of what aiperf sent, and one late smoke request for each
	// worker, are another client's load.
	overcount = 1.1
)

// spread judges what each worker served. A cell that aiperf did not finish has no shares.
func spread(c cell) []finding {
	t := c.e.Traffic
	if t == nil || c.e.AIPerf.Problem != "" || c.endsLaunch() {
		return nil
	}
	if t.Uncounted != "" {
		return one(NotMade, t.Uncounted)
	}
	if t.Unread != "" {
		return one(Unchecked, strings.ReplaceAll(t.Unread, "\n", "; "))
	}
	var counts []string
	for _, w := range t.Workers {
		counts = append(counts, fmt.Sprintf("%s %g", w.Service, w.Served))
	}
	detail := "requests with warm-up: " + strings.Join(counts, ", ")
	if faults := t.faults(c.load, c.allServed()); len(faults) > 0 {
		return one(Invalid, strings.Join(faults, "; ")+" ("+detail+")")
	}
	return one(Valid, detail)
}

// transfers judges the KV caches that each decode worker of a cell fetched.
func transfers(c cell) []finding {
	t := c.e.Transfers
	if t == nil || c.e.AIPerf.Problem != "" || c.endsLaunch() {
		return nil
	}
	if t.Unread != "" {
		return one(Unchecked, "cannot count the KV caches that prefill workers sent: "+
			strings.ReplaceAll(t.Unread, "\n", "; "))
	}
	var alone []string
	var all float64
	for _, w := range t.Workers {
		all += w.Served
		if w.Served == 0 && c.e.Traffic.served(w.Service) > 0 {
			alone = append(alone, w.Service)
		}
	}
	if len(alone) > 0 {
		return one(Invalid, strings.Join(alone, ", ")+" served without a KV cache from a prefill worker")
	}
	return one(Valid, fmt.Sprintf("%g KV caches went from prefill to decode workers", all))
}

// served is how many requests a worker counted.
func (t *Traffic) served(service string) float64 {
	if t == nil {
		return 0
	}
	for _, w := range t.Workers {
		if w.Service == service {
			return w.Served
		}
	}
	return 0
}

// endsLaunch reports that a failure explains whatever the workers served.
func (c cell) endsLaunch() bool {
	return c.e.Died != "" || stoppedServing(c.e) || len(ejected(c)) > 0 || len(workerDied(c)) > 0
}

// faults names workers without their share, and totals that another server or client
// explains: on a port that two servers share (SO_REUSEPORT), or on the workers. Only if all
// requests were answered is another server the reason for a low total.
func (t Traffic) faults(load Load, allServed bool) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	var all float64
	for _, w := range t.Workers {
		if !w.Prefill {
			all += w.Served
		}
		switch least := t.least(load, t.peers(w.Role)); {
		case w.Served >= least:
		case w.Served <= 0:
			fault("%s served none of %d requests", w.Service, load.Requests)
		default:
			fault("%s served %g of %d requests, far from an equal share", w.Service, w.Served, load.Requests)
		}
	}
	if allServed && len(faults) == 0 && len(t.Workers) > 0 && all < float64(load.Requests) {
		fault("the workers served only %g of %d requests: another server answered the others", all, load.Requests)
	}
	if sent := load.Requests + load.Warmup; all > overcount*float64(sent)+float64(len(t.Workers)) {
		fault("the workers served %g requests, and aiperf sent %d: another client used them", all, sent)
	}
	return faults
}

// least is how many requests each of the workers of a role must have served. It is 0
// where fewer requests run at once than the role has workers, which cannot keep all busy,
// and where a router that does not go round gave too few chances.
func (t Traffic) least(load Load, workers int) float64 {
	own := t.Routing == Balanced || t.Routing == ByClient
	switch {
	case t.Routing == ByClient && load.Requests >= 2*workers:
		return shareByClient * float64(load.Requests) / float64(workers)
	case own && load.Requests >= 2*workers:
		return max(1, shareBalanced*float64(load.Requests)/float64(workers))
	case own, load.Concurrency < workers, t.Routing == ByRouter && load.Requests < chances*workers:
		return 0
	}
	return 1
}

// peers is how many workers share a role.
func (t Traffic) peers(role string) (n int) {
	for _, w := range t.Workers {
		if w.Role == role {
			n++
		}
	}
	return n
}

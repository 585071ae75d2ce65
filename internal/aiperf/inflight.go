package aiperf

import (
	"cmp"
	"slices"
)

// inFlight is the largest number of requests that were under way at one time.
func inFlight(all []request) int {
	var changes []change
	for _, r := range all {
		if r.sent < r.end {
			changes = append(changes, change{r.sent, 1, r.waited, r.worker}, change{r.end, -1, false, r.worker})
		}
	}
	return overlap(changes)
}

// change is the begin or the end of a request.
type change struct {
	at     int64 // ns
	delta  int
	waited bool // for a connection
	worker string
}

// connections are those of one worker of aiperf.
type connections struct {
	used, free int
	late       int // requests that have ended, and whose end is not recorded yet
}

// overlap is the largest number of requests at one time. A request that waited has the connection of one that ended
// before, but a client without enough CPU time records that end late. Such an end counts when the connection is taken:
// else 4 connections would look like 7 requests.
func overlap(changes []change) (most int) {
	slices.SortFunc(changes, func(a, b change) int { return cmp.Or(cmp.Compare(a.at, b.at), a.delta-b.delta) })
	now, workers := 0, map[string]*connections{}
	for _, c := range changes {
		of := workers[c.worker]
		if of == nil {
			of = &connections{}
			workers[c.worker] = of
		}
		switch {
		case c.delta < 0 && of.late > 0:
			of.late--
			continue
		case c.delta < 0:
			of.free++
		case c.waited && of.free == 0 && of.used > 0:
			of.late++
			continue
		default:
			of.free = max(0, of.free-1)
		}
		of.used += c.delta
		now += c.delta
		most = max(most, now)
	}
	return most
}

package aiperf

import (
	"cmp"
	"errors"
	"io/fs"
	"slices"
)

// InFlight is the largest number of measured requests that were under way at one time, from a
// profile_export.jsonl. A request that waits for a connection is not under way yet: aiperf's own
// effective_concurrency counts it. recorded is false without the file, and where aiperf does not
// record the wait (before 0.6).
func InFlight(jsonl string) (most int, recorded bool, err error) {
	var changes []change
	for r, err := range records(jsonl) {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return 0, false, nil
		case err != nil:
			return 0, false, err
		case r.Metadata.Phase != "profiling":
			continue
		}
		sent, worker, waited := r.Metadata.Start, r.Metadata.Worker, false
		if wait := r.Metrics.Blocked; wait != nil {
			recorded, waited = true, wait.Value > 0
			sent += int64(wait.Value * 1e6)
		}
		if sent < r.Metadata.End {
			changes = append(changes, change{sent, 1, waited, worker}, change{r.Metadata.End, -1, false, worker})
		}
	}
	return overlap(changes), recorded, nil
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

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
	type change struct {
		at    int64 // ns
		delta int
	}
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
		sent := r.Metadata.Start
		if wait := r.Metrics.Blocked; wait != nil {
			recorded = true
			sent += int64(wait.Value * 1e6)
		}
		if sent < r.Metadata.End {
			changes = append(changes, change{sent, 1}, change{r.Metadata.End, -1})
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Or(cmp.Compare(a.at, b.at), a.delta-b.delta) })
	now := 0
	for _, c := range changes {
		now += c.delta
		most = max(most, now)
	}
	return most, recorded, nil
}

package aiperf

import (
	"fmt"
	"time"
)

// stall notices that a cell has hung. It cannot without a record file, and does not once
// all requests are in, while aiperf writes its results: only the deadline holds then.
type stall struct {
	Limits
	began     time.Time
	completed int
	since     time.Time // of the last completed request
}

func newStall(l Limits, now time.Time) stall { return stall{Limits: l, began: now, since: now} }

// check returns why the cell has hung, or "". server reports whether the requests hang,
// rather than aiperf itself.
func (s *stall) check(p Progress, now time.Time) (why string, server bool) {
	if p.Asked == 0 {
		if s.Records > 0 && now.Sub(s.began) > s.Records {
			return fmt.Sprintf("aiperf hangs: no %s %s after its start", RecordsName, s.Records), false
		}
		return "", false
	}
	if n := p.Warm + p.Done; n != s.completed {
		s.completed, s.since = n, now
	}
	limit := s.Next
	if s.completed == 0 {
		limit = s.First
	}
	if p.Done >= p.Asked || now.Sub(s.since) <= limit {
		return "", false
	}
	return fmt.Sprintf("stalled: no request has completed for %s (%d of %d had)", limit, p.Done, p.Asked), true
}

package aiperf

import (
	"fmt"
	"time"
)

// stall watches whether requests complete. Without a file that tells them, and
// once all are in, only the deadline holds: aiperf then writes its results.
type stall struct {
	first, next time.Duration // see plan.Load.Stall
	seen        int
	since       time.Time
}

func newStall(j Job, now time.Time) stall {
	first, next := j.Load.Stall(j.Concurrency)
	return stall{first: first, next: next, since: now}
}

// look says that requests complete no more; "" = they do, or nobody can tell.
func (s *stall) look(p Progress, now time.Time) string {
	if n := p.Warm + p.Done; n != s.seen {
		s.seen, s.since = n, now
	}
	limit := s.next
	if s.seen == 0 {
		limit = s.first
	}
	if p.Asked == 0 || p.Done >= p.Asked || now.Sub(s.since) <= limit {
		return ""
	}
	return fmt.Sprintf("stalled: no request has completed for %s (%d of %d had)", limit, p.Done, p.Asked)
}

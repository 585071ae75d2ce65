package aiperf

import "time"

// Slowest rates still waited for: beyond them a cell has hung. A request may
// take slowestToken for each token it writes, and all of them together move at
// slowestRate tokens a second.
const (
	slowestToken = 500 * time.Millisecond
	slowestRate  = 500
	cellSlack    = 10 * time.Minute
)

// Before its first request aiperf starts its services, to which LoadEnv gives
// 300 s, and makes up the prompts.
const (
	loadStart      = 5 * time.Minute
	slowestPrompts = 20_000 // tokens a second
	stallSlack     = time.Minute
	batch          = 100 // records that aiperf keeps back, where it does (AIPERF_RECORD_EXPORT_BATCH_SIZE)
)

// Deadline is how long the cell of concurrency c may take.
func (l Load) Deadline(c int) time.Duration {
	if l.Timeout > 0 {
		return l.Timeout
	}
	return cellSlack + l.slowest(c, l.Requests(c)+l.Warmup(c))
}

// Stall is how long no further request of the cell of concurrency c may be seen to
// complete before it has hung: first, from the start of aiperf to the first one,
// and next, from then on. What aiperf keeps back is not seen, nor by aiperf that
// does so is the warm-up.
func (l Load) Stall(c int) (first, next time.Duration) {
	unseen, warmup := c, 0
	if l.Batched {
		unseen, warmup = max(c, min(batch, l.Requests(c))), l.Warmup(c)
	}
	next = l.Progress
	if next == 0 {
		next = stallSlack + l.slowest(c, unseen)
	}
	prompts := time.Duration(12*c*l.ISL/slowestPrompts) * time.Second
	return loadStart + prompts + l.slowest(c, warmup) + next, next
}

// slowest is how long so many requests may take, c at once.
func (l Load) slowest(c, requests int) time.Duration {
	waves := (requests + c - 1) / c
	inTurn := time.Duration(waves*l.OSL) * slowestToken
	together := time.Duration(requests*(l.ISL+l.OSL)/slowestRate) * time.Second
	return max(inTurn, together)
}

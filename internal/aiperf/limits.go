package aiperf

import "time"

// The slowest rates of a server that still works: a cell below them has hung. A request
// may take slowestToken for each token of its output, and all requests together move at
// slowestRate tokens a second.
const (
	slowestToken = 500 * time.Millisecond
	slowestRate  = 500
	cellSlack    = 10 * time.Minute
)

// Before its first request aiperf starts its services, which its environment gives
// 300 s, and generates the prompts.
const (
	loadStart      = 5 * time.Minute
	slowestPrompts = 20_000 // tokens a second
	stallSlack     = time.Minute
	batch          = 100 // records that a batching aiperf holds back (AIPERF_RECORD_EXPORT_BATCH_SIZE)
)

// With a cell measured, the limits follow from it instead of from the slowest rates.
const (
	recordsStart = 3 * time.Minute // aiperf creates its record file while its services start
	leastStall   = 2 * time.Minute
	patience     = 4 // longest latencies without a completed request
)

// Previous is what the cell before measured on the same topology. The zero value means
// that this cell is the first.
type Previous struct {
	Concurrency int
	Longest     time.Duration // the longest latency of its requests
}

// latency is the longest one to expect at concurrency c: requests that share a server
// take longer in the ratio of the concurrencies, and never less than before.
func (p Previous) latency(c int) time.Duration {
	return time.Duration(float64(p.Longest) * max(1, float64(c)/float64(p.Concurrency)))
}

// Limits are the longest waits for a sign of life of aiperf; a cell beyond one of them
// has hung.
type Limits struct {
	Records time.Duration // from the start of aiperf to its record file; 0 = unlimited
	First   time.Duration // from the start of aiperf to the first completed request
	Next    time.Duration // from one completed request to the next
}

// Deadline is how long the whole cell of concurrency c may take.
func (l Load) Deadline(c int) time.Duration {
	if l.Timeout > 0 {
		return l.Timeout
	}
	return cellSlack + l.slowest(c, l.Requests(c)+l.Warmup(c))
}

// Limits bound the waits in the cell of concurrency c. A batching aiperf records
// nothing of its warm-up, and holds finished requests back.
func (l Load) Limits(c int, before Previous) Limits {
	hidden, warmup := c, 0 // requests that may complete before a record appears
	if l.Batched {
		hidden, warmup = max(c, min(batch, l.Requests(c))), l.Warmup(c)
	}
	prompts := time.Duration(12*c*l.ISL/slowestPrompts) * time.Second
	limits := Limits{First: loadStart + prompts + l.slowest(c, warmup), Next: stallSlack + l.slowest(c, hidden)}
	if before != (Previous{}) {
		wave := patience * before.latency(c)
		limits.First = loadStart + prompts + time.Duration(waves(c, warmup))*wave
		limits.Next = max(leastStall, time.Duration(waves(c, hidden))*wave)
		if l.Records {
			limits.Records = recordsStart
		}
	}
	if l.Progress > 0 {
		limits.Next = l.Progress
	}
	limits.First += limits.Next
	return limits
}

// slowest is how long this many requests may take, c at once.
func (l Load) slowest(c, requests int) time.Duration {
	inTurn := time.Duration(waves(c, requests)*l.OSL) * slowestToken
	together := time.Duration(requests*(l.ISL+l.OSL)/slowestRate) * time.Second
	return max(inTurn, together)
}

// waves is how often c requests at once must be sent until all are.
func waves(c, requests int) int { return (requests + c - 1) / c }

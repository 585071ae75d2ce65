package aiperf

import (
	"fmt"
	"time"

	"topobench/internal/text"
)

// The slowest rates of a working server; a cell below them has hung. A request may take
// slowestToken per output token, and all requests together move at slowestRate tokens per
// second.
const (
	slowestToken = 500 * time.Millisecond
	slowestRate  = 500
	cellSlack    = 10 * time.Minute
)

// Before its first request aiperf starts its services and generates the prompts. LimitVariables
// allow it the same time.
const (
	loadStart      = 5 * time.Minute
	slowestPrompts = 20_000 // tokens per second
	stallSlack     = time.Minute
	batch          = 100 // records that a batching aiperf keeps in memory (AIPERF_RECORD_EXPORT_BATCH_SIZE)
)

// After a measured cell the limits follow from its latency instead of the slowest rates.
const (
	recordsStart = 3 * time.Minute // aiperf creates its record file while its services start
	leastStall   = 2 * time.Minute
	patience     = 4 // times the longest latency without a completed request
)

// Previous is the result of the cell before, on the same topology. The zero value means that
// this cell is the first.
type Previous struct {
	Concurrency int
	Longest     time.Duration // the longest latency of its requests
}

// latency is the longest expected latency at concurrency c. Requests that share a server slow
// down at most by the ratio of the concurrencies; at a lower concurrency the limit stays.
func (p Previous) latency(c int) time.Duration {
	return time.Duration(float64(p.Longest) * max(1, float64(c)/float64(p.Concurrency)))
}

// Limits are the longest waits for progress of aiperf. A cell that exceeds one has hung.
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

// Limits returns the limits of the cell of concurrency c. A batching aiperf records no
// warm-up, and keeps finished requests in memory.
func (l Load) Limits(c int, before Previous) Limits {
	hidden, warmup := c, 0 // requests that may complete before a record appears
	if l.Batched {
		hidden, warmup = max(c, min(batch, l.Requests(c))), l.Warmup(c)
	}
	prompts := l.prompts(c)
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

// prompts is how long aiperf may generate the prompts of the cell of concurrency c.
func (l Load) prompts(c int) time.Duration {
	return time.Duration(12*c*l.ISL/slowestPrompts) * time.Second
}

// slowest is the longest time of this many requests, c at once.
func (l Load) slowest(c, requests int) time.Duration {
	inTurn := time.Duration(waves(c, requests)*l.OSL) * slowestToken
	together := time.Duration(requests*(l.ISL+l.OSL)/slowestRate) * time.Second
	return max(inTurn, together)
}

// waves is the number of rounds of c requests at once.
func waves(c, requests int) int { return (requests + c - 1) / c }

// LimitsText describes Limits and Deadline for a person.
func LimitsText() []string {
	return []string{
		fmt.Sprintf("In the first cell of a topology a request may take %s for each output token, all requests "+
			"together move at %d tokens a second at least, and aiperf may take %s before its first request.",
			text.Duration(slowestToken), slowestRate, text.Duration(loadStart)),
		fmt.Sprintf("In a later cell no request may complete for %d times the longest latency of the cell before, "+
			"in the ratio of the concurrencies, and at least %s; an aiperf without a record file %s after its start "+
			"has hung.", patience, text.Duration(leastStall), text.Duration(recordsStart)),
		fmt.Sprintf("aiperf's own limits on its dataset and configuration, %s by default, grow by the time of the "+
			"largest cell's prompts at %d tokens a second. The caller's %s* variables reach aiperf and replace them.",
			text.Duration(loadStart), slowestPrompts, VariablePrefix),
		fmt.Sprintf("A whole cell may take its slowest time and %s. The profile's timeouts.progress and "+
			"timeouts.cell replace these limits.", text.Duration(cellSlack)),
	}
}

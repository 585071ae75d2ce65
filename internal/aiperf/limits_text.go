package aiperf

import (
	"fmt"

	"topobench/internal/text"
)

// LimitsText describes Limits and Deadline for a person.
func LimitsText() []string {
	return []string{
		fmt.Sprintf("In the first cell of a topology a request may take %s for each output token, all requests "+
			"together move at %d tokens a second at least, and aiperf may take %s before its first request.",
			text.Duration(slowestToken), slowestRate, text.Duration(loadStart)),
		fmt.Sprintf("In a later cell no request may complete for %d times the longest latency of the cell before, "+
			"in the ratio of the concurrencies, and at least %s; an aiperf without a record file %s after its start "+
			"has hung.", patience, text.Duration(leastStall), text.Duration(recordsStart)),
		fmt.Sprintf("A whole cell may take its slowest time and %s. The profile's timeouts.progress and "+
			"timeouts.cell replace these limits.", text.Duration(cellSlack)),
	}
}

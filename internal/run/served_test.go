package run

import (
	"testing"

	"topobench/internal/verdict"
)

// Of a cell with a fault in its numbers a helper that ended (torch ends its idle pool of
// compilers) must not be taken for the engine: it would cost the topology.
func TestServedTellsFailedRequestsFromBadNumbers(t *testing.T) {
	for _, row := range []struct {
		name  string
		state verdict.State
		want  bool
	}{
		{"requests", verdict.Valid, true},
		{"output length", verdict.Invalid, true},
		{"inter-token latency", verdict.Unchecked, true},
		{"errors", verdict.Unchecked, true},
		{"errors", verdict.Invalid, false},
		{"requests", verdict.Invalid, false},
		{"cancelled", verdict.Invalid, false},
		{"run", verdict.Invalid, false},
	} {
		v := verdict.Verdict{}.With(verdict.Check{Name: "numbers", State: verdict.Valid}, verdict.Check{Name: row.name, State: row.state})
		if got := served(v); got != row.want {
			t.Errorf("%s %s: %t", row.name, row.state, got)
		}
	}
}

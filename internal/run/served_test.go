package run

import (
	"testing"

	"topobench/internal/result"
)

// Of a cell with a fault in its numbers a helper that ended (torch ends its idle pool of
// compilers) must not be taken for the engine: it would cost the topology.
func TestServedTellsFailedRequestsFromBadNumbers(t *testing.T) {
	for _, row := range []struct {
		name  string
		state result.State
		want  bool
	}{
		{"requests", result.Valid, true},
		{"output length", result.Invalid, true},
		{"inter-token latency", result.Unchecked, true},
		{"errors", result.Unchecked, true},
		{"errors", result.Invalid, false},
		{"requests", result.Invalid, false},
		{"cancelled", result.Invalid, false},
		{"run", result.Invalid, false},
	} {
		v := result.Verdict{}.With(result.Check{Name: "numbers", State: result.Valid}, result.Check{Name: row.name, State: row.state})
		if got := served(v); got != row.want {
			t.Errorf("%s %s: %t", row.name, row.state, got)
		}
	}
}

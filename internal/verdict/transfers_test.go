package verdict

import (
	"strings"
	"testing"
)

func TestN2TransfersAreNotedWithoutTheirCounter(t *testing.T) {
	served := func(n float64) *Traffic { return &Traffic{Workers: []Worker{{Service: "decode-0", Served: n}}} }
	for _, row := range []struct {
		why       string
		transfers *Traffic
		requests  float64
		state     State // "" = the rule does not apply
		part      string
	}{
		{"no decode worker", nil, 2, "", ""},
		{"each request with one", served(2), 2, Valid, "2 KV caches"},
		{"none, and requests", served(0), 2, Invalid, "decode-0 served without a KV cache"},
		{"none, and no request", served(0), 0, Valid, "0 KV caches"},
		{"an engine without the counter", &Traffic{Unread: "no such metric\nx"}, 2, NotMade, "no such metric; x"},
	} {
		e := Evidence{Transfers: row.transfers, Traffic: served(row.requests)}
		c, ok := Of(e, good(), configured()).Find(Transfers)
		if ok != (row.state != "") || c.State != row.state || !strings.Contains(c.Detail, row.part) {
			t.Errorf("%s: %+v, want %s with %q", row.why, c, row.state, row.part)
		}
	}
}

// "evidence: noted" keeps a cell on the frontier, and counts the check that was not made.
func TestAProfileAcceptsMissingCounters(t *testing.T) {
	for _, row := range []struct {
		traffic Traffic
		want    State
		noted   int
	}{{Traffic{Unread: "no answer"}, Unchecked, 0}, {Traffic{Uncounted: "switched off"}, Valid, 1}} {
		v := Of(Evidence{Traffic: &row.traffic}, good(), configured())
		if v.State != row.want || len(v.Noted()) != row.noted {
			t.Errorf("%+v: %s %q, checks not made %v", row.traffic, v.State, v.Reasons, v.Noted())
		}
	}
}

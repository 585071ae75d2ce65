package verdict

import (
	"strings"
	"testing"

	"topobench/internal/aiperf"
)

func TestC10RequestsInFlight(t *testing.T) {
	for _, row := range []struct {
		why                   string
		found                 *Records
		concurrency, requests int
		state                 State // "" = the rule does not apply
		part                  string
	}{
		{"4 of 16", &Records{Summary: aiperf.Summary{InFlight: 4}}, 16, 160, Invalid, "at most 4 of 16 requests"},
		{"all", &Records{Summary: aiperf.Summary{InFlight: 16}}, 16, 160, Valid, "16 requests"},
		{"95 %", &Records{Summary: aiperf.Summary{InFlight: 95}}, 100, 1000, Valid, ""},
		{"less than 95 %", &Records{Summary: aiperf.Summary{InFlight: 94}}, 100, 1000, Invalid, "94 of 100"},
		{"no more than there are requests", &Records{Summary: aiperf.Summary{InFlight: 4}}, 16, 4, Valid, ""},
		{"an aiperf that does not record it", nil, 16, 160, "", ""},
		{"unreadable records", &Records{Unread: "the last line is cut off"}, 16, 160, NotMade, "cut off"},
	} {
		e := Evidence{Records: row.found}
		v := Of(e, good(), Load{Concurrency: row.concurrency, Requests: row.requests, OSL: 10})
		c, ok := v.Find(Flight)
		if ok != (row.state != "") || c.State != row.state || !strings.Contains(c.Detail, row.part) {
			t.Errorf("%s: %+v, want %s with %q", row.why, c, row.state, row.part)
		}
	}
	failed := Evidence{Records: &Records{Summary: aiperf.Summary{InFlight: 1}}, AIPerf: AIPerf{Problem: "aiperf exit 1"}}
	if c, ok := Of(failed, good(), Load{Concurrency: 16, Requests: 160}).Find(Flight); ok {
		t.Errorf("aiperf failed, which explains it: %+v", c)
	}
}

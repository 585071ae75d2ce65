package verdict

import (
	"fmt"
	"strings"
	"testing"
)

// aggregated are workers of one role with what each served.
func aggregated(served ...float64) (all []Worker) {
	for i, n := range served {
		all = append(all, Worker{Service: fmt.Sprintf("aggregated-%d", i), Role: "aggregated", Served: n})
	}
	return all
}

// sent is the guide's load: 10 requests for each at once, and 2 to warm up.
func sent(concurrency int) Load {
	return Load{Requests: 10 * concurrency, Warmup: 2 * concurrency, Concurrency: concurrency}
}

func TestSpread(t *testing.T) {
	const half = "far from an equal share"
	decode := Worker{Service: "decode-0", Role: "decode"}
	for _, row := range []struct {
		why         string
		routing     Routing
		concurrency int
		workers     []Worker
		want        string // of the only fault; "" = none
	}{
		{"behind a frontend one is enough", InTurn, 2, aggregated(23, 1), ""},
		{"none is none", InTurn, 2, aggregated(24, 0), "aggregated-1 served none of 20 requests"},
		{"a counter that went back has not grown", InTurn, 2, aggregated(24, -3), "aggregated-1 served none"},
		{"fewer at once than workers", InTurn, 2, aggregated(24, 0, 0, 0), ""},
		{"a role is judged by its own number", InTurn, 1, append(aggregated(12, 0), decode), "decode-0 served none of 10 requests"},
		{"a balancer may favour the faster one", Balanced, 2, aggregated(20, 4), ""},
		{"a balancer: a tenth of an equal share", Balanced, 16, aggregated(184, 8), ""},
		{"a balancer: less", Balanced, 16, aggregated(185, 7), "aggregated-1 served 7 of 160 requests, " + half},
		{"a balancer: none, one request at a time", Balanced, 1, aggregated(0, 12), "aggregated-0 served none of 10 requests"},
		{"a balancer before more servers than one request at a time could reach", Balanced, 1, aggregated(12, 0, 0, 0, 0, 0), ""},
		{"aiperf goes round", ByClient, 2, aggregated(4, 20), "aggregated-0 served 4 of 20 requests, " + half},
		{"a kv router with too few chances", ByRouter, 3, aggregated(36, 0), ""},
		{"a kv router with twenty", ByRouter, 4, aggregated(48, 0), "aggregated-1 served none of 40"},
		{"a kv router need not be even", ByRouter, 4, aggregated(47, 1), ""},
	} {
		got := Traffic{Routing: row.routing, Workers: row.workers}.faults(sent(row.concurrency), true)
		if row.want == "" && len(got) > 0 || row.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], row.want)) {
			t.Errorf("%s: %q, want %q", row.why, got, row.want)
		}
	}
}

// Two servers can listen on one port (SO_REUSEPORT): none of the workers has counted what
// a foreign server answered.
func TestSpreadCountsForeignServersAndClients(t *testing.T) {
	pair := func(prefill, decode float64) []Worker {
		return []Worker{{Service: "prefill-0", Role: "prefill", Prefill: true, Served: prefill}, {Service: "decode-0", Role: "decode", Served: decode}}
	}
	for _, row := range []struct {
		why     string
		routing Routing
		workers []Worker // of 40 requests and 8 to warm up
		want    string   // "" = no fault
	}{
		{"one worker has served them all", InTurn, aggregated(48), ""},
		{"the last of them is not counted yet", InTurn, aggregated(44), ""},
		{"a smoke of the worker is counted late", InTurn, aggregated(49), ""},
		{"another client loads the worker, too", InTurn, aggregated(60), "the workers served 60 requests, and aiperf sent 48: another client used them"},
		{"another server answered half", InTurn, aggregated(25), "the workers served only 25 of 40 requests"},
		{"half of those of one of two servers", Balanced, aggregated(24, 12), "the workers served only 36 of 40"},
		{"decode has served all, and did some prompts itself", InTurn, pair(30, 48), ""},
		{"the requests of prefill are no second answer", InTurn, pair(48, 24), "the workers served only 24 of 40"},
	} {
		got := strings.Join(Traffic{Routing: row.routing, Workers: row.workers}.faults(sent(4), true), "; ")
		if row.want == "" && got != "" || !strings.HasPrefix(got, row.want) {
			t.Errorf("%s: %q, want %q", row.why, got, row.want)
		}
	}
}

// A server without a counter of its requests is no fault, and the check that needs it is named.
func TestSpreadWithoutACounterIsNotMade(t *testing.T) {
	got := spread(cell{e: Evidence{Traffic: &Traffic{Uncounted: "no metric"}}})
	if len(got) != 1 || got[0] != (finding{NotMade, "no metric"}) {
		t.Errorf("%+v", got)
	}
}

func TestSpreadOfACell(t *testing.T) {
	for _, row := range []struct {
		why   string
		e     Evidence
		state State // "" = not judged
		part  string
	}{
		{"all is well", Evidence{Traffic: &Traffic{Routing: Balanced, Workers: aggregated(12, 12)}}, Valid, "aggregated-0 12, aggregated-1 12"},
		{"one was there, and served nothing", Evidence{Traffic: &Traffic{Routing: Balanced, Workers: aggregated(24, 0)}}, Invalid,
			"aggregated-1 served none of 20 requests (requests with warm-up: aggregated-0 24, aggregated-1 0)"},
		{"the counters could not be read", Evidence{Traffic: &Traffic{Unread: "no answer\nno answer"}}, Unchecked, "no answer; no answer"},
		{"an aiperf that failed did not send its requests", Evidence{Traffic: &Traffic{Workers: aggregated(0, 0)}, AIPerf: AIPerf{Problem: "exit 1"}}, "", ""},
		{"a failed launch explains it", Evidence{Traffic: &Traffic{Workers: aggregated(0, 0)}, Died: "a died"}, "", ""},
		{"there are no counters", Evidence{}, "", ""},
	} {
		c, ok := Of(row.e, good(), sent(2)).Find(Spread)
		if c.State != row.state || ok != (row.state != "") || !strings.Contains(c.Detail, row.part) || strings.Contains(c.Detail, "\n") {
			t.Errorf("%s: %+v, want %s with %q", row.why, c, row.state, row.part)
		}
	}
}

package verdict

import (
	"strings"
	"testing"

	"topobench/internal/aiperf"
)

// records are those of a whole cell of concurrency 16.
func records(change func(*aiperf.Summary)) *Records {
	s := aiperf.Summary{Requests: 160, InFlight: 16, Seconds: 10, Throughput: 1000,
		Steady: &aiperf.Steady{Least: 15, Seconds: 8, Throughput: 1050}, Lockstep: &aiperf.Lockstep{Waves: 10, Ramped: 5, Ramp: 1.3}}
	change(&s)
	return &Records{Summary: s}
}

func TestSteadyStateAndLockstep(t *testing.T) {
	for _, row := range []struct {
		why         string
		found       *Records
		concurrency int
		name        CheckName
		state       State // "" = the rule does not apply
		part        string
	}{
		{"5 % more", records(func(*aiperf.Summary) {}), 16, SteadyState, Valid, "at least 15 of 16"},
		{"more than 5 % more", records(func(s *aiperf.Summary) { s.Steady.Throughput = 1060 }), 16, SteadyState, Note,
			"1060 tokens/s in the longest time with at least 15 of 16 requests under way (8 s), 1000 in the whole cell (10 s): +6.0 %"},
		{"more than 5 % less", records(func(s *aiperf.Summary) { s.Steady.Throughput = 940 }), 16, SteadyState, Note, "-6.0 %"},
		{"never full", records(func(s *aiperf.Summary) { s.Steady = nil }), 16, SteadyState, Note, "never at least 15 of 16"},
		{"no tokens", records(func(s *aiperf.Summary) { s.Throughput = 0 }), 16, SteadyState, "", ""},
		{"a low concurrency", records(func(*aiperf.Summary) {}), 7, SteadyState, "", ""},
		{"records are missing", records(func(s *aiperf.Summary) { s.Requests = 159 }), 16, SteadyState, NotMade, "159 of 160"},
		{"unreadable records", &Records{Unread: "the last line is cut off"}, 16, Lockstep, NotMade, "cut off"},
		{"no records", nil, 16, SteadyState, "", ""},
		{"half of the waves", records(func(*aiperf.Summary) {}), 16, Lockstep, Valid, "5 of 10 waves"},
		{"most waves", records(func(s *aiperf.Summary) { s.Lockstep.Ramped, s.Lockstep.Ramp = 6, 1.864 }), 16, Lockstep, Note,
			"TTFT rises 1.86-fold within a wave of 16 requests, 1.3-fold or more in 6 of 10 waves"},
		{"no full wave", records(func(s *aiperf.Summary) { s.Lockstep = nil }), 16, Lockstep, "", ""},
	} {
		v := Of(Evidence{Records: row.found}, good(), Load{Concurrency: row.concurrency, Requests: 160, OSL: 10})
		c, ok := v.Find(row.name)
		if ok != (row.state != "") || c.State != row.state || !strings.Contains(c.Detail, row.part) {
			t.Errorf("%s: %+v, want %s with %q", row.why, c, row.state, row.part)
		}
	}
	failed := Evidence{Records: records(func(s *aiperf.Summary) { s.Steady = nil }), AIPerf: AIPerf{Problem: "aiperf exit 1"}}
	if c, ok := Of(failed, good(), Load{Concurrency: 16, Requests: 160}).Find(SteadyState); ok {
		t.Errorf("aiperf failed, which explains it: %+v", c)
	}
}

func TestInFlightNamesTheArgumentsOfTheProfile(t *testing.T) {
	few := Evidence{Records: records(func(s *aiperf.Summary) { s.InFlight = 4 })}
	load := Load{Concurrency: 16, Requests: 160, OSL: 10}
	for _, args := range []bool{false, true} {
		load.Args = args
		if c, _ := Of(few, good(), load).Find(Flight); c.State != Invalid || strings.Contains(c.Detail, "load.args") != args {
			t.Errorf("arguments %t: %+v", args, c)
		}
	}
}

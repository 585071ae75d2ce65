package monitor

import (
	"context"
	"errors"
	"strings"
	"testing"

	"topobench/internal/plan"
)

// N2: an engine without the counter leaves the reason; one with it leaves what the cell fetched.
func TestN2TransfersOfACell(t *testing.T) {
	for _, row := range []struct {
		why    string
		counts bool
		want   float64
		unread string
	}{
		{"it counts", true, 5, ""},
		{"it does not", false, 0, "cannot read the counter vllm:nixl_xfer_time_seconds_count of decode-0"},
	} {
		p := plan.Plan{Services: []plan.Service{{Name: "decode-0", Role: plan.Decode}},
			Smoke: plan.Smoke{Transfers: []plan.Counter{{Service: "decode-0", Metric: "vllm:nixl_xfer_time_seconds_count"}}}}
		now := 7.0
		targets := new(fake).targets(p)
		targets.Counters = func(_ context.Context, counters []plan.Counter) (map[string]float64, error) {
			if len(counters) == 0 || row.counts {
				return map[string]float64{"decode-0": now}, nil
			}
			return nil, errors.New("cannot read the counter " + counters[0].Metric + " of decode-0")
		}
		w, err := New(targets).Start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		now = 12
		e, err := w.Stop(t.Context())
		if err != nil || e.Transfers == nil || e.Transfers.Workers[0].Served != row.want {
			t.Errorf("%s: %+v, %v", row.why, e.Transfers, err)
			continue
		}
		if (e.Transfers.Unread == "") != (row.unread == "") || !strings.Contains(e.Transfers.Unread, row.unread) {
			t.Errorf("%s: %q, want %q", row.why, e.Transfers.Unread, row.unread)
		}
	}
}

// Counters that the profile switches off leave their reason, and nothing else.
func TestStopNamesCountersThatAreSwitchedOff(t *testing.T) {
	p := twoServers()
	p.Smoke = plan.Smoke{Uncounted: "--disable-log-stats takes the request counters away"}
	w, err := New(new(fake).targets(p)).Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e, err := w.Stop(t.Context())
	if err != nil || e.Traffic == nil || e.Traffic.Uncounted != p.Smoke.Uncounted || e.Transfers != nil {
		t.Errorf("%+v, %+v, %v", e.Traffic, e.Transfers, err)
	}
}

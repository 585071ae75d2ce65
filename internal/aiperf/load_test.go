package aiperf

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The smoke must send the body that aiperf builds from perf.sh's --extra-inputs.
func TestBodyOfTheExtraInputs(t *testing.T) {
	for _, nvext := range []bool{true, false} {
		l := Load{Model: "m", ISL: 3, OSL: 7, NVExt: nvext}
		body, err := l.Body("a b c")
		if err != nil {
			t.Fatal(err)
		}
		want := `{"ignore_eos":true,"max_tokens":7,"messages":[{"content":"a b c","role":"user"}],"min_tokens":7,"model":"m","stream":true}`
		extra := []string{"max_tokens:7", "min_tokens:7", "ignore_eos:true"}
		if nvext {
			want = want[:len(want)-len(`,"stream":true}`)] + `,"nvext":{"ignore_eos":true},"stream":true}`
			extra = append(extra, `{"nvext":{"ignore_eos":true}}`)
		}
		if diff := cmp.Diff(decoded(t, []byte(want)), decoded(t, body)); diff != "" {
			t.Errorf("nvext=%t (-want +got):\n%s", nvext, diff)
		}
		if diff := cmp.Diff(extra, l.Extra()); diff != "" {
			t.Errorf("nvext=%t (-want +got):\n%s", nvext, diff)
		}
	}
}

func decoded(t *testing.T, text []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestDeadline(t *testing.T) {
	for _, row := range []struct {
		why  string
		load Load
		c    int
		want time.Duration
	}{
		{"alone: 12 requests of 150 tokens in turn, 0.5 s a token", Load{ISL: 3000, OSL: 150}, 1, 10*time.Minute + 900*time.Second},
		{"together: 3072 requests of 3150 tokens at 500 tokens/s", Load{ISL: 3000, OSL: 150}, 256, 10*time.Minute + 19353*time.Second},
		{"the demo's largest cell", Load{ISL: 300, OSL: 50}, 8, 10*time.Minute + 300*time.Second},
		{"a short answer still has the time that aiperf needs to start", Load{ISL: 1, OSL: 1}, 1, 10*time.Minute + 6*time.Second},
		{"the profile decides", Load{ISL: 3000, OSL: 150, Timeout: time.Minute}, 256, time.Minute},
	} {
		if got := row.load.Deadline(row.c); got != row.want {
			t.Errorf("%s: %s, want %s", row.why, got, row.want)
		}
	}
}

// The limits of a topology's first cell follow from the slowest rates alone.
func TestLimitsOfTheFirstCell(t *testing.T) {
	guide := Load{ISL: 3000, OSL: 150, Records: true}
	batched, profiled := guide, guide
	batched.Batched, profiled.Progress = true, 20*time.Second
	for _, row := range []struct {
		why         string
		load        Load
		c           int
		first, next time.Duration
	}{
		{"one request of 150 tokens, 0.5 s each, and a minute", guide, 1, 5*time.Minute + time.Second + 135*time.Second, 135 * time.Second},
		{"a wave of 256 requests at 500 tokens/s", guide, 256, 5*time.Minute + 460*time.Second + 1672*time.Second, 1672 * time.Second},
		{"an aiperf that batches 100 records: all ten, and the warm-up", batched, 1, 5*time.Minute + time.Second + 960*time.Second, 810 * time.Second},
		{"the profile decides, not on aiperf's start", profiled, 1, 5*time.Minute + 21*time.Second, 20 * time.Second},
	} {
		got := row.load.Limits(row.c, Previous{})
		if want := (Limits{First: row.first, Next: row.next}); got != want {
			t.Errorf("%s: %+v, want %+v", row.why, got, want)
		}
		if got.First > row.load.Deadline(row.c) {
			t.Errorf("%s: the deadline is earlier", row.why)
		}
	}
}

// A hung cell must not hold a node for half an hour if the latencies of a cell before are
// known.
func TestF31LimitsFollowTheCellBefore(t *testing.T) {
	guide := Load{ISL: 3000, OSL: 150, Records: true}
	batched, profiled, silent := guide, guide, guide
	batched.Batched, profiled.Progress, silent.Records = true, 20*time.Second, false
	const start = 5 * time.Minute
	for _, row := range []struct {
		why    string
		load   Load
		c      int
		before Previous
		want   Limits
	}{
		{"the guide's largest cell: 4 x 40 s x 256/128, not 28 minutes", guide, 256, Previous{128, 40 * time.Second},
			Limits{3 * time.Minute, start + 460*time.Second + 320*time.Second, 320 * time.Second}},
		{"fast requests have two minutes", guide, 2, Previous{1, time.Second}, Limits{3 * time.Minute, start + 3*time.Second + 2*time.Minute, 2 * time.Minute}},
		{"a smaller cell keeps the limit", guide, 1, Previous{8, 50 * time.Second}, Limits{3 * time.Minute, start + time.Second + 200*time.Second, 200 * time.Second}},
		{"ten requests held back, in turn, and the two of the warm-up", batched, 1, Previous{1, 10 * time.Second},
			Limits{3 * time.Minute, start + time.Second + 480*time.Second, 400 * time.Second}},
		{"the profile decides, not on aiperf's start", profiled, 256, Previous{128, 40 * time.Second},
			Limits{3 * time.Minute, start + 460*time.Second + 20*time.Second, 20 * time.Second}},
		{"an aiperf that never writes a record file", silent, 2, Previous{1, time.Second}, Limits{0, start + 3*time.Second + 2*time.Minute, 2 * time.Minute}},
	} {
		if got := row.load.Limits(row.c, row.before); got != row.want {
			t.Errorf("%s: %+v, want %+v", row.why, got, row.want)
		}
	}
}

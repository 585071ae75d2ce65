package plan

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/aiperf"
)

func TestDeadline(t *testing.T) {
	for _, row := range []struct {
		why  string
		load aiperf.Load
		c    int
		want time.Duration
	}{
		{"alone: 12 requests of 150 tokens in turn, 0.5 s a token", aiperf.Load{ISL: 3000, OSL: 150}, 1, 10*time.Minute + 900*time.Second},
		{"together: 3072 requests of 3150 tokens at 500 tokens/s", aiperf.Load{ISL: 3000, OSL: 150}, 256, 10*time.Minute + 19353*time.Second},
		{"the demo's largest cell", aiperf.Load{ISL: 300, OSL: 50}, 8, 10*time.Minute + 300*time.Second},
		{"a short answer still has the time that aiperf needs to start", aiperf.Load{ISL: 1, OSL: 1}, 1, 10*time.Minute + 6*time.Second},
		{"the profile decides", aiperf.Load{ISL: 3000, OSL: 150, Timeout: time.Minute}, 256, time.Minute},
	} {
		if got := row.load.Deadline(row.c); got != row.want {
			t.Errorf("%s: %s, want %s", row.why, got, row.want)
		}
	}
}

func TestStall(t *testing.T) {
	guide := aiperf.Load{ISL: 3000, OSL: 150}
	batched, told := guide, guide
	batched.Batched, told.Progress = true, 20*time.Second
	for _, row := range []struct {
		why         string
		load        aiperf.Load
		c           int
		first, next time.Duration
	}{
		{"one request of 150 tokens, 0.5 s each, and a minute", guide, 1, 5*time.Minute + time.Second + 135*time.Second, 135 * time.Second},
		{"a wave of 256 requests at 500 tokens/s", guide, 256, 5*time.Minute + 460*time.Second + 1672*time.Second, 1672 * time.Second},
		{"an aiperf that keeps a hundred back: all ten, and the warm-up", batched, 1, 5*time.Minute + time.Second + 960*time.Second, 810 * time.Second},
		{"the profile decides, not on aiperf's start", told, 1, 5*time.Minute + 21*time.Second, 20 * time.Second},
	} {
		if first, next := row.load.Stall(row.c); first != row.first || next != row.next {
			t.Errorf("%s: %s and %s, want %s and %s", row.why, first, next, row.first, row.next)
		}
		if first, _ := row.load.Stall(row.c); first > row.load.Deadline(row.c) {
			t.Errorf("%s: the deadline is sooner", row.why)
		}
	}
}

// The smoke must send what aiperf makes of perf.sh's --extra-inputs.
func TestBodyIsWhatTheExtraInputsSay(t *testing.T) {
	for _, nvext := range []bool{true, false} {
		l := aiperf.Load{Model: "m", ISL: 3, OSL: 7, NVExt: nvext}
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

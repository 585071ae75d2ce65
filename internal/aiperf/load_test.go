package aiperf

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The smoke must send what aiperf makes of perf.sh's --extra-inputs.
func TestBodyIsWhatTheExtraInputsSay(t *testing.T) {
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

package deploy

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/host"
	"topobench/internal/plan"
)

// A server of others should be up: three equal answers end its smoke, and so does a connection that stays refused.
func TestFinalAnswersOfAServerOfOthers(t *testing.T) {
	t.Parallel()
	const refusedFor = 50 * time.Millisecond
	for _, row := range []struct {
		why, models string // its list; "" = it has none
		chat        int    // status
		want        string // of the error; "" = it serves
	}{
		{"our model", `{"data":[{"id":"tiny"}]}`, 200, ""},
		{"no list", "", 200, ""},
		{"an empty list", `{"data":[]}`, 200, ""},
		{"another model", `{"data":[{"id":"huge"},{"id":"big"}]}`, 200, "/v1/models lists huge, big, not tiny\n  name the model that is served (--model huge)"},
		{"no such page", "", 404, "HTTP 404"},
		{"a key is required", "", 401, "requires a key"},
		{"no POST on this page", "", 405, "HTTP 405"},
		{"a redirect", "", 307, "HTTP 307: the server redirects to https://there.example/v1/chat/completions\n  name the address"},
		{"the body is too large", "", 413, "client_max_body_size"},
	} {
		completions := 0
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path == "/v1/models" && row.models != "":
				_, _ = w.Write([]byte(row.models)) // the client reports a fault
			case r.URL.Path == "/v1/models":
				w.WriteHeader(http.StatusNotFound)
			case row.chat != 200:
				w.Header().Set("Location", "https://there.example/v1/chat/completions")
				w.WriteHeader(row.chat)
			default:
				completions++
				_, _ = w.Write([]byte(chunk + done))
			}
		}))
		smoke := plan.Smoke{URLs: []string{s.URL}, Round: 1, Patience: time.Hour, Deadline: time.Hour, Absent: refusedFor}
		err := NewProber(host.Local{}).Smoke(t.Context(), smoke, aiperf.Load{Model: "tiny", ISL: 4, OSL: 4}, func(string) {})
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) || err != nil && completions > 0 {
			t.Errorf("%s: %v after %d completions, want %q", row.why, err, completions, row.want)
		}
		s.Close()
		err = NewProber(host.Local{}).Smoke(t.Context(), smoke, aiperf.Load{Model: "tiny", ISL: 4, OSL: 4}, func(string) {})
		if _, final := errors.AsType[*FinalError](err); !final || !strings.Contains(err.Error(), "start the server, or correct --url") {
			t.Errorf("%s, and it is gone: %v", row.why, err)
		}
	}
}

// A frontend of ours answers 404 until its router has the model.
func TestA404OfOurOwnServerMayChange(t *testing.T) {
	c := &chat{answer: func(n int, w http.ResponseWriter, _ *http.Request) {
		if n < 6 {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write([]byte(chunk + done)) // the client reports a fault
	}}
	if err := c.smoke(t, t.Context(), long, long); err != nil {
		t.Error(err)
	}
}

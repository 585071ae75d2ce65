package deploy

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/plan"
)

// Answers that no waiting changes end a start after three of them, with what to do.
func TestFinalAnswersEndTheWait(t *testing.T) {
	t.Parallel()
	ok := answer{200, ""}
	for _, row := range []struct {
		why  string
		now  state
		want string // of the error; "" = it goes on waiting
	}{
		{"C12: a key is wanted", state{"/health": ok, "/v1/models": {401, ""}}, "/v1/models: 401\n  the server requires a key"},
		{"C12: it is forbidden", state{"/health": {403, ""}}, "/health: 403\n  the server requires a key"},
		{"its pages are elsewhere", state{"/health": ok}, "/v1/models: 404\n  the server has no such page: --root-path"},
		{"another model", state{"/health": ok, "/v1/models": {200, `{"data":[{"id":"big"}]}`}}, " lists big, not tiny\n  write served_name: big"},
		{"no model yet", state{"/health": ok, "/v1/models": {200, `{"data":[]}`}}, ""},
		{"it still loads", state{"/health": {503, ""}}, ""},
	} {
		t.Run(row.why, func(t *testing.T) {
			turns := 0
			address := serve(t, func(turn int) state { turns = max(turns, turn); return row.now })
			g := plan.Gate{Kind: plan.GateVLLM, Address: address, Model: "tiny", Deadline: 500 * time.Millisecond}
			if row.want != "" {
				g.Deadline = time.Hour
			}
			_, err := NewProber(host.Local{}).Await(t.Context(), fronted(t, g, ""), func(string) {})
			e, is := errors.AsType[*NotReadyError](err)
			if !is || !strings.Contains(err.Error(), row.want) || (row.want != "" && turns != required) {
				t.Errorf("after %d probes: %v", turns, err)
			}
			if _, final := errors.AsType[*FinalError](e.Last); final != (row.want != "") {
				t.Errorf("final: %t, %v", final, err)
			}
		})
	}
}

// An answer that changes meanwhile is not final: a server may start in steps.
func TestFinalAnswersMustBeEqual(t *testing.T) {
	steps := []state{{"/health": {403, ""}}, {"/health": {403, ""}}, {"/health": {200, ""}}, {"/health": {503, ""}}}
	good := state{"/health": {200, ""}, "/v1/models": {200, `{"data":[{"id":"tiny"}]}`}}
	address := serve(t, func(turn int) state {
		if turn <= len(steps) {
			return steps[turn-1]
		}
		return good
	})
	g := plan.Gate{Kind: plan.GateVLLM, Address: address, Model: "tiny", Deadline: time.Minute}
	if _, err := NewProber(host.Local{}).Await(t.Context(), fronted(t, g, ""), func(string) {}); err != nil {
		t.Error(err)
	}
}

func TestFinalServerThatSpeaksHTTPS(t *testing.T) {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	g := plan.Gate{Kind: plan.GateVLLM, Address: s.Listener.Addr().String(), Model: "tiny", Deadline: time.Hour}
	_, err := NewProber(host.Local{}).Await(t.Context(), fronted(t, g, ""), func(string) {})
	if err == nil || !strings.Contains(err.Error(), "will not become ready") || !strings.Contains(err.Error(), "--ssl-*") {
		t.Error(err)
	}
}

// The load's completions are refused three times, not until the deadline.
func TestFinalAnswersEndTheSmoke(t *testing.T) {
	c := &chat{answer: func(_ int, w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "Unauthorized", http.StatusUnauthorized)
	}}
	err := c.smoke(t, t.Context(), time.Hour, time.Hour)
	refused, is := errors.AsType[*RefusedError](err)
	if !is || refused.Status != 401 || c.served != required || !strings.Contains(err.Error(), "requires a key") {
		t.Errorf("after %d completions: %v", c.served, err)
	}
}

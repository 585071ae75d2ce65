package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/host"
	"topobench/internal/plan"
)

const (
	chunk = `data: {"choices":[{"delta":{"content":" word"}}]}` + "\n\n"
	done  = "data: [DONE]\n\n"
)

// chat is a server with one worker: its answer to the n-th completion, and its counter.
type chat struct {
	answer func(n int, w http.ResponseWriter, r *http.Request)
	stuck  bool // the counter never moves

	mu     sync.Mutex
	served int
	bodies []map[string]any
}

func (c *chat) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/metrics" {
		c.mu.Lock()
		defer c.mu.Unlock()
		moved := c.served
		if c.stuck {
			moved = 0
		}
		fmt.Fprintf(w, "requests_total{dynamo_endpoint=\"generate\"} %d\n", moved)
		return
	}
	var body map[string]any
	err := json.NewDecoder(r.Body).Decode(&body)
	c.mu.Lock()
	c.served++
	n := c.served
	c.bodies = append(c.bodies, body)
	c.mu.Unlock()
	if err != nil || r.URL.Path != "/v1/chat/completions" {
		w.WriteHeader(http.StatusTeapot)
		return
	}
	c.answer(n, w, r)
}

// always streams one text.
func always(text string) func(int, http.ResponseWriter, *http.Request) {
	return func(_ int, w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }
}

// smoke runs Smoke against c with one counter.
func (c *chat) smoke(t *testing.T, ctx context.Context, patience, deadline time.Duration) error {
	t.Helper()
	s := httptest.NewServer(c)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	smoke := plan.Smoke{URLs: []string{s.URL}, Patience: patience, Deadline: deadline,
		Counters: []plan.Counter{{Service: "prefill-0", URL: s.URL + "/metrics", Metric: "requests_total"}}}
	return NewProber(host.Local{}).Smoke(ctx, smoke, aiperf.Load{Model: "tiny", ISL: 20, OSL: 5, NVExt: true}, func(string) {})
}

const long = time.Minute

// Workers on other machines are named with their host, wherever the smoke test ends.
func TestSmokeNamesTheHostOfAWorker(t *testing.T) {
	t.Parallel()
	refuse := func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }
	for _, row := range []struct {
		why                 string
		answer              func(int, http.ResponseWriter, *http.Request)
		requests, transfers string
	}{
		{"its completion fails", refuse, "requests_total", ""},
		{"its counter stays", always(chunk + done), "requests_total", ""},
		{"its counter is missing", always(chunk + done), "other_total", ""},
		{"it serves without a transfer", always(chunk + done), "completions", "moved"},
	} {
		c := &chat{answer: row.answer, stuck: true}
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/metrics" {
				io.WriteString(w, "completions 1\nmoved 0\n")
			}
			c.ServeHTTP(w, r)
		}))
		s := plan.Smoke{Direct: []string{server.URL}, Deadline: time.Second,
			Counters: []plan.Counter{{Service: "decode-0", Host: "node1", URL: server.URL + "/metrics", Metric: row.requests}}}
		if row.transfers != "" {
			s.Deadline = long
			s.Transfers = []plan.Counter{{Service: "decode-0", Host: "node1", URL: server.URL + "/metrics", Metric: row.transfers}}
		}
		err := NewProber(host.Local{}).Smoke(t.Context(), s, aiperf.Load{Model: "tiny", ISL: 20, OSL: 5}, func(string) {})
		server.Close()
		if err == nil || !strings.Contains(err.Error(), "decode-0 on node1") {
			t.Errorf("%s: %v", row.why, err)
		}
	}
}

func TestSmokeSendsTheLoadsBody(t *testing.T) {
	c := &chat{answer: always(file(t, "2-1p1d/chat.txt"))}
	if err := c.smoke(t, t.Context(), long, long); err != nil {
		t.Fatalf("the recorded stream is refused: %v", err)
	}
	body := c.bodies[0]
	content := body["messages"].([]any)[0].(map[string]any)["content"].(string)
	if n := len(strings.Fields(content)); n != 20 {
		t.Errorf("the prompt has %d words, want 20", n)
	}
	delete(body, "messages")
	if got, want := fmt.Sprint(body), "map[ignore_eos:true max_tokens:5 min_tokens:5 model:tiny nvext:map[ignore_eos:true] stream:true]"; got != want {
		t.Errorf("body %s, want %s", got, want)
	}
}

// A 400 to the load's own body can only be answered by another body.
func TestSmokeIsRefused(t *testing.T) {
	c := &chat{answer: func(_ int, w http.ResponseWriter, _ *http.Request) {
		http.Error(w, `{"message":"unknown field nvext"}`, http.StatusBadRequest)
	}}
	err := c.smoke(t, t.Context(), long, long)
	refused, ok := errors.AsType[*RefusedError](err)
	if !ok || refused.Status != 400 || !strings.Contains(refused.Answer, "nvext") {
		t.Errorf("error %v, want *RefusedError with the server's words", err)
	}
	if c.served != 1 {
		t.Errorf("it got %d completions", c.served)
	}
}

// The router may lag behind discovery: a 5xx at first is no failure.
func TestSmokeIsPatient(t *testing.T) {
	c := &chat{answer: func(n int, w http.ResponseWriter, _ *http.Request) {
		if n < 3 {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		io.WriteString(w, chunk+done)
	}}
	if err := c.smoke(t, t.Context(), long, long); err != nil || c.served != 3 {
		t.Errorf("error %v after %d completions, want none after 3", err, c.served)
	}
}

// Streams that are no completion, and the error about them once patience ends.
func TestSmokeRefusesBadStreams(t *testing.T) {
	for _, row := range []struct{ why, text, want string }{
		{"nothing", "", "0 chunks of text and done=false"},
		{"only the end", done, "0 chunks of text and done=true"},
		{"vLLM's first chunk has an empty content", `data: {"choices":[{"delta":{"role":"assistant","content":""}}]}` + "\n\n" + done, "0 chunks of text"},
		{"text without an end", chunk, "1 chunks of text and done=false"},
		{"an error behind some text", chunk + `data: {"error":{"message":"no KV blocks"}}` + "\n\n" + done, "no KV blocks"},
		{"an error event", "event: error\ndata: {\"error\":\"worker is gone\"}\n\n", "worker is gone"},
		{"a page", "<html>hello</html>", "no stream of events: hello\n  the load streams"},
		{"an answer in one piece", `{"object":"chat.completion","choices":[]}`, "no stream of events"},
		{"only other fields of events", ": ping\n\nevent: x\n\n", "0 chunks of text"},
	} {
		t.Run(row.why, func(t *testing.T) {
			err := (&chat{answer: always(row.text)}).smoke(t, t.Context(), 0, long)
			if err == nil {
				t.Fatal("taken for a completion")
			}
			wantWords(t, row.why, err.Error(), "a completion fails", row.want)
		})
	}
	for _, text := range []string{`{"choices":[{"delta":{"reasoning_content":" hm"}}]}`, `{"choices":[{"delta":{"reasoning":" hm"}}]}`} {
		if err := (&chat{answer: always("data: " + text + "\n\n" + done)}).smoke(t, t.Context(), 0, long); err != nil {
			t.Errorf("a thought is no text: %v", err)
		}
	}
}

// The deadline ends a stream that never ends, and is in the error.
func TestF24SmokeEndsAtItsDeadline(t *testing.T) {
	c := &chat{answer: func(_ int, w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, chunk)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}}
	began := time.Now()
	err := c.smoke(t, t.Context(), 0, 300*time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), "no proof within 300ms") {
		t.Errorf("error %v, want the deadline", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}

// Answers alone are no proof: a worker that never serves must be named.
func TestSmokeNamesTheIdleWorker(t *testing.T) {
	err := (&chat{answer: always(chunk + done), stuck: true}).smoke(t, t.Context(), long, 700*time.Millisecond)
	if err == nil {
		t.Fatal("prefill-0 served nothing, and the smoke is content")
	}
	wantWords(t, "the error", err.Error(), "prefill-0", "no proof within 700ms")
}

// Where aiperf goes round several servers, each has to serve.
func TestSmokeGoesToEachAddress(t *testing.T) {
	smoke := plan.Smoke{Patience: long, Deadline: long}
	servers := []*chat{{answer: always(chunk + done)}, {answer: always(chunk + done)}, {answer: always(chunk + done)}}
	for i, c := range servers {
		s := httptest.NewServer(c)
		t.Cleanup(s.Close)
		smoke.URLs = append(smoke.URLs, s.URL)
		if i > 0 { // one without a counter gets a completion all the same
			smoke.Counters = append(smoke.Counters, plan.Counter{Service: "s", URL: s.URL + "/metrics", Metric: "requests_total"})
		}
	}
	if err := NewProber(host.Local{}).Smoke(t.Context(), smoke, aiperf.Load{Model: "tiny", ISL: 20, OSL: 5}, func(string) {}); err != nil {
		t.Fatal(err)
	}
	for i, c := range servers {
		if c.served != 1 {
			t.Errorf("server %d has served %d completions, want 1", i, c.served)
		}
	}
}

// The death of a process ends the smoke with that as its cause.
func TestSmokeEndsWithTheCauseOfItsContext(t *testing.T) {
	cause := errors.New("decode-0 died: exit 1")
	ctx, cancel := context.WithCancelCause(t.Context())
	c := &chat{answer: func(_ int, w http.ResponseWriter, r *http.Request) {
		cancel(cause)
		<-r.Context().Done()
	}}
	if err := c.smoke(t, ctx, 0, long); !errors.Is(err, cause) {
		t.Errorf("error %v, want %v", err, cause)
	}
}

func TestPromptsDiffer(t *testing.T) {
	if one, other := prompt(50), prompt(50); one == other {
		t.Error("two prompts are one: the prefix cache of a single worker would serve both")
	}
}

package deploy

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"topobench/internal/plan"
)

// answer is that of one path of a server.
type answer struct {
	status int
	body   string
}

// recorded reads an answer of Dynamo 1.6.1: the body, then the status.
func recorded(t testing.TB, path ...string) answer {
	t.Helper()
	body := strings.TrimSpace(file(t, filepath.Join(path...)))
	i := strings.LastIndexByte(body, '\n')
	var status int
	if _, err := fmt.Sscan(body[i+1:], &status); err != nil {
		t.Fatal(err)
	}
	return answer{status, strings.TrimSpace(body[:i])}
}

// state is a server at one moment: its answers by path. A path without one is 404.
type state map[string]answer

// recordedState has the answers of a frontend of the model "tiny", by the folder's name.
func recordedState(t testing.TB, name string) state {
	t.Helper()
	return state{"/health": recorded(t, name, "health.txt"), "/v1/models": recorded(t, name, "models.txt"),
		"/v1/models/tiny/ready": recorded(t, name, "ready.txt")}
}

// with is the state with a text of one answer replaced.
func (s state) with(t testing.TB, path, from, to string) state {
	t.Helper()
	other := state{}
	for p, a := range s {
		if p == path {
			if !strings.Contains(a.body, from) {
				t.Fatalf("no %q in %s", from, a.body)
			}
			a.body = strings.Replace(a.body, from, to, 1)
		}
		other[p] = a
	}
	return other
}

// serve answers with the state of the moment; turn counts requests of /health.
func serve(t testing.TB, now func(turn int) state) (address string) {
	t.Helper()
	var turn atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := turn.Load()
		if r.URL.Path == "/health" {
			n = turn.Add(1)
		}
		a, known := now(int(n))[r.URL.Path]
		if !known {
			a.status = http.StatusNotFound
		}
		w.WriteHeader(a.status)
		if _, err := io.WriteString(w, a.body); err != nil {
			t.Log(err) // the client may be gone by then
		}
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func still(s state) func(int) state { return func(int) state { return s } }

// gate2P1D is the gate of a frontend that waits for two prefill workers and one decode worker.
func gate2P1D(address string) plan.Gate {
	return plan.Gate{Kind: plan.GateFrontend, Address: address, Model: "tiny", Namespace: "bench", Prefill: 2, Decode: 1, Deadline: 30 * time.Second}
}

// closed is an address where nothing listens.
func closed(t testing.TB) string {
	t.Helper()
	s := httptest.NewServer(http.NotFoundHandler())
	address := s.Listener.Addr().String()
	s.Close()
	return address
}

func file(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func wantWords(t testing.TB, why, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%s: no %q in\n%s", why, word, text)
		}
	}
}

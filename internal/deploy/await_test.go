package deploy

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/plan"
)

// fronted is a service with a gate, and with text in its log.
func fronted(t *testing.T, g plan.Gate, text string) plan.Service {
	t.Helper()
	log := filepath.Join(t.TempDir(), "frontend.log")
	if err := os.WriteFile(log, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return plan.Service{Name: "frontend", Role: plan.Frontend, Log: log, Gate: g}
}

// notes gathers the notes of Await, which come from one goroutine.
type notes struct{ lines []string }

func (n *notes) add(line string)  { n.lines = append(n.lines, line) }
func (n *notes) text() string     { return strings.Join(n.lines, "\n") }
func (n *notes) has(w string) int { return strings.Count(n.text(), w) }

func TestAwaitNotesEveryStepOnce(t *testing.T) {
	steps := []state{recordedState(t, "0-no-workers"), recordedState(t, "1-one-prefill"), recordedState(t, "2-1p1d"), recordedState(t, "3-2p1d"), routed(t)}
	address := serve(t, func(turn int) state { return steps[min((turn-1)/2, len(steps)-1)] })
	var noted notes
	since, err := NewProber(host.Local{}).Await(t.Context(), fronted(t, gate2P1D(address), ""), noted.add)
	if err != nil || since.IsZero() {
		t.Fatalf("%v at %v, want it open\n%s", err, since, noted.text())
	}
	want := "instances: 0 of 2 prefill, 0 of 1 serving\ninstances: 1 of 2 prefill, 0 of 1 serving\n" +
		"instances: 1 of 2 prefill, 1 of 1 serving\nrouter: 1 of 2 prefill, 1 of 1 serving"
	if noted.text() != want {
		t.Errorf("notes\n%s\nwant\n%s", noted.text(), want)
	}
}

// Two good answers and a bad one, again and again: not ready. Three in a row are.
func TestAwaitFlapping(t *testing.T) {
	t.Parallel()
	bad := recordedState(t, "2-1p1d")
	flap := func(turn int) state {
		if turn%3 == 0 {
			return bad
		}
		return routed(t)
	}
	g := gate2P1D(serve(t, flap))
	g.Deadline = time.Second
	_, err := NewProber(host.Local{}).Await(t.Context(), fronted(t, g, ""), func(string) {})
	if _, ok := errors.AsType[*NotReadyError](err); !ok {
		t.Errorf("error %v, want *NotReadyError", err)
	}
	var asked int
	g = gate2P1D(serve(t, func(turn int) state { asked = turn; return routed(t) }))
	if _, err := NewProber(host.Local{}).Await(t.Context(), fronted(t, g, ""), func(string) {}); err != nil || asked != required {
		t.Errorf("error %v after %d good answers, want none after %d", err, asked, required)
	}
}

// A service is ready since the first of the good answers, not the third.
func TestAwaitDatesTheFirstGoodAnswer(t *testing.T) {
	var second time.Time
	address := serve(t, func(turn int) state {
		if turn == 2 && second.IsZero() {
			second = time.Now()
		}
		return routed(t)
	})
	since, err := NewProber(host.Local{}).Await(t.Context(), fronted(t, gate2P1D(address), ""), func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	if !since.Before(second) {
		t.Errorf("ready at %s, but the second question came at %s", since, second)
	}
}

func TestAwaitEndsWithTheCauseOfItsContext(t *testing.T) {
	cause := errors.New("decode-0 died: exit 1")
	ctx, cancel := context.WithCancelCause(t.Context())
	g := gate2P1D(serve(t, func(turn int) state {
		if turn == 3 {
			cancel(cause)
		}
		return recordedState(t, "2-1p1d")
	}))
	began := time.Now()
	_, err := NewProber(host.Local{}).Await(ctx, fronted(t, g, ""), func(string) {})
	if !errors.Is(err, cause) {
		t.Errorf("error %v, want %v", err, cause)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it went on for %s", took)
	}
}

// The probe that the death of a service cuts off is no state of its gate.
func TestAwaitDoesNotNoteACutOffProbe(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	address := serve(t, func(int) state {
		cancel(&host.DiedError{Name: "aggregated-0", Tail: []string{"the cause"}})
		return state{}
	})
	var noted notes
	_, err := NewProber(host.Local{}).Await(ctx, fronted(t, plan.Gate{Kind: plan.GateVLLM, Address: address, Deadline: time.Minute}, ""), noted.add)
	if _, died := errors.AsType[*host.DiedError](err); !died || noted.text() != "" {
		t.Errorf("%v, noted %q", err, noted.text())
	}
}

func TestAwaitAtItsDeadline(t *testing.T) {
	g := gate2P1D(serve(t, still(recordedState(t, "2-1p1d"))))
	g.Deadline = 200 * time.Millisecond
	log := "INFO start\n\x1b[31mERROR\x1b[0m Error adding model from discovery: no such file\nINFO go on\nValueError: bad port\n"
	_, err := NewProber(host.Local{}).Await(t.Context(), fronted(t, g, log), func(string) {})
	missed, ok := errors.AsType[*NotReadyError](err)
	if !ok {
		t.Fatalf("error %v, want *NotReadyError", err)
	}
	if missed.Service != "frontend" || missed.After < g.Deadline {
		t.Errorf("%s after %s", missed.Service, missed.After)
	}
	wantWords(t, "the error", err.Error(), "frontend is not ready after", "instances: 1 of 2 prefill, 1 of 1 serving",
		"errors in its log:\n    ERROR Error adding model from discovery", "    ValueError: bad port")
	if strings.Contains(err.Error(), "INFO") {
		t.Errorf("lines that are no errors are hints:\n%v", err)
	}
}

func TestAwaitHintsAtAStall(t *testing.T) {
	t.Parallel()
	g := gate2P1D(serve(t, still(recordedState(t, "0-no-workers"))))
	g.Deadline, g.Stall = time.Second, 100*time.Millisecond
	var noted notes
	_, err := NewProber(host.Local{}).Await(t.Context(), fronted(t, g, "ERROR cannot reach the hub\n"), noted.add)
	if err == nil {
		t.Fatal("it is ready with no workers")
	}
	if n := noted.has("its log has not grown for 100ms"); n != 1 {
		t.Errorf("one standstill has %d hints:\n%s", n, noted.text())
	}
	wantWords(t, "the hint", noted.text(), "its last error: ERROR cannot reach the hub")
}

// An old frontend fetches an unknown model, fails, and lists nothing for ever;
// only its log has the reason, and only after a while.
func TestAwaitNotesWhyNoModelIsListed(t *testing.T) {
	t.Parallel()
	s := fronted(t, plan.Gate{}, "")
	address := serve(t, func(turn int) state {
		if turn == 4 {
			if err := os.WriteFile(s.Log, []byte("ERROR Error adding model from discovery\n"), 0o600); err != nil {
				t.Error(err)
			}
		}
		return routed(t).with(t, "/v1/models", `{"id":"tiny","object":"model"`, `{"id":"","object":"model"`)
	})
	s.Gate = gate2P1D(address)
	s.Gate.Deadline = time.Second
	var noted notes
	if _, err := NewProber(host.Local{}).Await(t.Context(), s, noted.add); err == nil {
		t.Fatal("it is ready without a model")
	}
	if n := noted.has("ERROR Error adding model"); n != 1 {
		t.Errorf("%d notes of the reason, want one:\n%s", n, noted.text())
	}
}

func TestStall(t *testing.T) {
	log := filepath.Join(t.TempDir(), "x.log")
	grow := func(text string) {
		if err := os.WriteFile(log, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	begin := time.Unix(0, 0)
	at := func(s int) time.Time { return begin.Add(time.Duration(s) * time.Second) }
	s := newStall(host.Local{}, log, 10*time.Second, begin)
	for _, step := range []struct {
		second int
		grow   string
		hint   bool
	}{{5, "", false}, {10, "", true}, {15, "", false}, {16, "more", false}, {25, "", false}, {26, "", true}, {99, "", false}} {
		if step.grow != "" {
			grow(step.grow)
		}
		if hint := s.check(t.Context(), at(step.second)); (hint != "") != step.hint {
			t.Errorf("second %d: hint %q, want one: %t", step.second, hint, step.hint)
		}
	}
}

func TestErrorLines(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "x.log")
	text := strings.Repeat("x", 300<<10) + "\n" + strings.Repeat("ERROR early\n", 10) + "progress 1%\rERROR late\rthread 'main' panicked at x\nno terror here\nerrors: 0\n"
	if err := os.WriteFile(log, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(errorLines(t.Context(), host.Local{}, log), "|"), "ERROR early|ERROR early|ERROR early|ERROR late|thread 'main' panicked at x"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := errorLines(t.Context(), host.Local{}, log+".none"); got != nil {
		t.Errorf("a log that is not there has errors: %v", got)
	}
}

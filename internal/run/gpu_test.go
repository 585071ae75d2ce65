package run

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"topobench/internal/deploy"
	"topobench/internal/plan"
	"topobench/internal/ui"
	"topobench/internal/verdict"
)

func TestF33ChecksOfACell(t *testing.T) {
	h := plan.Hardware{Devices: []int{0, 3}}
	for _, row := range []struct {
		why  string
		seen gpuLooks
		want []string // name, state and a part of the detail
	}{
		{"only ours", gpuLooks{n: 2, sure: true}, []string{"gpu-shared valid only ours on GPU 0 3 in 2 looks"}},
		{"a stranger", gpuLooks{n: 3, sure: true, foreign: []string{"process 7", "process 8"}}, []string{"gpu-shared invalid gpu-shared: process 7; process 8"}},
		{"a stranger, seen before nvidia-smi hung", gpuLooks{n: 2, missed: 1, blind: true, sure: true, foreign: []string{"process 7"}, failure: errors.New("x")}, []string{"gpu-shared invalid"}},
		{"nvidia-smi hung at last", gpuLooks{n: 9, missed: 1, blind: true, sure: true, failure: errors.New("GPUs\nunknown")},
			[]string{"gpu-shared unchecked 9 looks, 1 without an answer: GPUs; unknown"}},
		{"it hung once, and then no more", gpuLooks{n: 9, missed: 1, sure: true, failure: errors.New("x")},
			[]string{"gpu-shared valid only ours on GPU 0 3 in 9 looks, 1 without an answer"}},
		{"it hung as often as it answered", gpuLooks{n: 4, missed: 2, sure: true, failure: errors.New("x")}, []string{"gpu-shared valid"}},
		{"it hung more often than it answered", gpuLooks{n: 3, missed: 2, sure: true, failure: errors.New("x")},
			[]string{"gpu-shared unchecked 3 looks, 2 without an answer: x"}},
		{"its pids mean nothing here", gpuLooks{n: 2}, []string{"gpu-shared valid nvidia-smi shows no process of ours"}},
		{"slow, and no worse for that", gpuLooks{n: 2, sure: true, slowed: map[string]bool{"GPU 3: b": true, "GPU 0: a": true}},
			[]string{"gpu-shared valid", "gpu-clocks valid slowed down during the cell: GPU 0: a; GPU 3: b"}},
	} {
		got := row.seen.checks(h)
		if len(got) != len(row.want) {
			t.Errorf("%s: %v", row.why, got)
			continue
		}
		for i, check := range got {
			if text := check.Name + " " + string(check.State) + " " + check.Detail; !strings.HasPrefix(text, row.want[i]) {
				t.Errorf("%s: %q, want %q", row.why, text, row.want[i])
			}
		}
		if v := (verdict.Verdict{}).With(got...); len(row.want) > 1 && v.State != verdict.Valid {
			t.Errorf("%s: %v", row.why, v)
		}
	}
}

// A look that fails, be it a wedged driver for 20 s, costs a cell nothing when those
// after it have answered.
func TestF33OneMissedLookIsNoDoubt(t *testing.T) {
	var seen gpuLooks
	state := func() verdict.State { return seen.checks(plan.Hardware{Devices: []int{0}})[0].State }
	for i, step := range []struct {
		missed bool
		want   verdict.State
	}{{false, verdict.Valid}, {true, verdict.Unchecked}, {false, verdict.Valid}, {true, verdict.Unchecked}, {true, verdict.Unchecked},
		{false, verdict.Valid}, {true, verdict.Unchecked}, {true, verdict.Unchecked}, {false, verdict.Unchecked}, {false, verdict.Valid}} {
		if step.missed {
			seen.miss(errors.New("it has not answered within 20s"))
		} else {
			seen.add(nil, true)
		}
		if got := state(); got != step.want {
			t.Errorf("after look %d: %s, want %s", i+1, got, step.want)
		}
	}
	seen.add([]string{"process 7"}, true)
	seen.add([]string{"process 7"}, false)
	if state() != verdict.Invalid || len(seen.foreign) != 1 {
		t.Errorf("a stranger, twice: %+v", seen)
	}
}

func TestWhenFreeGivesUp(t *testing.T) {
	c := &Campaign{Screen: ui.New(ui.Options{Out: new(strings.Builder), Now: time.Now})}
	defer c.Screen.Close()
	busy, broken := &deploy.BusyError{GPUs: true}, errors.New("broken")
	for _, row := range []struct {
		why  string
		says error
	}{{"they are busy, and nobody waits", busy}, {"it cannot be told", broken}, {"they are free", nil}} {
		asked := 0
		err := c.whenFree(context.Background(), func() error {
			asked++
			return row.says
		})
		if err != row.says || asked != 1 {
			t.Errorf("%s: %v after %d questions", row.why, err, asked)
		}
	}
}

func TestEveryEndsWithItsStop(t *testing.T) {
	done, running := make(chan bool), false
	stop := every(t.Context(), time.Millisecond, func(ctx context.Context) {
		running = true
		select {
		case done <- true:
		case <-ctx.Done(): // as an nvidia-smi that hangs, and is cut short
		}
		running = false
	})
	<-done
	<-done
	stop()
	stop() // twice is as good
	if running {
		t.Error("it goes on after its stop")
	}
}

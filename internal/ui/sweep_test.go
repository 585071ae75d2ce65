package ui

import (
	"strings"
	"testing"
	"time"
)

func TestAge(t *testing.T) {
	for _, row := range []struct {
		d    time.Duration
		want string
	}{
		{-time.Second, "0s"},
		{59*time.Second + 999*time.Millisecond, "59s"},
		{65 * time.Second, "1m05s"},
		{time.Hour - 1, "59m59s"},
		{62 * time.Minute, "1h02m"},
		{100 * time.Hour, "100h00m"},
	} {
		if got := age(row.d); got != row.want {
			t.Errorf("%v: got %s, want %s", row.d, got, row.want)
		}
	}
}

func TestBarKeepsItsWidth(t *testing.T) {
	for _, row := range []struct {
		sweep Sweep
		full  int
	}{
		{Sweep{All: 4}, 0},
		{Sweep{Done: 1, All: 4, Requests: 5, Asked: 10}, 3},
		{Sweep{Done: 4, All: 4}, barWidth},
		{Sweep{Done: 4, All: 4, Requests: 30, Asked: 10}, barWidth},
		{Sweep{Done: 9, All: 4}, barWidth},
		{Sweep{Done: -9, All: 4}, 0},
	} {
		bar := row.sweep.bar()
		if got := strings.Count(bar, "#"); got != row.full || len(bar) != barWidth+2 {
			t.Errorf("%+v: %s has %d filled, want %d", row.sweep, bar, got, row.full)
		}
	}
}

func TestProgressCountsRounds(t *testing.T) {
	for _, row := range []struct {
		sweep Sweep
		want  string
	}{
		{Sweep{Done: 1, All: 4}, "cells 1/4"},
		{Sweep{Round: 2, Rounds: 4, Done: 5, All: 16, Concurrency: 2, Left: 90 * time.Second}, "round 2/4  cells 5/16  about 1m30s left  concurrency 2"},
		{Sweep{Round: 3, Done: 5, All: 6}, "round 3  cells 5/6"},
	} {
		if got := row.sweep.text(); got != row.want {
			t.Errorf("got %q, want %q", got, row.want)
		}
	}
}

func TestETA(t *testing.T) {
	cells := []Cell{{1, 10 * time.Second}, {2, 20 * time.Second}, {2, 30 * time.Second}, {8, 80 * time.Second}}
	for _, row := range []struct {
		why      string
		finished []Cell
		left     []int
		running  time.Duration
		want     time.Duration
	}{
		{"cells of the same concurrency are averaged", cells, []int{2}, 0, 25 * time.Second},
		{"the nearest concurrency by ratio counts", cells, []int{16, 3}, 0, 105 * time.Second},
		{"the higher of two equally near ones counts", cells, []int{4}, 0, 80 * time.Second},
		{"the time of the running cell is subtracted", cells, []int{2, 1}, 5 * time.Second, 30 * time.Second},
		{"a cell that runs longer than expected counts as 0", cells, []int{2, 1}, time.Hour, 10 * time.Second},
		{"no cell is left", cells, nil, 0, 0},
		{"concurrency 0 does not divide by zero", []Cell{{0, time.Second}}, []int{0}, 0, time.Second},
	} {
		got, ok := ETA(row.finished, row.left, row.running)
		if !ok || got != row.want {
			t.Errorf("%s: got %v %t, want %v", row.why, got, ok, row.want)
		}
	}
	if _, ok := ETA(nil, []int{1}, 0); ok {
		t.Error("an estimate without a finished cell")
	}
}

// The time that is left is on the screen whatever the number of rounds; the bar is where it has room.
func TestTheTimeThatIsLeftFits80Columns(t *testing.T) {
	for _, row := range []struct {
		sweep Sweep
		bar   bool
	}{
		{Sweep{Done: 1, All: 4, Concurrency: 2, Requests: 11, Asked: 20, Left: 3 * time.Minute}, true},
		{Sweep{Round: 12, Rounds: 12, Done: 200, All: 216, Concurrency: 1024, Requests: 9000, Asked: 10240, Left: 754 * time.Minute}, false},
	} {
		m := model{Options: Options{TTY: true, Size: func() (int, int) { return 80, 24 }, Now: time.Now}, sweep: row.sweep}
		shown := m.frame()[0].render(false, 79)
		if strings.Contains(shown, "]") != row.bar || !strings.Contains(shown, " left  concurrency ") || len(shown) > 79 {
			t.Errorf("got %q", shown)
		}
	}
}

package ui

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// clock advances only when a test moves it.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func (c *clock) pass(d time.Duration) { c.t = c.t.Add(d) }

func onScreen(s *screen) (*View, *clock) {
	c := &clock{t: time.Date(2026, 11, 24, 9, 48, 5, 0, time.UTC)}
	return newView(Options{Out: s, TTY: true, Size: s.size, Now: c.now}), c
}

// story replays a short run, and calls shot after each step.
func story(v *View, c *clock, shot func(step string)) {
	step := func(name string, changes ...func()) {
		for _, change := range changes {
			change()
		}
		v.draw()
		shot(name)
	}
	decode := Service{Name: "decode-1", Host: "node1", State: Starting, GPUs: []int{4, 5, 6, 7}, Port: 8002}
	router := Service{Name: "frontend", State: Waiting, Port: 8000}
	step("up", func() { v.Phase("topology demo-disagg 1/2: up") }, func() { v.Service(decode) }, func() { v.Service(router) })
	c.pass(42 * time.Second)
	decode.Detail = "\x1b[32mINFO\x1b[0m\tLoading safetensors checkpoint shards:  40% Completed | 2/5 [00:31<00:46, 15.6s/it]\r\n"
	step("42 s later", func() { v.Service(decode) })
	decode.State, decode.Detail, router.State = Ready, "", Starting
	step("decode is ready", func() { v.Service(decode) }, func() { v.Service(router) })
	router.State = Ready
	v.Service(router)
	step("proof", func() { v.Sweep(Sweep{Proof: "served no request yet: \x1b[2Jdecode-1"}) })
	step("sweep", func() { v.Sweep(Sweep{Done: 0, All: 4, Concurrency: 1, Asked: 10}) })
	c.pass(65 * time.Second)
	step("a cell is done", func() { v.Note("concurrency 1: 45.0 tok/s/user, 80.1 tok/s/GPU") },
		func() {
			v.Sweep(Sweep{Done: 1, All: 4, Concurrency: 2, Requests: 11, Asked: 20, Left: 185 * time.Second})
		})
	decode.State, decode.Detail = Died, "killed by signal 9 (not by topobench)"
	step("decode dies", func() { v.Service(decode) }, func() { v.Note("  last line\n  of its log\n") })
	router.State = Gone
	step("closed", func() { v.Service(router) }, func() { v.change(func(m *model) { m.sweep = Sweep{} }) })
}

func film(t *testing.T, columns int) string {
	s := newScreen(t, columns, 24)
	v, c := onScreen(s)
	var b strings.Builder
	story(v, c, func(step string) { fmt.Fprintf(&b, "--- %s\n%s\n", step, s) })
	return b.String()
}

func TestScreenOf80Columns(t *testing.T) { golden(t, "80", film(t, 80)) }

func TestScreenOf20Columns(t *testing.T) { golden(t, "20", film(t, 20)) }

func TestLogWithoutATerminal(t *testing.T) {
	var b bytes.Buffer
	c := &clock{t: time.Date(2026, 11, 24, 9, 48, 5, 0, time.UTC)}
	story(newView(Options{Out: &b, Now: c.now}), c, func(string) {})
	golden(t, "plain", b.String())
}

func TestLogGetsAProgressLineEvery10Seconds(t *testing.T) {
	var b bytes.Buffer
	c := &clock{t: time.Date(2026, 11, 24, 9, 48, 5, 0, time.UTC)}
	v := newView(Options{Out: &b, Now: c.now})
	v.Service(Service{Name: "decode-1", State: Starting})
	for range 350 {
		v.draw()
		c.pass(100 * time.Millisecond)
	}
	want := "[+0.0s] decode-1 starting\n[+10.0s] decode-1 starting 10s\n" +
		"[+20.0s] decode-1 starting 20s\n[+30.0s] decode-1 starting 30s\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func TestColoursOnlyWithColor(t *testing.T) {
	s := newScreen(t, 80, 24)
	for _, color := range []bool{false, true} {
		var b bytes.Buffer
		c := &clock{}
		v := newView(Options{Out: &b, TTY: true, Color: color, Size: s.size, Now: c.now})
		story(v, c, func(string) {})
		if got := strings.Contains(b.String(), "\x1b[32mready"); got != color {
			t.Errorf("colour %t: the output has colours: %t", color, got)
		}
		if strings.Contains(b.String(), "?25l") {
			t.Error("the cursor is hidden")
		}
	}
}

func TestAnUnchangedFrameIsNotDrawn(t *testing.T) {
	s := newScreen(t, 80, 24)
	v, c := onScreen(s)
	v.Service(Service{Name: "decode-1", State: Starting})
	for range 9 {
		v.draw()
		c.pass(100 * time.Millisecond)
	}
	if s.writes != 1 {
		t.Errorf("%d writes, want 1", s.writes)
	}
}

func TestResizeErasesNoLastingLine(t *testing.T) {
	s := newScreen(t, 80, 24)
	v, c := onScreen(s)
	for i := range 5 {
		v.Note(fmt.Sprintf("note %d", i))
	}
	for _, columns := range []int{80, 30, 12, 60, 100} {
		s.resize(columns)
		for i := range 3 {
			v.Service(Service{Name: fmt.Sprintf("decode-%d", i), State: Starting, Detail: strings.Repeat("log ", 30)})
		}
		v.draw()
		c.pass(time.Second)
		for i := range 5 {
			if !strings.Contains(s.String(), fmt.Sprintf("note %d", i)) {
				t.Fatalf("at %d columns note %d is gone:\n%s", columns, i, s)
			}
		}
	}
	v.change(func(m *model) { m.services = nil })
	v.draw()
	if s.x != 0 || s.lines[s.y] != "" {
		t.Errorf("the cursor is not on a free line:\n%s", s)
	}
}

func TestManyServicesFitALowTerminal(t *testing.T) {
	for _, rows := range []int{1, 2, 3, 4, 5, 9, 10, 24} {
		s := newScreen(t, 80, rows)
		v, c := onScreen(s)
		for i := range 8 {
			v.Service(Service{Name: fmt.Sprintf("decode-%d", i), State: Starting})
		}
		v.Sweep(Sweep{All: 4})
		for range 5 {
			v.draw()
			c.pass(time.Second)
		}
		if got := strings.Count(s.String(), "cells 0/4"); got != 1 && rows > 1 {
			t.Errorf("with %d rows the sweep is shown %d times:\n%s", rows, got, s)
		}
		if got := strings.Count(s.String(), "decode-0"); got > 1 {
			t.Errorf("with %d rows a service is shown %d times:\n%s", rows, got, s)
		}
		if hidden := 8 - strings.Count(s.String(), "decode-"); rows > 2 && hidden > 0 &&
			!strings.Contains(s.String(), fmt.Sprintf("and %d more", hidden)) {
			t.Errorf("with %d rows %d services are hidden, but no line counts them:\n%s", rows, hidden, s)
		}
	}
}

func TestConcurrentCalls(t *testing.T) {
	var b bytes.Buffer
	v := New(Options{Out: &b, TTY: true, Size: func() (int, int) { return 80, 24 }, Now: time.Now})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for k := range 50 {
				v.Note(fmt.Sprintf("<%d.%d>", i, k))
				v.Service(Service{Name: fmt.Sprint(i), State: Starting, Detail: fmt.Sprint(k)})
				v.Sweep(Sweep{Done: k, All: 50})
			}
		})
	}
	wg.Wait()
	v.Close()
	for i := range 8 {
		for k := range 50 {
			if note := fmt.Sprintf("<%d.%d>\n", i, k); strings.Count(b.String(), note) != 1 {
				t.Fatalf("%q is not printed exactly once", note)
			}
		}
	}
}

// Package ui shows the user the progress of a command.
//
// On a terminal it redraws the services and the sweep in place, below the lines that stay.
// Elsewhere each change is a line of its own. The screen never fails and never holds up the
// work: after an error of the output, the rest is dropped.
package ui

import (
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"topobench/internal/text"
)

// State is the state of a service.
type State string

// The states of a service, in order.
const (
	Waiting  State = "waiting"
	Starting State = "starting"
	Ready    State = "ready"
	Stopping State = "stopping"
	Gone     State = "gone" // leaves the screen
	Died     State = "died" // leaves the screen, and a line about it stays
)

// Service is one process of a topology, identified by its name.
type Service struct {
	Name   string
	State  State
	Host   string // name of its machine; "" = this one
	GPUs   []int  // CUDA_VISIBLE_DEVICES; none = nothing shown
	Port   int    // 0 = nothing shown
	Detail string // such as its last log line; control characters are removed
}

// Sweep is the progress of a run. The zero value removes the bar from the screen.
type Sweep struct {
	Proof           string        // before the first cell: the progress of the first completions
	Round, Rounds   int           // counts from 1; 0 = a single round, or an unknown number of them
	Done, All       int           // cells of the run
	Concurrency     int           // of the running cell; 0 = none runs
	Requests, Asked int           // finished and planned requests of the running cell; 0 planned = unknown
	Left            time.Duration // until the end of the run, see ETA; 0 = unknown
}

// Options describe the output of a View.
type Options struct {
	Out   io.Writer
	TTY   bool                       // redraw in place
	Color bool                       // only with TTY
	Size  func() (columns, rows int) // of the terminal, read before each frame; only with TTY
	Now   func() time.Time
}

const (
	tickEvery     = 250 * time.Millisecond // between frames; each frame wakes the machine under test
	progressEvery = 10 * time.Second       // between progress lines without a terminal
	closePatience = time.Second            // a terminal stopped by Ctrl-S must not delay the exit
)

// View is the screen. Its methods only record changes, and one goroutine draws, so no method waits for the terminal.
type View struct {
	stop chan struct{}
	done chan struct{}
	pen  pen // used only by the goroutine

	mu    sync.Mutex
	model model
}

// New starts a View with an empty screen. The caller must call Close.
func New(o Options) *View {
	v := newView(o)
	go v.run(time.NewTicker(tickEvery))
	return v
}

func newView(o Options) *View {
	return &View{
		stop:  make(chan struct{}),
		done:  make(chan struct{}),
		model: model{Options: o, start: o.Now(), changed: map[string]time.Time{}},
		pen:   pen{Options: o},
	}
}

// Phase writes a heading that stays, such as "topology demo-disagg 1/2: up".
func (v *View) Phase(name string) {
	v.change(func(m *model) { m.lasting(line{{text: text.Clean(name), style: bold}}) })
}

// Note writes lines that stay.
func (v *View) Note(lines string) {
	v.change(func(m *model) {
		for part := range strings.SplitSeq(strings.TrimRight(lines, "\n"), "\n") {
			m.lasting(line{{text: text.Clean(part)}})
		}
	})
}

// Service shows s, in place of the service of that name.
func (v *View) Service(s Service) {
	s.GPUs = slices.Clone(s.GPUs)
	v.change(func(m *model) { m.service(s) })
}

// Sweep shows s, in place of the sweep shown before.
func (v *View) Sweep(s Sweep) { v.change(func(m *model) { m.sweep = s }) }

// Close draws the remaining lines, removes the moving lines from the screen and ends the goroutine. It waits at most a
// second for a terminal that accepts no output. No method may be called after it.
func (v *View) Close() {
	v.change(func(m *model) { m.services, m.sweep = nil, Sweep{} })
	close(v.stop)
	select {
	case <-v.done:
	case <-time.After(closePatience):
	}
}

func (v *View) change(f func(*model)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f(&v.model)
}

func (v *View) run(ticker *time.Ticker) {
	defer close(v.done)
	defer ticker.Stop()
	for {
		select {
		case <-v.stop:
			v.draw()
			return
		case <-ticker.C:
			v.draw()
		}
	}
}

// draw writes outside the lock: a stopped terminal must not stop the benchmark.
func (v *View) draw() {
	v.mu.Lock()
	lasting, live := v.model.take()
	v.mu.Unlock()
	v.pen.draw(lasting, live)
}

// Package ui shows the user what happens meanwhile.
//
// On a terminal the services and the sweep are redrawn in place below the
// lines that stay; elsewhere each change is a line of its own. Showing never
// fails and never holds up the work: what the screen does not take is dropped.
package ui

import (
	"io"
	"slices"
	"sync"
	"time"
)

// State is how far a service is.
type State string

// The states of a service, in the order of its life.
const (
	Waiting  State = "waiting"
	Starting State = "starting"
	Ready    State = "ready"
	Stopping State = "stopping"
	Gone     State = "gone" // leaves the screen
	Died     State = "died" // leaves the screen, as a line that stays
)

// Service is what is known of one process of a topology. Name is its identity.
type Service struct {
	Name   string
	State  State
	GPUs   []int  // CUDA_VISIBLE_DEVICES; none = nothing shown
	Port   int    // 0 = nothing shown
	Detail string // such as its last log line; foreign text is made harmless
}

// Sweep is how far the loads of one topology are. The zero value takes the
// bar off the screen.
type Sweep struct {
	Proof           string        // before the first cell: how far the proof is that everybody serves
	Done, All       int           // cells
	Concurrency     int           // of the running cell; 0 = none runs
	Requests, Asked int           // of the running cell; Asked 0 = unknown
	Left            time.Duration // until the sweep ends, see ETA; 0 = unknown
}

// Options are the surroundings of a View.
type Options struct {
	Out   io.Writer
	TTY   bool                       // redraw in place
	Color bool                       // only with TTY
	Size  func() (columns, rows int) // of the terminal, asked before each frame; only with TTY
	Now   func() time.Time
}

const (
	tickEvery     = 250 * time.Millisecond // a frame so often: each costs a wake of the machine that is measured
	progressEvery = 10 * time.Second       // without a terminal
	closePatience = time.Second            // a terminal held by Ctrl-S must not hold the exit
)

// View is the screen. Its methods only note what is new, so that they never
// wait for the terminal; one goroutine of the View draws.
type View struct {
	stop chan struct{}
	done chan struct{}
	pen  pen // of the goroutine alone

	mu    sync.Mutex
	model model
}

// New shows nothing yet. Close must be called.
func New(o Options) *View {
	v := newView(o)
	go v.run(time.NewTicker(tickEvery))
	return v
}

func newView(o Options) *View {
	return &View{
		stop:  make(chan struct{}),
		done:  make(chan struct{}),
		model: model{tty: o.TTY, now: o.Now, start: o.Now(), changed: map[string]time.Time{}},
		pen:   pen{out: o.Out, tty: o.TTY, color: o.TTY && o.Color, size: o.Size},
	}
}

// Phase writes a heading that stays, such as "topology demo-disagg 1/2: up".
func (v *View) Phase(text string) { v.change(func(m *model) { m.phase(text) }) }

// Note writes lines that stay.
func (v *View) Note(text string) { v.change(func(m *model) { m.note(text) }) }

// Service shows s in place of what was shown under its name.
func (v *View) Service(s Service) {
	s.GPUs = slices.Clone(s.GPUs)
	v.change(func(m *model) { m.service(s) })
}

// Sweep shows s in place of the sweep shown before.
func (v *View) Sweep(s Sweep) { v.change(func(m *model) { m.sweep = s }) }

// Close shows what is still to be shown, takes the moving lines off the screen
// and ends the goroutine. It waits a second at most for a screen that takes
// nothing. No method may be called after it.
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

// draw writes outside the lock: a terminal that stands still must not stop the
// benchmark.
func (v *View) draw() {
	v.mu.Lock()
	lasting, live := v.model.take()
	v.mu.Unlock()
	v.pen.draw(lasting, live)
}

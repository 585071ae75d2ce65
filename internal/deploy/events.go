package deploy

import (
	"sync"
	"time"

	"topobench/internal/plan"
)

// Event is a step of a stack: one of the types below.
type Event interface{ event() }

// WaveStarting comes before the services of a wave are started.
type WaveStarting struct{}

// ServiceChanged is a change of one service. While a gate is closed the state stays
// Starting, and Detail is why.
type ServiceChanged struct {
	Service plan.Service
	State   State
	PID     int // with the first Starting; 0 = not known
	Detail  string
}

// TeardownStarting is the start of a teardown.
type TeardownStarting struct{}

// ProofStarting comes when every service was stopped, before the teardown checks.
type ProofStarting struct{}

// CheckDone is the result of a teardown check. It proves its part if Left is empty and
// Err is nil.
type CheckDone struct {
	Check string // its name, after that of another host
	Took  time.Duration
	Left  []Leftover
	Err   error // the check could not be made, or a foreign process has what it checks
}

// TeardownDone is the end of a teardown, also that of a failed start.
type TeardownDone struct {
	Times Times
	Err   error // nil = nothing is left
}

func (WaveStarting) event()     {}
func (ServiceChanged) event()   {}
func (TeardownStarting) event() {}
func (ProofStarting) event()    {}
func (CheckDone) event()        {}
func (TeardownDone) event()     {}

// State of a service, as the user sees it.
type State string

// The states, in order.
const (
	Starting State = "starting"
	Ready    State = "ready"
	Stopping State = "stopping"
	Gone     State = "gone"
	Died     State = "died"
)

const (
	// queueLength bounds the events that wait for a slow subscriber. A teardown of 100
	// services has about 210.
	queueLength = 4096
	// drainWithin is how long the end of a teardown waits for the subscriber.
	drainWithin = 10 * time.Second
)

// queue hands events to the subscriber, in order, on a goroutine of its own. A subscriber
// that blocks, on a stopped terminal or a hung disk, does not hold up post.
type queue struct {
	waiting chan delivery
	drained chan struct{}
	within  time.Duration // how long close waits

	mu     sync.Mutex
	closed bool
}

type delivery struct {
	event Event
	taken chan struct{}
}

func newQueue(subscriber func(Event)) *queue {
	q := &queue{waiting: make(chan delivery, queueLength), drained: make(chan struct{}), within: drainWithin}
	go func() {
		defer close(q.drained)
		for d := range q.waiting {
			if subscriber != nil {
				subscriber(d.event)
			}
			close(d.taken)
		}
	}()
	return q
}

// post never waits. taken is closed when the subscriber has returned; a full queue
// drops the event.
func (q *queue) post(e Event) (taken <-chan struct{}) {
	d := delivery{e, make(chan struct{})}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		close(d.taken)
		return d.taken
	}
	select {
	case q.waiting <- d:
	default:
		close(d.taken)
	}
	return d.taken
}

// close ends the queue once the subscriber has all events, or when within has passed.
func (q *queue) close() {
	q.mu.Lock()
	if !q.closed {
		q.closed = true
		close(q.waiting)
	}
	q.mu.Unlock()
	select {
	case <-q.drained:
	case <-time.After(q.within):
	}
}

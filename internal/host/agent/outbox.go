package agent

import (
	"errors"
	"io"
	"sync"
)

// outbox holds the lines that are still to be written. Adding never waits for the connection, so nothing that has to
// stop waits for it. Short messages go before the pieces of long ones.
type outbox struct {
	wake chan struct{} // has room for one
	done chan struct{} // closed when the writer has ended

	mu      sync.Mutex
	short   [][]byte
	bulky   [][]byte
	flowing [][]byte // of tunnelled connections
	turn    bool     // of a tunnelled connection, before a long message
	closed  bool
}

func newOutbox() *outbox { return &outbox{wake: make(chan struct{}, 1), done: make(chan struct{})} }

// put adds a message. It goes after the long messages if it is one or if after is set.
func (o *outbox) put(f frame, after bool) (bulky bool, err error) {
	lines, err := f.lines()
	if err != nil {
		return false, err
	}
	bulky = after || len(lines) > 1
	o.add(bulky, lines...)
	return bulky, nil
}

func (o *outbox) add(bulky bool, lines ...[]byte) {
	o.mu.Lock()
	if bulky {
		o.bulky = append(o.bulky, lines...)
	} else {
		o.short = append(o.short, lines...)
	}
	o.mu.Unlock()
	o.rouse()
}

// flow adds a frame of a tunnelled connection. Long messages and these connections take turns.
func (o *outbox) flow(f frame) {
	lines, err := f.lines()
	if err != nil {
		return // neither its data nor its fault can fail
	}
	o.mu.Lock()
	o.flowing = append(o.flowing, lines...)
	o.mu.Unlock()
	o.rouse()
}

func (o *outbox) rouse() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// close ends the writer once everything is written.
func (o *outbox) close() {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	o.rouse()
}

// take removes the next line; nil = there is none now.
func (o *outbox) take() (line []byte, closed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	queues := []*[][]byte{&o.short, &o.bulky, &o.flowing}
	if o.turn {
		queues[1], queues[2] = queues[2], queues[1]
	}
	for i, queue := range queues {
		if len(*queue) > 0 {
			line, *queue = (*queue)[0], (*queue)[1:]
			if i > 0 {
				o.turn = queue == &o.bulky
			}
			return line, false
		}
	}
	return nil, o.closed
}

// write writes lines until the outbox is closed or the connection ended.
func (o *outbox) write(out io.Writer, lose func(error)) {
	defer close(o.done)
	for {
		line, closed := o.take()
		switch {
		case closed:
			return
		case line == nil:
			<-o.wake
			continue
		}
		if _, err := out.Write(line); err != nil {
			lose(&endError{errors.New("the connection has ended")})
			return
		}
	}
}

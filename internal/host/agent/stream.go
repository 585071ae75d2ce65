package agent

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// Limits of a tunnelled connection, for each direction, in bytes. A reader that takes nothing holds up only its own
// connection: its other side sends no more than the window.
const (
	streamWindow = 512 << 10
	streamChunk  = 64 << 10 // of one frame
)

// Kinds of frames of a tunnelled connection. Their id is its number.
const (
	kindData = "tcp-data"
	kindRoom = "tcp-room" // the reader has taken that many bytes
	kindEnd  = "tcp-end"  // no more data comes from that side; a fault is why
	kindHalt = "tcp-halt" // that side takes no more data
	kindShut = "tcp-shut" // that side is closed
)

// stream is one end of a tunnelled connection. It is a net.Conn, with half-close.
type stream struct {
	id            uint64
	network       string
	local, remote string // addresses on the agent's machine
	send          func(frame)
	forget        func() // called once, when it is closed
	onShut        func() // called once, when the other side is closed; may be nil

	writing sync.Mutex // held by one Write at a time

	mu       sync.Mutex
	change   *sync.Cond
	inbox    bytes.Buffer
	taken    int   // bytes that were read since the last report of room
	room     int   // bytes that the other side still takes
	readEnd  error // after the inbox; io.EOF = an orderly end
	writeEnd error
	shut     bool // the other side is closed
	ended    bool // this side sends no more
	closed   bool
	readBy   *alarm
	writeBy  *alarm
}

// alarm is a deadline.
type alarm struct {
	rung  bool
	timer *time.Timer
}

func newStream(id uint64, network string, send func(frame)) *stream {
	s := &stream{id: id, network: network, send: send, room: streamWindow, readBy: &alarm{}, writeBy: &alarm{}}
	s.change = sync.NewCond(&s.mu)
	return s
}

// receive applies a frame of the other side. It never waits.
func (s *stream) receive(f frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.change.Broadcast()
	why := f.Fault.error()
	switch f.Kind {
	case kindData:
		if s.inbox.Len()+len(f.Data) > streamWindow {
			s.readEnd = cmp.Or(s.readEnd, fmt.Errorf("the other side has sent more than %d KiB at once",
				streamWindow>>10))
			return
		}
		s.inbox.Write(f.Data)
	case kindRoom:
		s.room += f.Count
	case kindEnd:
		s.readEnd = cmp.Or(s.readEnd, why, io.EOF)
	case kindHalt:
		s.writeEnd = cmp.Or(s.writeEnd, why, error(syscall.EPIPE))
	case kindShut:
		s.readEnd, s.writeEnd = cmp.Or(s.readEnd, why, io.EOF), cmp.Or(s.writeEnd, why, error(syscall.EPIPE))
		if !s.shut && s.onShut != nil {
			s.onShut()
		}
		s.shut = true
	}
}

// fail ends both directions, after what has been received.
func (s *stream) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readEnd, s.writeEnd = cmp.Or(s.readEnd, err), cmp.Or(s.writeEnd, err)
	s.change.Broadcast()
}

// fault is an error of an operation, as those of other connections are.
func (s *stream) fault(op string, err error) error {
	return &net.OpError{Op: op, Net: s.network, Source: s.LocalAddr(), Addr: s.RemoteAddr(), Err: err}
}

// Read waits for data, the end, or the deadline.
func (s *stream) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.closed:
			return 0, s.fault("read", net.ErrClosed)
		case s.readBy.rung:
			return 0, s.fault("read", os.ErrDeadlineExceeded)
		case s.inbox.Len() > 0 || len(p) == 0:
			n, _ := s.inbox.Read(p) // an empty inbox is the only error
			if s.taken += n; s.taken >= streamWindow/2 {
				s.send(frame{ID: s.id, Kind: kindRoom, Count: s.taken})
				s.taken = 0
			}
			return n, nil
		case s.readEnd == io.EOF:
			return 0, io.EOF
		case s.readEnd != nil:
			return 0, s.fault("read", s.readEnd)
		}
		s.change.Wait()
	}
}

// Write sends p in chunks, each when the other side has room for it.
func (s *stream) Write(p []byte) (n int, err error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	for {
		some, err := s.awaitRoom(len(p) - n)
		if err != nil {
			return n, s.fault("write", err)
		}
		if some > 0 {
			s.send(frame{ID: s.id, Kind: kindData, Data: p[n : n+some]})
		}
		if n += some; n == len(p) {
			return n, nil
		}
	}
}

// awaitRoom takes room for at most want bytes.
func (s *stream) awaitRoom(want int) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.closed, s.ended:
			return 0, net.ErrClosed
		case s.writeBy.rung:
			return 0, os.ErrDeadlineExceeded
		case s.writeEnd != nil:
			return 0, s.writeEnd
		case s.room > 0 || want == 0:
			n := min(want, s.room, streamChunk)
			s.room -= n
			return n, nil
		}
		s.change.Wait()
	}
}

// CloseWrite ends the data of this side; the other one reads it to the end.
func (s *stream) CloseWrite() error { return s.endWrite(nil) }

// endWrite ends the data of this side; a fault is why.
func (s *stream) endWrite(why error) error {
	s.mu.Lock()
	again := s.closed || s.ended
	s.ended = true
	s.change.Broadcast()
	s.mu.Unlock()
	if again {
		return s.fault("close", net.ErrClosed)
	}
	s.send(frame{ID: s.id, Kind: kindEnd, Fault: faultOf(why)})
	return nil
}

// Close ends both directions. The other side still gets what was written.
func (s *stream) Close() error {
	s.mu.Lock()
	again := s.closed
	s.closed = true
	for _, a := range []*alarm{s.readBy, s.writeBy} {
		if a.timer != nil {
			a.timer.Stop()
		}
	}
	s.change.Broadcast()
	s.mu.Unlock()
	if again {
		return s.fault("close", net.ErrClosed)
	}
	s.send(frame{ID: s.id, Kind: kindShut})
	if s.forget != nil {
		s.forget()
	}
	return nil
}

// isShut reports that the other side is closed.
func (s *stream) isShut() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shut
}

// SetReadDeadline, SetWriteDeadline and SetDeadline are those of a net.Conn; the zero time is none.
func (s *stream) SetReadDeadline(at time.Time) error  { return s.wake(&s.readBy, at) }
func (s *stream) SetWriteDeadline(at time.Time) error { return s.wake(&s.writeBy, at) }
func (s *stream) SetDeadline(at time.Time) error {
	return cmp.Or(s.SetReadDeadline(at), s.SetWriteDeadline(at))
}

// wake replaces an alarm.
func (s *stream) wake(which **alarm, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return s.fault("set", net.ErrClosed)
	}
	if (*which).timer != nil {
		(*which).timer.Stop()
	}
	a := &alarm{}
	*which = a
	switch wait := time.Until(at); {
	case at.IsZero():
	case wait <= 0:
		a.rung = true
	default:
		a.timer = time.AfterFunc(wait, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			a.rung = true
			s.change.Broadcast()
		})
	}
	s.change.Broadcast()
	return nil
}

// address is one of the agent's machine.
type address struct{ network, text string }

func (a address) Network() string { return a.network }
func (a address) String() string  { return a.text }

// LocalAddr and RemoteAddr are those of the connection that the agent made.
func (s *stream) LocalAddr() net.Addr  { return address{s.network, s.local} }
func (s *stream) RemoteAddr() net.Addr { return address{s.network, s.remote} }

package agent

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// connectCall makes a TCP connection from the agent's machine. Stream is the number of its frames.
type connectCall struct {
	Stream           uint64
	Network, Address string
}

type connectAnswer struct{ Local, Remote string } // addresses

// flushWithin is how long a server may take the rest of what a client had sent before it closed.
const flushWithin = 5 * time.Second

// tunnelled reports that a frame is one of a connection through the agent.
func (f frame) tunnelled() bool { return strings.HasPrefix(f.Kind, "tcp-") }

// stream queues a frame of a connection. Data and ends keep their order; a report of room is short, and goes before.
func (l *link) stream(f frame) {
	if f.Kind == kindRoom {
		_, _ = l.out.put(f, false) // it has no body that could fail
		return
	}
	l.out.flow(f)
}

// DialContext connects from the agent's machine to a TCP address. The connection ends with the client. Errors are
// those of package net, such as syscall.ECONNREFUSED in a *net.OpError.
func (c *Client) DialContext(ctx context.Context, network, to string) (net.Conn, error) {
	fail := func(err error) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: address{network, to}, Err: err}
	}
	if !slices.Contains([]string{"tcp", "tcp4", "tcp6"}, network) {
		return fail(net.UnknownNetworkError(network))
	}
	s := c.openStream(network)
	found, err := call[connectAnswer](ctx, c, callConnect, connectCall{s.id, network, to})
	if err != nil {
		_ = s.Close() // the agent may have connected meanwhile
		if ctx.Err() != nil && c.ctx.Err() == nil {
			err = ctx.Err() // as a dialer of package net returns it
		}
		return fail(err)
	}
	s.local, s.remote = found.Local, found.Remote
	return s, nil
}

// openStream registers a connection, before data of it could come.
func (c *Client) openStream(network string) *stream {
	c.mu.Lock()
	c.last++
	s := newStream(c.last, network, c.link.stream)
	c.streams[s.id] = s
	c.mu.Unlock()
	stop := context.AfterFunc(c.ctx, func() { s.fail(context.Cause(c.ctx)) })
	s.forget = func() {
		stop()
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.streams, s.id)
	}
	return s
}

// DialContext connects from the present agent's machine to a TCP address.
func (r *Remote) DialContext(ctx context.Context, network, to string) (net.Conn, error) {
	return r.Client().DialContext(ctx, network, to)
}

// connect makes a connection for the client, and passes its data on until both sides have ended.
func (v *serving) connect(ctx context.Context, q connectCall) (any, error) {
	conn, err := new(net.Dialer).DialContext(ctx, q.Network, q.Address)
	if err != nil {
		if op, is := errors.AsType[*net.OpError](err); is {
			err = op.Err // the client adds the rest
		}
		return none{}, err
	}
	s := newStream(q.Stream, q.Network, v.link.stream)
	s.onShut = func() { _ = conn.SetWriteDeadline(time.Now().Add(flushWithin)) } // a closed one needs none
	v.mu.Lock()
	late := ctx.Err() != nil || v.ending
	if !late {
		v.streams[s.id] = s
	}
	v.mu.Unlock()
	if late {
		return none{}, errors.Join(context.Cause(ctx), errors.New("the call was cancelled"), conn.Close())
	}
	go v.pass(s, conn)
	return connectAnswer{conn.LocalAddr().String(), conn.RemoteAddr().String()}, nil
}

// pass copies both directions of a connection until they have ended, or the agent stops.
func (v *serving) pass(s *stream, conn net.Conn) {
	stop := context.AfterFunc(v.work, func() {
		s.fail(context.Cause(v.work))
		_ = conn.Close() // pass closes it again
	})
	defer stop()
	var both sync.WaitGroup
	both.Go(func() {
		switch _, err := io.Copy(conn, s); {
		case s.isShut():
			_ = conn.Close() // ends the other direction too
		case err != nil:
			s.send(frame{ID: s.id, Kind: kindHalt, Fault: faultOf(inner(err))})
		default:
			_ = conn.(*net.TCPConn).CloseWrite() // the other direction shows a connection that is broken
		}
	})
	both.Go(func() {
		_, err := io.Copy(s, conn)
		_ = s.endWrite(inner(err)) // the client may have closed it
	})
	both.Wait()
	_ = conn.Close()
	_ = s.Close()
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.streams, s.id)
}

// inner is the cause of an error of a connection, without its addresses.
func inner(err error) error {
	if op, is := errors.AsType[*net.OpError](err); is {
		return op.Err
	}
	return err
}

// tunnel gives a frame to its connection. One that has ended needs no more.
func (v *serving) tunnel(f frame) {
	v.mu.Lock()
	s := v.streams[f.ID]
	v.mu.Unlock()
	if s != nil {
		s.receive(f)
	}
}

// tunnel gives a frame to its connection. One that was closed needs no more.
func (c *Client) tunnel(f frame) {
	c.mu.Lock()
	s := c.streams[f.ID]
	c.mu.Unlock()
	if s != nil {
		s.receive(f)
	}
}

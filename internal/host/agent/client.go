package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"topobench/internal/host"
)

// endWithin bounds the wait for the reason why a connection ended, and for the end of an agent after its goodbye.
const (
	endWithin   = 2 * time.Second
	leaveWithin = 15 * time.Second
)

// Client is the near end of a connection to an agent: a host and a machine. Its calls run at the same time, and fail
// with a *LostError once the connection is lost.
type Client struct {
	*link
	name   string
	conn   Conn
	hello  Hello
	offset time.Duration

	ctx    context.Context
	cancel context.CancelCauseFunc
	lost   sync.Once
	over   chan struct{} // closed when nothing more is read
	ended  chan struct{} // closed when the connection's program has ended; endErr is why
	endErr error

	mu       sync.Mutex
	last     uint64 // number of a call
	calls    map[uint64]chan frame
	children map[uint64]*child
	streams  map[uint64]*stream // tunnelled connections
}

func newClient(name string, grace time.Duration, conn Conn) *Client {
	c := &Client{link: newLink("its agent", grace), name: name, conn: conn,
		over: make(chan struct{}), ended: make(chan struct{}),
		calls: map[uint64]chan frame{}, children: map[uint64]*child{}, streams: map[uint64]*stream{}}
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	return c
}

// Hello describes the agent.
func (c *Client) Hello() Hello { return c.hello }

// Offset is the agent's clock minus this machine's.
func (c *Client) Offset() time.Duration { return c.offset }

// Context ends with a *LostError when the connection is lost or closed.
func (c *Client) Context() context.Context { return c.ctx }

// lose ends the connection. Only the first call counts.
func (c *Client) lose(err error) {
	c.lost.Do(func() {
		close(c.over)
		c.out.close()
		go func() {
			c.endErr = c.conn.End()
			close(c.ended)
		}()
		go func() {
			_, itself := errors.AsType[*endError](err)
			select {
			case <-c.ended:
				if itself && c.endErr != nil {
					err = c.endErr
				}
			case <-time.After(endWithin):
			}
			c.cancel(&LostError{Host: c.name, Err: err})
		}()
	})
}

// dispatch applies a message of the agent. It must not wait: heartbeats come the same way.
func (c *Client) dispatch(f frame) {
	if f.tunnelled() {
		c.tunnel(f)
		return
	}
	c.mu.Lock()
	answer, child := c.calls[f.ID], c.children[f.ID]
	if f.Kind == kindAnswer {
		delete(c.calls, f.ID)
	}
	c.mu.Unlock()
	switch {
	case f.Kind == kindEnding:
		c.ending(f.Fault.error())
	case f.Kind == kindAnswer && answer != nil:
		answer <- f // it has room
	case (f.Kind == kindDone || f.Kind == kindGone) && child != nil:
		child.apply(f)
	}
}

// ending notes that the agent ends by itself. It still reports which trees are gone.
func (c *Client) ending(why error) {
	lost := fmt.Errorf("its agent ends: %w", cmp.Or(why, io.EOF))
	c.cancel(&LostError{Host: c.name, Err: lost})
	time.AfterFunc(c.grace, func() { c.lose(lost) })
}

// open sends a call. A child is registered before the agent could report its end.
func (c *Client) open(kind string, q any, of *child) (id uint64, bulky bool, answer chan frame, err error) {
	body, err := json.Marshal(q)
	if err != nil {
		return 0, false, nil, fmt.Errorf("cannot encode a %s call: %w", kind, err)
	}
	answer = make(chan frame, 1)
	c.mu.Lock()
	c.last++
	id = c.last
	c.calls[id] = answer
	if of != nil {
		c.children[id] = of
	}
	c.mu.Unlock()
	bulky, err = c.out.put(frame{ID: id, Kind: kind, Body: body}, false)
	if err != nil {
		c.forget(id)
	}
	return id, bulky, answer, err
}

func (c *Client) forget(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.calls, id)
	delete(c.children, id)
}

// patient lists the calls that end something: they wait for its proof after they are cancelled.
func patient(kind string) bool {
	return slices.Contains([]string{callStop, callRun, callGoodbye}, kind)
}

// await waits for the answer of a call. When ctx ends it cancels the call.
func (c *Client) await(ctx context.Context, kind string, id uint64, bulky bool, answer chan frame) (frame, error) {
	over := ctx.Done()
	for {
		select {
		case f := <-answer:
			return f, f.Fault.error()
		case <-c.ctx.Done():
			c.forget(id)
			select {
			case f := <-answer: // it came before the end of the connection, as that to a goodbye does
				return f, f.Fault.error()
			default:
				return frame{}, context.Cause(c.ctx)
			}
		case <-over:
			over = nil
			_, _ = c.out.put(frame{ID: id, Kind: kindCancel}, bulky) // it has no body that could fail
			if !patient(kind) {
				c.forget(id)
				return frame{}, context.Cause(ctx)
			}
			if kind != callRun {
				c.hurried.Add(1)
				defer c.hurried.Add(-1)
			}
		}
	}
}

// call makes a call and decodes its answer, also that of a call that failed.
func call[A any](ctx context.Context, c *Client, kind string, q any) (a A, err error) {
	if ctx.Err() != nil && !patient(kind) {
		return a, context.Cause(ctx)
	}
	if c.ctx.Err() != nil {
		return a, context.Cause(c.ctx)
	}
	id, bulky, answer, err := c.open(kind, q, nil)
	if err != nil {
		return a, err
	}
	f, err := c.await(ctx, kind, id, bulky, answer)
	if len(f.Body) > 0 && string(f.Body) != "null" {
		if fault := json.Unmarshal(f.Body, &a); fault != nil && err == nil {
			err = fmt.Errorf("cannot read the answer to a %s call: %w", kind, fault)
		}
	}
	return a, err
}

// Close is the goodbye: the agent stops everything, without grace once ctx ends, removes its directory, and ends.
// Left has a line for each thing that it could not end or remove.
func (c *Client) Close(ctx context.Context) (left []string, err error) {
	left, err = call[[]string](ctx, c, callGoodbye, none{})
	if err != nil {
		return left, err
	}
	_ = c.conn.In.Close() // the agent ends by itself too
	select {
	case <-c.ctx.Done():
	case <-time.After(leaveWithin):
		c.lose(errors.New("its agent did not end after its goodbye"))
		<-c.ctx.Done()
		return left, context.Cause(c.ctx)
	}
	select {
	case <-c.ended:
		return left, c.endErr
	case <-time.After(leaveWithin):
		return left, &LostError{Host: c.name, Err: errors.New("its connection does not end")}
	}
}

// at converts a time of the agent's clock; the zero time stays.
func (c *Client) at(exit host.Exit) host.Exit {
	if !exit.At.IsZero() {
		exit.At = exit.At.Add(-c.offset)
	}
	return exit
}

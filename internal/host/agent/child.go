package agent

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	"topobench/internal/host"
	"topobench/internal/host/proc"
)

// child is a child of the agent.
type child struct {
	client   *Client
	id       uint64 // of the start call
	self     proc.Proc
	shepherd proc.Proc // zero if the agent's host has none
	done     chan struct{}
	gone     chan struct{}

	mu   sync.Mutex
	exit host.Exit
	left error
}

func (c *Client) start(spec host.Spec) (*child, error) {
	fail := func(err error) (*child, error) {
		return nil, &host.StartError{Name: spec.Name, Argv: spec.Argv, Err: err}
	}
	if err := sendable(spec); err != nil {
		return fail(err)
	}
	if c.ctx.Err() != nil {
		return fail(context.Cause(c.ctx))
	}
	h := &child{client: c, done: make(chan struct{}), gone: make(chan struct{})}
	id, bulky, answer, err := c.open(callStart, spec, h)
	if err != nil {
		return fail(err)
	}
	f, err := c.await(context.Background(), callStart, id, bulky, answer)
	if err != nil {
		c.forget(id)
		if e, is := errors.AsType[*host.StartError](err); is {
			return nil, e
		}
		return fail(err)
	}
	var started startAnswer
	if err := json.Unmarshal(f.Body, &started); err != nil {
		return fail(err)
	}
	h.id, h.self, h.shepherd = id, started.Process, started.Shepherd
	return h, nil
}

// Process is the process there, by a pid of that machine.
func (h *child) Process() proc.Proc    { return h.self }
func (h *child) Done() <-chan struct{} { return h.done }
func (h *child) Gone() <-chan struct{} { return h.gone }

// Exit has the time of this machine's clock.
func (h *child) Exit() host.Exit {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.exit
}

// Stop ends its tree there; without grace once ctx ends. The error is a *LostError if the connection is lost, and
// Done and Gone then stay open. An agent that ends by itself has its time to report that the tree is gone.
func (h *child) Stop(ctx context.Context) error {
	if closed(h.gone) {
		return h.fault()
	}
	_, err := call[none](ctx, h.client, callStop, idCall{h.id})
	if _, lost := errors.AsType[*LostError](err); !lost {
		return err
	}
	select {
	case <-h.gone:
		return h.fault()
	case <-h.client.over:
	case <-ctx.Done():
	}
	if closed(h.gone) {
		return h.fault()
	}
	return err
}

func (h *child) fault() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.left
}

// apply notes a done or gone frame.
func (h *child) apply(f frame) {
	var body ending
	err := json.Unmarshal(f.Body, &body)
	if left := f.Fault.error(); left != nil {
		err = left
	}
	h.end(f.Kind == kindGone, h.client.at(body.Exit), err)
}

// end notes how the child ended, or that its tree is gone too. An exit without a time is that of a child that cannot
// be killed, which is never done.
func (h *child) end(gone bool, exit host.Exit, left error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if closed(h.gone) {
		return
	}
	h.exit = exit
	if !exit.At.IsZero() && !closed(h.done) {
		close(h.done)
	}
	if gone {
		h.left = left
		close(h.gone)
	}
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

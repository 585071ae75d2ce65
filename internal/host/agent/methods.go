package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"topobench/internal/host"
)

// Start starts a child there. The error is a *host.StartError.
func (c *Client) Start(spec host.Spec) (host.Handle, error) {
	h, err := c.start(spec)
	if err != nil {
		return nil, err
	}
	return h, nil
}

// Run runs a short command there to its end. When ctx ends the command is killed, and the error is the cause of ctx.
func (c *Client) Run(ctx context.Context, spec host.Spec) (output []byte, exit host.Exit, err error) {
	if err := sendable(spec); err != nil {
		return nil, exit, &host.StartError{Name: spec.Name, Argv: spec.Argv, Err: err}
	}
	a, err := call[runAnswer](ctx, c, callRun, spec)
	if err != nil && ctx.Err() != nil && c.ctx.Err() == nil {
		err = fmt.Errorf("cannot wait for %s any longer: %w", spec.Name, context.Cause(ctx))
	}
	return a.Output, c.at(a.Exit), err
}

// Put makes directories and writes files there.
func (c *Client) Put(ctx context.Context, files ...host.File) error {
	_, err := call[none](ctx, c, callPut, files)
	return err
}

// Get reads at most limit bytes of a file from an offset on, in several calls if they are many. A negative offset
// counts from the end, and has one call.
func (c *Client) Get(ctx context.Context, path string, from, limit int64) (data []byte, err error) {
	if from < 0 && min(-from, limit) > getPiece {
		return nil, fmt.Errorf("cannot get more than %d MiB of the end of %s", getPiece>>20, path)
	}
	for {
		want := min(limit-int64(len(data)), getPiece)
		part, err := call[[]byte](ctx, c, callGet, getCall{path, from, want})
		if data = append(data, part...); err != nil || from < 0 || int64(len(part)) < want {
			return data, err
		}
		if from += want; int64(len(data)) >= limit {
			return data, nil
		}
	}
}

// Look takes one snapshot of the machine there.
func (c *Client) Look(ctx context.Context, q host.Question) (host.Snapshot, error) {
	a, err := call[lookAnswer](ctx, c, callLook, q)
	return a.snapshot(), err
}

// Claim keeps other runs there from resources until release.
func (c *Client) Claim(ctx context.Context, resources []host.Resource) (release func(), err error) {
	return c.hold(ctx, callClaim, resources)
}

// Listen accepts connections there until release.
func (c *Client) Listen(ctx context.Context, addresses []string) (release func(), err error) {
	return c.hold(ctx, callListen, addresses)
}

// hold makes a call whose effect lasts until release.
func (c *Client) hold(ctx context.Context, kind string, q any) (release func(), err error) {
	if c.ctx.Err() != nil {
		return nil, context.Cause(c.ctx)
	}
	id, bulky, answer, err := c.open(kind, q, nil)
	if err != nil {
		return nil, err
	}
	if _, err := c.await(ctx, kind, id, bulky, answer); err != nil {
		return nil, err
	}
	return func() {
		_, _ = call[none](context.Background(), c, callRelease, idCall{id}) // a lost agent has released it
	}, nil
}

// Dial connects from there to each address once.
func (c *Client) Dial(ctx context.Context, addresses []string, within time.Duration) (map[string]string, error) {
	return call[map[string]string](ctx, c, callDial, dialCall{addresses, within})
}

// Remove kills processes of the run there that have escaped, and removes its shared memory.
func (c *Client) Remove(ctx context.Context) (host.Removed, error) {
	return call[host.Removed](ctx, c, callRemove, none{})
}

// Left has a line for each thing of the run that is still there.
func (c *Client) Left(ctx context.Context) ([]string, error) {
	return call[[]string](ctx, c, callLeft, none{})
}

// Inspect answers a question about the machine there; both values are JSON.
func (c *Client) Inspect(ctx context.Context, question []byte) ([]byte, error) {
	return call[json.RawMessage](ctx, c, callInspect, json.RawMessage(question))
}

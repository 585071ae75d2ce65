package agent

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"topobench/internal/host"
)

// Dialer connects to a host. With recover the agent first ends what an earlier agent of the run has left there; an
// error means that it could not prove it gone.
type Dialer func(ctx context.Context, recover bool) (*Client, error)

// Remote is a host whose connection can be made again. Stop, Remove, Left and Close recover a lost connection: they
// dial again, so that the agent there ends and proves. Other calls on a lost connection fail at once with
// a *LostError, and use the new one after a recovery.
type Remote struct {
	dial   Dialer
	within time.Duration // of a recovery

	mu         sync.Mutex
	client     *Client
	recoveries map[*Client]*recovery // by the lost client; one each
	claims     []*claim
	refused    error // why a claim is not held any more
	closed     bool
}

// claim is held on the present connection.
type claim struct {
	resources []host.Resource
	release   func()
}

// NewRemote is the host of c. A recovery may take as long as within; 0 is 15 s more than DefaultGrace.
func NewRemote(c *Client, dial Dialer, within time.Duration) *Remote {
	if within <= 0 {
		within = DefaultGrace + 15*time.Second
	}
	return &Remote{client: c, dial: dial, within: within, recoveries: map[*Client]*recovery{}}
}

// Name is that of the host.
func (r *Remote) Name() string { return r.Client().name }

// Client is the present connection.
func (r *Remote) Client() *Client {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.client
}

// Hello describes the present agent.
func (r *Remote) Hello() Hello { return r.Client().Hello() }

// Offset is the clock of the present agent minus this machine's.
func (r *Remote) Offset() time.Duration { return r.Client().Offset() }

// Context is that of the present connection.
func (r *Remote) Context() context.Context { return r.Client().Context() }

// Start starts a child there. It fails after a recovery in which another run has got a claim. A start that fails with
// a *LostError may have started its child; Recover, Remove, Left and Close end it.
func (r *Remote) Start(spec host.Spec) (host.Handle, error) {
	r.mu.Lock()
	c, refused := r.client, r.refused
	r.mu.Unlock()
	if refused != nil {
		return nil, &host.StartError{Name: spec.Name, Argv: spec.Argv, Err: refused}
	}
	h, err := c.start(spec)
	if err != nil {
		return nil, err
	}
	return &recoverable{h, r}, nil
}

// recoverable is a child of a Remote.
type recoverable struct {
	*child
	remote *Remote
}

// Stop ends its tree. If the connection is lost, a recovery ends it. When ctx ends, a recovery has a few seconds.
func (h *recoverable) Stop(ctx context.Context) error {
	err := h.child.Stop(ctx)
	if _, lost := errors.AsType[*LostError](err); lost {
		return h.remote.recover(ctx, h.client)
	}
	return err
}

// Run runs a short command there.
func (r *Remote) Run(ctx context.Context, spec host.Spec) (output []byte, exit host.Exit, err error) {
	return r.Client().Run(ctx, spec)
}

// Put makes directories and writes files there.
func (r *Remote) Put(ctx context.Context, files ...host.File) error {
	return r.Client().Put(ctx, files...)
}

// Get reads a part of a file there.
func (r *Remote) Get(ctx context.Context, path string, from, limit int64) ([]byte, error) {
	return r.Client().Get(ctx, path, from, limit)
}

// Look takes one snapshot of the machine there.
func (r *Remote) Look(ctx context.Context, q host.Question) (host.Snapshot, error) {
	return r.Client().Look(ctx, q)
}

// Listen accepts connections there until release.
func (r *Remote) Listen(ctx context.Context, addresses []string) (release func(), err error) {
	return r.Client().Listen(ctx, addresses)
}

// Dial connects from there to each address once.
func (r *Remote) Dial(ctx context.Context, addresses []string, within time.Duration) (map[string]string, error) {
	return r.Client().Dial(ctx, addresses, within)
}

// Inspect answers a question about the machine there.
func (r *Remote) Inspect(ctx context.Context, question []byte) ([]byte, error) {
	return r.Client().Inspect(ctx, question)
}

// Claim keeps other runs there from resources until release, also on the connection after a recovery.
func (r *Remote) Claim(ctx context.Context, resources []host.Resource) (release func(), err error) {
	c := r.Client()
	free, err := c.Claim(ctx, resources)
	if err != nil {
		return nil, err
	}
	held := &claim{resources, free}
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.ctx.Err() != nil {
		return nil, context.Cause(c.ctx) // a recovery may have renewed the others already
	}
	r.claims = append(r.claims, held)
	return func() { r.release(held) }, nil
}

// release may be called again.
func (r *Remote) release(held *claim) {
	r.mu.Lock()
	at := slices.Index(r.claims, held)
	if at >= 0 {
		r.claims = slices.Delete(r.claims, at, at+1)
	}
	free := held.release
	r.mu.Unlock()
	if at >= 0 {
		free()
	}
}

// Remove kills processes of the run there that have escaped, and removes its shared memory.
func (r *Remote) Remove(ctx context.Context) (host.Removed, error) {
	return recovered(ctx, r, func(c *Client) (host.Removed, error) { return c.Remove(ctx) })
}

// Left has a line for each thing of the run that is still there.
func (r *Remote) Left(ctx context.Context) ([]string, error) {
	return recovered(ctx, r, func(c *Client) ([]string, error) { return c.Left(ctx) })
}

// Close is the goodbye of the present connection, and the last call.
func (r *Remote) Close(ctx context.Context) (left []string, err error) {
	left, err = recovered(ctx, r, func(c *Client) ([]string, error) { return c.Close(ctx) })
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	return left, err
}

// Recover makes a lost connection again; it does nothing where there is one.
func (r *Remote) Recover(ctx context.Context) error {
	c := r.Client()
	if c.ctx.Err() == nil {
		return nil
	}
	return r.recover(ctx, c)
}

// Lost reports that the connection is gone, and that its recovery has failed.
func (r *Remote) Lost() bool {
	r.mu.Lock()
	way := r.recoveries[r.client]
	r.mu.Unlock()
	if way == nil {
		return false
	}
	select {
	case <-way.done:
		return way.err != nil
	default:
		return false
	}
}

// recovered makes a call of a teardown. If the connection is lost it makes the call again after a recovery.
func recovered[A any](ctx context.Context, r *Remote, call func(*Client) (A, error)) (A, error) {
	c := r.Client()
	a, err := call(c)
	if _, lost := errors.AsType[*LostError](err); !lost {
		return a, err
	}
	if err := r.recover(ctx, c); err != nil {
		return a, err
	}
	return call(r.Client())
}

package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"

	"topobench/internal/host"
)

// Pauses and limits of a recovery.
const (
	redialEvery = time.Second
	hurryWithin = 5 * time.Second // once a caller has no grace
)

// recovery is the one attempt to end what a lost agent has left, for all who wait for it.
type recovery struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when err is set
	err    error
}

// recover waits for the recovery of a lost client; the first caller begins it. Once it has failed it stays failed,
// so that a teardown does not wait again for each of its waves. When ctx ends it has a few seconds more.
func (r *Remote) recover(ctx context.Context, lost *Client) error {
	r.mu.Lock()
	way := r.recoveries[lost]
	if way == nil && r.closed {
		r.mu.Unlock()
		return context.Cause(lost.ctx)
	}
	if way == nil {
		limited, cancel := context.WithTimeout(context.Background(), r.within)
		way = &recovery{cancel: cancel, done: make(chan struct{})}
		r.recoveries[lost] = way
		go func() {
			defer cancel()
			way.err = r.redial(limited, lost)
			close(way.done)
		}()
	}
	r.mu.Unlock()
	select {
	case <-way.done:
	case <-ctx.Done():
		time.AfterFunc(hurryWithin, way.cancel)
		<-way.done
	}
	return way.err
}

// redial dials until the agent has proved that everything is gone, and makes the new connection the present one.
func (r *Remote) redial(ctx context.Context, lost *Client) error {
	for why := error(nil); ; {
		c, err := r.dial(ctx, true)
		if err == nil {
			r.adopt(c)
			lost.abandon(host.Exit{Code: -1, Signal: syscall.SIGKILL, Stopped: true, At: time.Now()}, nil)
			return nil
		}
		if why == nil || ctx.Err() == nil { // the last attempt, cut short, shows less than one before it
			why = err
		}
		select {
		case <-ctx.Done():
			fault := lostAgain(lost, why)
			lost.abandon(host.Exit{}, fault)
			return fault
		case <-time.After(redialEvery):
		}
	}
}

// lostAgain is the error of a recovery that has failed.
func lostAgain(lost *Client, err error) error {
	first := context.Cause(lost.ctx)
	if e, is := errors.AsType[*LostError](first); is {
		first = e.Err
	}
	return &LostError{Host: lost.name, Err: fmt.Errorf("%w; a new connection could not be made: %w", first, err)}
}

// adopt makes c the present connection, and renews the claims on it.
func (r *Remote) adopt(c *Client) {
	r.mu.Lock()
	claims := slices.Clone(r.claims)
	r.mu.Unlock()
	renewed := map[*claim]func(){}
	var refused error
	for _, held := range claims {
		release, err := c.Claim(c.ctx, held.resources)
		if err != nil {
			refused = errors.Join(refused, err)
			continue
		}
		renewed[held] = release
	}
	r.mu.Lock()
	r.client, r.refused = c, refused
	for held, release := range renewed {
		held.release = release
		if slices.Contains(r.claims, held) {
			delete(renewed, held)
		}
	}
	r.mu.Unlock()
	for _, release := range renewed { // its owner has released it meanwhile
		release()
	}
}

// abandon ends all children of a lost client: with an exit if they are gone, else with what is left.
func (c *Client) abandon(exit host.Exit, left error) {
	c.mu.Lock()
	children := c.children
	c.children = map[uint64]*child{}
	c.mu.Unlock()
	for _, h := range children {
		if known := h.Exit(); known.At.IsZero() {
			h.end(true, exit, left)
		} else {
			h.end(true, known, left)
		}
	}
}

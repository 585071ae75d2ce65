package agent

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// beatEvery is the pause between two heartbeats, of a grace that is long enough.
const beatEvery = 5 * time.Second

// link is what both sides have of a connection.
type link struct {
	out   *outbox
	peer  string // the other side, for messages
	grace time.Duration

	heard   atomic.Bool  // a line of the other side, since the last heartbeat
	hurried atomic.Int32 // calls without grace: two heartbeats without a line are enough for them
}

func newLink(peer string, grace time.Duration) *link {
	if grace <= 0 {
		grace = DefaultGrace
	}
	return &link{out: newOutbox(), peer: peer, grace: grace}
}

// hear notes a sign of the other side.
func (l *link) hear() { l.heard.Store(true) }

// watch sends heartbeats until ctx ends. It calls lose after a grace without any line of the other side. It counts
// heartbeats, and no time: after this process was suspended it reads first what has come meanwhile.
func (l *link) watch(ctx context.Context, lose func(error)) {
	every := min(beatEvery, l.grace/6)
	limit := int((l.grace + every - 1) / every)
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	for silent := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		_, _ = l.out.put(frame{Kind: kindBeat}, false) // it has no body that could fail
		if silent++; l.heard.Swap(false) {
			silent = 0
		}
		if silent >= limit || l.hurried.Load() > 0 && silent >= 2 {
			lose(fmt.Errorf("no sign of %s for %v", l.peer, time.Duration(silent)*every))
			return
		}
	}
}

// endError reports that the connection itself ended; ssh or srun may have printed why.
type endError struct{ err error }

func (e *endError) Error() string { return e.err.Error() }
func (e *endError) Unwrap() error { return e.err }

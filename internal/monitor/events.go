package monitor

import (
	"context"
	"time"

	"topobench/internal/verdict"
)

// clusterEvents are the events of a cluster since the begin of a cell.
type clusterEvents struct {
	marked chan struct{} // closed once the events at the begin are known
	since  func(context.Context) ([]string, error)
	err    error
}

// eventsWithin bounds how long the end of a cell waits for a cluster that does not respond.
const eventsWithin = 5 * time.Second

// openEvents marks the events of the cluster while the load generator starts.
func (m *Monitor) openEvents(ctx context.Context) *clusterEvents {
	if m.t.Events == nil {
		return nil
	}
	e := &clusterEvents{marked: make(chan struct{})}
	go func() {
		defer close(e.marked)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), eventsWithin)
		defer cancel()
		e.since, e.err = m.t.Events(ctx)
	}()
	return e
}

// evidence is what came since the begin.
func (e *clusterEvents) evidence(ctx context.Context) *verdict.ClusterEvents {
	if e == nil {
		return nil
	}
	<-e.marked
	found := &verdict.ClusterEvents{}
	if e.err == nil {
		ctx, cancel := context.WithTimeout(ctx, eventsWithin)
		defer cancel()
		found.Events, e.err = e.since(ctx)
	}
	if e.err != nil {
		found.Unread = e.err.Error()
	}
	return found
}

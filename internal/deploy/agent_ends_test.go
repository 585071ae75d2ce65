package deploy

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"topobench/internal/host"
)

// kept is a host that shows the test its children.
type kept struct {
	Remote
	children *[]host.Handle
}

func (k kept) Start(spec host.Spec) (host.Handle, error) {
	h, err := k.Remote.Start(spec)
	*k.children = append(*k.children, h)
	return h, err
}

// The agent of a cancelled job stops its services before the connection ends. That is the cause, not their end. A
// service that somebody else has stopped on a host that stays is a death.
func TestAgentStopsItsServices(t *testing.T) {
	for why, lost := range map[string]bool{"the agent ends": true, "somebody else": false} {
		t.Run(why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t, 2)
				var children []host.Handle
				m := c.target.Machines["node1"]
				m.Host = kept{m.Host, &children}
				c.target.Machines["node1"] = m
				s, err := c.target.Up(c.ctx)
				if err != nil {
					t.Fatal(err)
				}
				if err := children[0].Stop(context.Background()); err != nil {
					t.Fatal(err)
				}
				<-time.After(logWithin / 2)
				if lost {
					c.lost(c.hosts[1])
				}
				<-s.Context().Done()
				synctest.Wait() // events have a goroutine of their own
				if got := errors.Is(context.Cause(s.Context()), errLost); got != lost {
					t.Errorf("the cause is %v", context.Cause(s.Context()))
				}
				if died := c.at(Died, "worker-1") >= 0; died == lost {
					t.Errorf("it reports a death: %v", died)
				}
				if lost {
					c.down(t, s, "node1")
				} else {
					c.down(t, s)
				}
			})
		})
	}
}

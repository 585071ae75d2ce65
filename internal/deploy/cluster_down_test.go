package deploy

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/proc"
	"topobench/internal/testbed"
)

// A host that is lost is DIRTY by name, with the command that cleans it. The others are taken down and proved.
func TestDownWithALostHost(t *testing.T) {
	inTeardown := func(c *cluster) {
		c.hosts[0].Change(func() { c.hosts[0].Late = time.Millisecond }) // so that the event comes first
		c.when = func(e Event) {
			if e, is := e.(ServiceChanged); is && e.State == Stopping && e.Service.Name == "nginx" {
				c.hosts[1].Change(func() { c.hosts[1].Fault = errLost })
			}
		}
	}
	for _, row := range []struct {
		why  string
		n    int
		lose func(c *cluster)
	}{
		{"while up", 2, func(c *cluster) { c.lost(c.hosts[1]) }},
		{"in teardown", 2, inTeardown},
		{"one of ten", 10, func(c *cluster) { c.lost(c.hosts[1]) }},
	} {
		t.Run(row.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t, row.n)
				s, err := c.target.Up(c.ctx)
				if err != nil {
					t.Fatal(err)
				}
				row.lose(c)
				began := time.Now()
				dirty := c.down(t, s, "node1")
				if want := []string{"node1: worker-1, ports, descendants: " + errLost.Error()}; !slices.Equal(dirty.Reasons, want) || len(dirty.Next) != 1 {
					t.Errorf("reasons %q, next %q", dirty.Reasons, dirty.Next)
				}
				if want := 2 * row.n; len(c.checks) != want { // those of this machine, and of all hosts but one
					t.Errorf("%d checks passed, want %d: %v", len(c.checks), want, c.checks)
				}
				if c.at(Gone, "etcd") < 0 || c.at(Gone, "worker-1") >= 0 {
					t.Errorf("the changes are %v", c.changes)
				}
				if took := time.Since(began); took > portsWithin+time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// The checks of a host that is lost for good are not made again; they are those of a host that may come back.
func TestChecksOfALostHostEndAtOnce(t *testing.T) {
	for _, row := range []struct {
		why   string
		lost  bool
		least time.Duration
	}{{"lost for good", true, 0}, {"it may come back", false, portsWithin}} {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(t, 2)
			m := c.target.Machines["node1"]
			m.Lost = func() bool { return row.lost }
			c.target.Machines["node1"] = m
			gpus := func(ctx context.Context) ([]Leftover, error) { return nil, c.hosts[1].Fault }
			c.target.Checks = []TeardownCheck{{Name: "gpu", Host: "node1", Within: portsWithin, Check: gpus}}
			s, err := c.target.Up(c.ctx)
			if err != nil {
				t.Fatal(err)
			}
			c.lost(c.hosts[1])
			c.down(t, s, "node1")
			if took := s.Times().Proof; took < row.least || took > row.least+time.Second {
				t.Errorf("%s: the proof took %v", row.why, took)
			}
		})
	}
}

// A host that answers late is proved all the same, and so is one whose connection comes back within the checks.
func TestDownWithALateHost(t *testing.T) {
	for _, row := range []struct {
		why    string
		change func(h *testbed.Scripted)
	}{
		{"late", func(h *testbed.Scripted) { h.Late = 4 * time.Second }},
		{"lost for a moment", func(h *testbed.Scripted) {
			h.Fault = errLost
			time.AfterFunc(portsWithin/2, func() { h.Change(func() { h.Fault = nil }) })
		}},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(t, 2)
			h := c.hosts[1]
			c.target.Checks = []TeardownCheck{{Name: "processes", Host: "node1", Within: portsWithin, Check: nothing,
				Remove: func() error { h.Change(func() { row.change(h) }); return nil }}}
			s, err := c.target.Up(c.ctx)
			if err != nil {
				t.Fatal(err)
			}
			c.down(t, s)
		})
	}
}

// A process of another host is a line of text: its pid may be that of a foreign process on this machine.
func TestLeftoversOfHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2)
		stray := proc.Proc{PID: 1, Ticks: 7, Comm: "stray"}
		c.target.Checks = []TeardownCheck{
			{Name: "processes", Host: "node1", Within: time.Second, Check: func(context.Context) ([]Leftover, error) {
				return []Leftover{{Process: stray, Service: "worker-1", Detail: "cookie"}}, nil
			}},
			{Name: "shared-memory", Host: "node0", Within: time.Second, Check: nothing, Remove: func() error { return errors.New("it resists") }},
		}
		c.hosts[0].Left = []proc.Proc{{PID: 4711, Ticks: 3, Comm: "python3"}}
		s, err := c.target.Up(c.ctx)
		if err != nil {
			t.Fatal(err)
		}
		dirty := c.down(t, s, "node0", "node1")
		want := []string{"node0: shared-memory: it resists", "node0: process 4711 (python3) is left", "node1: process 1 (stray) of worker-1 (by cookie) is left"}
		if !slices.Equal(dirty.Reasons, want) || len(dirty.Table) > 0 || strings.Contains(dirty.Error(), cleanHere) {
			t.Errorf("reasons %q, table %q, in\n%v", dirty.Reasons, dirty.Table, dirty)
		}
	})
}

// A port of another host that a foreign process has taken meanwhile is no leftover.
func TestPortsTakenOverOnHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2)
		h := c.hosts[1]
		take := func() {
			h.Taken[9001], h.Users = proc.Proc{PID: 4711, Ticks: 9, Comm: "python3"}, map[int]string{9001: "bob"}
		}
		c.target.Checks = []TeardownCheck{{Name: "processes", Host: "node1", Within: time.Second, Check: nothing,
			Remove: func() error { h.Change(take); return nil }}}
		s, err := c.target.Up(c.ctx)
		if err != nil {
			t.Fatal(err)
		}
		err = s.Down(t.Context())
		c.dirty(t, err)
		if want := "node1: 9001 (http of worker-1) was taken over by process 4711 (python3) of user bob"; !Busy(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	})
}

// A child of a lost host may never be reported as ended, and its Stop fails.
func TestDownDoesNotWaitForALostChild(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2)
		m := c.target.Machines["node1"]
		m.Host = silent{c.hosts[1]}
		c.target.Machines["node1"] = m
		s, err := c.target.Up(c.ctx)
		if err != nil {
			t.Fatal(err)
		}
		c.lost(c.hosts[1])
		c.down(t, s, "node1")
	})
}

// A child that was ended over a new connection has no exit: Stop has proved its end.
func TestDownAfterANewConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2)
		m := c.target.Machines["node1"]
		m.Host = silent{c.hosts[1]}
		c.target.Machines["node1"] = m
		s, err := c.target.Up(c.ctx)
		if err != nil {
			t.Fatal(err)
		}
		c.down(t, s)
		if i := c.at(Gone, "worker-1"); i < 0 || c.changes[i].Detail != "after its connection was lost" {
			t.Errorf("the changes are %+v", c.changes)
		}
	})
}

// silent is a host whose children report no end.
type silent struct{ *testbed.Scripted }

func (m silent) Start(spec host.Spec) (host.Handle, error) {
	child, err := m.Scripted.Start(spec)
	return silentChild{child}, err
}

type silentChild struct{ host.Handle }

func (silentChild) Done() <-chan struct{} { return nil }
func (silentChild) Gone() <-chan struct{} { return nil }
func (silentChild) Exit() host.Exit       { return host.Exit{} }

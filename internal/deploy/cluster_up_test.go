package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/proc"
	"topobench/internal/plan"
	"topobench/internal/testbed"
)

// Files, environment, processes and checks are those of each host; the order of the roles holds over all hosts.
func TestUpAndDownOverHosts(t *testing.T) {
	for _, n := range []int{2, 10} {
		synctest.Test(t, func(t *testing.T) {
			c := newCluster(t, n)
			s, err := c.target.Up(c.ctx)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait() // every program listens
			all, err := s.Processes()
			if err != nil || len(all) != n+3 {
				t.Fatalf("%d processes of services, %v", len(all), err)
			}
			for i, h := range c.hosts {
				conf, err := h.Get(t.Context(), "/on/"+h.Name+"/conf", 0, 99)
				log, noLog := h.Get(t.Context(), fmt.Sprintf("/logs/worker-%d.log", i), 0, 99)
				if _, err := h.Get(t.Context(), "/on/"+c.hosts[(i+1)%n].Name+"/conf", 0, 99); err == nil {
					t.Errorf("%s has a file of another host", h.Name)
				}
				if string(conf) != h.Name || string(log) != "HOME=/home/"+h.Name+"\n" || err != nil || noLog != nil {
					t.Errorf("%s: file %q, log %q, %v %v", h.Name, conf, log, err, noLog)
				}
				if w := all[1+i]; w.Host != h.Name || w.Service != fmt.Sprintf("worker-%d", i) || w.Listener.PID == 0 {
					t.Errorf("%+v", w)
				}
			}
			c.down(t, s)
			for i := range n {
				worker := fmt.Sprintf("worker-%d", i)
				if c.at(Gone, "nginx") < 0 || c.at(Stopping, worker) < c.at(Stopping, "frontend") || c.at(Gone, worker) > c.at(Stopping, "etcd") {
					t.Errorf("%s was stopped out of turn: %v", worker, c.changes)
				}
			}
			if want := 2*(n+1) - 1; len(c.checks) < want {
				t.Errorf("the checks %v passed, want those of %d hosts", c.checks, n)
			}
			if s.Context().Err() == nil || c.net.Listening() > 0 {
				t.Errorf("context %v, %d probes listen", s.Context().Err(), c.net.Listening())
			}
		})
	}
}

// took is how long up and down take, on the clock of the test.
func took(t *testing.T, lates ...time.Duration) (up, down time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, len(lates))
		for i, late := range lates {
			c.hosts[i].Late = late
		}
		began := time.Now()
		s, err := c.target.Up(c.ctx)
		if err != nil {
			t.Fatal(err)
		}
		up, began = time.Since(began), time.Now()
		c.down(t, s)
		down = time.Since(began)
	})
	return up, down
}

// Ten hosts take as long as the slowest of them, which also has the frontend.
func TestHostsAreServedAtTheSameTime(t *testing.T) {
	slow, lates := 300*time.Millisecond, []time.Duration{300 * time.Millisecond}
	for range 9 {
		lates = append(lates, 200*time.Millisecond)
	}
	upOne, downOne := took(t, slow)
	upTen, downTen := took(t, lates...)
	t.Logf("up %v and %v, down %v and %v", upOne, upTen, downOne, downTen)
	if upOne < slow || upTen > upOne*12/10 { // one host alone dials no other
		t.Errorf("up took %v with ten hosts and %v with the slowest", upTen, upOne)
	}
	if downOne < slow || downTen > downOne*12/10 {
		t.Errorf("down took %v with ten hosts and %v with the slowest", downTen, downOne)
	}
}

// All ports that foreign processes have are one error, with host, process and user, before anything starts.
func TestPortsTakenOnHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2)
		c.hosts[0].Taken[9000], c.hosts[0].Users = proc.Proc{PID: 4711, Ticks: 9, Comm: "python3"}, map[int]string{9000: "alice"}
		c.hosts[1].Taken[9001], c.hosts[1].Users = proc.Proc{}, map[int]string{9001: "bob"}
		_, err := c.target.Up(c.ctx)
		busy, is := errors.AsType[*PortsBusyError](err)
		if !is || busy.ByRun || !Busy(err) || len(c.changes) > 0 {
			t.Fatalf("got %v after %v", err, c.changes)
		}
		for _, words := range []string{"node0: 9000 (http of worker-0) is taken by process 4711 (python3) of user alice",
			"node1: 9001 (http of worker-1) is taken by a process of user bob that is not visible"} {
			if !strings.Contains(err.Error(), words) {
				t.Errorf("no %q in %v", words, err)
			}
		}
		c.dirty(t, err)
	})
}

// Every fault before a process exists names its host, and leaves nothing running anywhere.
func TestUpOverHostsFails(t *testing.T) {
	for _, row := range []struct {
		why    string
		change func(c *cluster)
		words  string
		dirty  []string
	}{
		{"no connection", func(c *cluster) { delete(c.target.Machines, "node1") }, "cannot start the services of node1: there is no connection", nil},
		{"lost from the beginning", func(c *cluster) { c.hosts[1].Fault = errLost }, "node1: lost the connection", nil},
		{"a bad configuration", func(c *cluster) {
			c.hosts[1].Programs["check"] = func(_ context.Context, _ host.Spec, log io.Writer) int { fmt.Fprintln(log, "bad line 7"); return 1 }
			c.target.Plan.Services[2].Check = []string{"check"}
		}, "node1: cannot use the configuration of worker-1: check: exit 1\nbad line 7", nil},
		{"no such program", func(c *cluster) { c.hosts[1].Programs = nil }, "node1: cannot start worker-1", nil},
		{"a variable is not set", func(c *cluster) { c.target.Plan.Services[2].Env = []string{"X=${ENV:UNSET}"} }, "node1: cannot start worker-1: its env", nil},
		{"a death", func(c *cluster) {
			c.hosts[1].Programs["serve"] = func(_ context.Context, _ host.Spec, log io.Writer) int { fmt.Fprintln(log, "out of memory"); return 3 }
			c.target.Await = func(ctx context.Context, s plan.Service, _ func(string)) (time.Time, error) {
				if s.Host == "node1" {
					<-ctx.Done()
				}
				return time.Now(), ctx.Err()
			}
		}, "worker-1 on node1 died: exit 3\n  last lines of node1:/logs/worker-1.log:\n    out of memory", nil},
		{"lost in bring-up", func(c *cluster) {
			c.when = func(e Event) {
				if e, is := e.(ServiceChanged); is && e.State == Starting && e.Service.Host == "node1" {
					c.lost(c.hosts[1])
				}
			}
		}, "node1: worker-1, ports, descendants: lost the connection", []string{"node1"}},
	} {
		t.Run(row.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t, 2)
				row.change(c)
				_, err := c.target.Up(c.ctx)
				if err == nil || !strings.Contains(err.Error(), row.words) {
					t.Fatalf("got %v\nwant %q", err, row.words)
				}
				c.dirty(t, err, row.dirty...)
				if len(c.hosts[0].Taken) > 0 {
					t.Errorf("on node0 listens %v", c.hosts[0].Taken)
				}
			})
		})
	}
}

// A gate that stays closed is explained by the log on the host of its service.
func TestAwaitNamesTheHost(t *testing.T) {
	h := &testbed.Scripted{}
	if err := h.Put(t.Context(), host.File{Path: "/logs/a.log", Data: []byte("ERROR no such model\n")}); err != nil {
		t.Fatal(err)
	}
	svc := plan.Service{Name: "a", Host: "node1", Log: "/logs/a.log", Gate: plan.Gate{Kind: plan.GateListens, Address: "127.0.0.1:1"}}
	p := NewProber(&testbed.Scripted{}).Over(map[string]Machine{"node1": {Name: "node1", Host: h}})
	_, err := p.Await(t.Context(), svc, func(string) {})
	late, is := errors.AsType[*NotReadyError](err)
	if !is || late.Service != "a on node1" || late.Log != "node1:/logs/a.log" || len(late.Hints) != 1 {
		t.Errorf("got %+v, %v", late, err)
	}
	svc.Role = plan.Decode
	if failed := p.Health(t.Context(), []plan.Service{svc}); len(failed) != 1 || failed[0].Service != "a on node1" {
		t.Errorf("unhealthy: %v", failed)
	}
}

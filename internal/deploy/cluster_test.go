package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/proc"
	"topobench/internal/plan"
	"topobench/internal/testbed"
)

// cluster is scripted hosts node0, node1, ..., with a worker on each, and what a frontend needs on node0.
type cluster struct {
	hosts  []*testbed.Scripted
	here   *testbed.Scripted // this machine
	net    *testbed.Network
	target Target
	lose   context.CancelCauseFunc // ends the context of Up, as a run does when a connection is lost
	ctx    context.Context
	when   func(Event) // on each event; may be nil

	mu      sync.Mutex
	changes []ServiceChanged
	checks  []string // that passed
}

var errLost = errors.New("lost the connection: broken pipe")

func newCluster(t *testing.T, n int) *cluster {
	c := &cluster{net: &testbed.Network{}}
	c.ctx, c.lose = context.WithCancelCause(t.Context())
	c.here = &testbed.Scripted{Net: c.net}
	p := plan.Plan{Name: "t", Dirs: []string{"/here"}}
	machines := map[string]Machine{}
	for i := range n {
		name, port := fmt.Sprintf("node%d", i), 9000+i
		h := &testbed.Scripted{Name: name, Net: c.net, Taken: map[int]proc.Proc{}}
		h.Programs = map[string]testbed.ScriptedProgram{"serve": listener(h)}
		c.hosts = append(c.hosts, h)
		machines[name] = Machine{Name: name, Host: h, Environ: []string{"HOME=/home/" + name}}
		p.Hosts = append(p.Hosts, plan.Host{Name: name, Address: fmt.Sprintf("10.0.0.%d", i), Transport: "ssh",
			Dirs: []string{"/on/" + name}})
		p.Files = append(p.Files, plan.File{Host: name, Path: "/on/" + name + "/conf", Text: name})
		p.Services = append(p.Services, scripted(fmt.Sprintf("worker-%d", i), plan.Decode, 1, name, port))
	}
	p.Services = append([]plan.Service{scripted("etcd", plan.Etcd, 0, "node0", 2379)}, p.Services...)
	p.Services = append(p.Services, scripted("frontend", plan.Frontend, 1, "node0", 8000),
		scripted("nginx", plan.Balancer, 2, "node0", 8080))
	open := func(context.Context, plan.Service, func(string)) (time.Time, error) { return time.Now(), nil }
	c.target = Target{p, Options{Host: c.here, Machines: machines, Force: context.Background(), Events: c.note,
		Await: open, Clean: func(host string) string { return "topobench clean --host " + host }}}
	return c
}

// scripted is a service that listens on a port until it is stopped.
func scripted(name string, role plan.Role, wave int, on string, port int) plan.Service {
	return plan.Service{Name: name, Role: role, Wave: wave, Host: on, Argv: []string{"serve", strconv.Itoa(port)},
		Log: "/logs/" + name + ".log", Grace: time.Second, Ports: []plan.Port{{Service: name, Use: "http", Number: port}}}
}

func listener(h *testbed.Scripted) testbed.ScriptedProgram {
	return func(ctx context.Context, spec host.Spec, log io.Writer) int {
		port, err := strconv.Atoi(spec.Argv[1])
		if err != nil {
			return 2
		}
		h.Change(func() { h.Taken[port] = proc.Proc{PID: 1, Ticks: 1, Comm: spec.Name} })
		defer h.Change(func() { delete(h.Taken, port) })
		fmt.Fprintln(log, strings.Join(spec.Env, " "))
		<-ctx.Done()
		return 0
	}
}

func (c *cluster) note(e Event) {
	c.mu.Lock()
	switch e := e.(type) {
	case ServiceChanged:
		c.changes = append(c.changes, e)
	case CheckDone:
		if e.Err == nil && len(e.Left) == 0 {
			c.checks = append(c.checks, e.Check)
		}
	}
	c.mu.Unlock()
	if c.when != nil {
		c.when(e)
	}
}

// at is the place of a change in the history; -1 = it has not happened.
func (c *cluster) at(state State, service string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.IndexFunc(c.changes, func(e ServiceChanged) bool { return e.State == state && e.Service.Name == service })
}

// down takes s down. It requires that exactly the hosts are DIRTY, by name, with the command that cleans them.
func (c *cluster) down(t *testing.T, s *Stack, hosts ...string) *DirtyError {
	t.Helper()
	return c.dirty(t, s.Down(t.Context()), hosts...)
}

func (c *cluster) dirty(t *testing.T, err error, hosts ...string) *DirtyError {
	t.Helper()
	dirty, is := errors.AsType[*DirtyError](err)
	if len(hosts) == 0 {
		if is {
			t.Errorf("it is dirty: %v", err)
		}
		return nil
	}
	if !is || !slices.Equal(dirty.Hosts, hosts) || len(dirty.Left) > 0 {
		t.Fatalf("got %v (%+v), want that %v are dirty", err, dirty, hosts)
	}
	for _, h := range hosts {
		if text := err.Error(); !strings.Contains(text, "\n  "+h+": ") || !strings.Contains(text, "topobench clean --host "+h) {
			t.Errorf("no fault of %s with its next step in\n%s", h, text)
		}
	}
	return dirty
}

// lost makes a host unreachable, and ends the stack as a run does.
func (c *cluster) lost(h *testbed.Scripted) {
	h.Change(func() { h.Fault = errLost })
	c.lose(errLost)
}

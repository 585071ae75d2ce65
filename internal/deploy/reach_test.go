package deploy

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"topobench/internal/host"
	"topobench/internal/plan"
	"topobench/internal/testbed"
)

// A firewall between two hosts is named within three seconds, by from, to and port, before anything starts.
func TestReachFindsAFirewall(t *testing.T) {
	for _, row := range []struct {
		why   string
		block func(c *cluster)
		n     int // blocked ports
		words []string
	}{
		{"dropped packets", func(c *cluster) { c.net.Block("node0", "10.0.0.1:9001", testbed.NoAnswer) }, 1,
			[]string{"\n  from node0 to node1 (10.0.0.1): port 9001 (http of worker-1): no answer\n", "firewall of node1, or"}},
		{"from this machine", func(c *cluster) { c.net.Block("", "10.0.0.0:8080", "no route to host") }, 1,
			[]string{"\n  from this machine to node0 (10.0.0.0): port 8080 (http of nginx): no route to host\n", "firewall of node0, or"}},
		{"both ways", func(c *cluster) {
			c.net.Block("node1", "10.0.0.0:2379", "connection refused")
			c.net.Block("node1", "10.0.0.0:8000", "connection refused")
			c.net.Block("node0", "10.0.0.1:9001", testbed.NoAnswer)
		}, 3, []string{"\n  from node0 to node1 (10.0.0.1): port 9001 (http of worker-1): no answer\n",
			"\n  from node1 to node0 (10.0.0.0): ports 2379 (http of etcd), 8000 (http of frontend): connection refused\n",
			"firewall of node1 and of node0, or"}},
	} {
		t.Run(row.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t, 3)
				row.block(c)
				began := time.Now()
				_, err := c.target.Up(c.ctx)
				blocked, is := errors.AsType[*UnreachableError](err)
				if !is || len(blocked.Blocked) != row.n || len(c.changes) > 0 {
					t.Fatalf("got %v after %v", err, c.changes)
				}
				for _, words := range row.words {
					if !strings.Contains(err.Error(), words) {
						t.Errorf("no %q in\n%v", words, err)
					}
				}
				if took := time.Since(began); took > 3*time.Second || c.net.Listening() > 0 {
					t.Errorf("it took %v, and %d probes listen", took, c.net.Listening())
				}
			})
		})
	}
}

// A host that cannot probe is an error by name, beside what the others found.
func TestReachNamesAHostThatCannotProbe(t *testing.T) {
	c := newCluster(t, 3)
	c.hosts[2].Fault = errLost
	c.net.Block("node1", "10.0.0.0:8000", "connection refused")
	networks := map[string]Network{"": c.here, "node0": c.hosts[0], "node1": c.hosts[1], "node2": c.hosts[2]}
	err := Reach(t.Context(), c.target.Plan, networks)
	blocked, is := errors.AsType[*UnreachableError](err)
	if !is || len(blocked.Blocked) != 1 || !errors.Is(err, errLost) || !strings.Contains(err.Error(), "node2: cannot probe its ports") {
		t.Errorf("got %v", err)
	}
	if strings.Contains(err.Error(), "/etc/hosts") {
		t.Errorf("an address needs no name: %v", err)
	}
	c.target.Plan.Hosts[0].Address = "node-0" // that of its own machine may be 127.0.1.1, as on Debian
	c.net.Block("node1", "node-0:8000", "connection refused")
	if err := Reach(t.Context(), c.target.Plan, networks); err == nil || !strings.Contains(err.Error(), "is node-0 a loopback address on node0") {
		t.Errorf("got %v", err)
	}
	delete(networks, "node2")
	if err := Reach(t.Context(), c.target.Plan, networks); err == nil || !strings.Contains(err.Error(), "ports of node2: there is no connection") {
		t.Errorf("without node2: %v", err)
	}
	if c.net.Listening() > 0 {
		t.Errorf("%d probes listen", c.net.Listening())
	}
}

// Over real sockets: an address of another machine is an error with its next step, and the ports are free afterwards.
func TestReachOverRealSockets(t *testing.T) {
	port := func(service string) plan.Port {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		return plan.Port{Service: service, Use: "http", Number: l.Addr().(*net.TCPAddr).Port}
	}
	p := plan.Plan{Hosts: []plan.Host{{Name: "node0", Address: "127.0.0.2"}, {Name: "node1", Address: "127.0.0.3"}},
		Services: []plan.Service{{Name: "a", Host: "node0", Ports: []plan.Port{port("a"), port("a")}}, {Name: "b", Host: "node1", Ports: []plan.Port{port("b")}}}}
	networks := map[string]Network{"": host.Local{}, "node0": host.Local{}, "node1": host.Local{}}
	for range 3 {
		if err := Reach(t.Context(), p, networks); err != nil {
			t.Fatal(err)
		}
	}
	if err := FreePorts(t.Context(), host.Local{}, p.Ports()); err != nil {
		t.Error(err)
	}
	p.Hosts[1].Address = "192.0.2.1" // for documentation: no machine has it
	err := Reach(t.Context(), p, networks)
	if !errors.Is(err, syscall.EADDRNOTAVAIL) || !strings.Contains(err.Error(), "correct its address (--hosts node1=ADDRESS)") {
		t.Errorf("got %v", err)
	}
}

// A way on which everything is blocked is one line.
func TestUnreachableErrorIsShort(t *testing.T) {
	c := newCluster(t, 2)
	for i := range 20 {
		port := fmt.Sprint(7000 + i)
		c.target.Plan.Services = append(c.target.Plan.Services, scripted("w"+port, "decode", 1, "node1", 7000+i))
		c.net.Block("node0", "10.0.0.1:"+port, "no route to host")
	}
	err := Reach(t.Context(), c.target.Plan, map[string]Network{"": c.here, "node0": c.hosts[0], "node1": c.hosts[1]})
	if err == nil || strings.Count(err.Error(), "\n") != 2 || !strings.Contains(err.Error(), "7003 (http of w7003) and 16 more: no route") {
		t.Errorf("got %v", err)
	}
}

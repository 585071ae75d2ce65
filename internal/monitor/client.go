package monitor

import (
	"context"
	"fmt"
	"sync"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/proc"
	"topobench/internal/verdict"
)

// treeEvery is the number of samples between two searches for new processes of the client:
// a search reads all of /proc.
const treeEvery = 5

// lookWithin bounds one reading: the loop that watches a cell waits for it, and another machine may answer late.
const lookWithin = time.Second

// shortest is the span below which clock ticks are too coarse for a share.
const shortest = time.Second

// clientSampler follows the CPU use of the load generator's process tree, and of nginx,
// which is a client of the workers.
type clientSampler struct {
	host       Host
	away       *awayNginx // nginx, where it runs on another machine
	mu         sync.Mutex
	root       int // pid of the load generator's shepherd
	samples    int
	loading    bool
	base, last reading // where the count begins, and the latest
}

// reading is the CPU use up to one moment; the zero tree means that it could not be read.
type reading struct{ tree, nginx proc.Load }

func newClientSampler(h Host, nginx proc.Load) *clientSampler {
	return &clientSampler{host: h, last: reading{nginx: nginx}}
}

func (c *clientSampler) follow(ctx context.Context, shepherd int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.root = shepherd
	c.read(ctx, true)
	c.base = c.last
}

// reset begins to count when the first request has completed.
func (c *clientSampler) reset(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.loading && c.root != 0 {
		c.loading = true
		c.read(ctx, true)
		c.base = c.last
	}
}

func (c *clientSampler) sample(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.root != 0 {
		c.samples++
		c.read(ctx, c.samples < treeEvery || c.samples%treeEvery == 1)
	}
}

// read takes a reading; search finds new processes too. It drops one with less CPU time
// than the last: a process was reaped after its parent was read, and its time is missing.
func (c *clientSampler) read(ctx context.Context, search bool) {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	var q host.Question
	if search {
		q.Trees = []int{c.root}
	} else {
		q.Again = []proc.Load{c.last.tree}
	}
	if c.away == nil {
		q.Again = append(q.Again, c.last.nginx)
	}
	look, err := c.host.Look(ctx, q)
	if err != nil {
		return
	}
	now := reading{tree: look.Loads[0]}
	if c.away == nil {
		now.nginx = look.Loads[1]
	} else {
		now.nginx = c.away.read(ctx, c.last.nginx)
	}
	if !now.tree.At.IsZero() && now.tree.CPU >= c.last.tree.CPU {
		c.last = now
	}
}

func (c *clientSampler) evidence() *verdict.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.base.tree.At.IsZero() {
		return &verdict.Client{Unread: "its process was not found in /proc"}
	}
	tree := c.last.tree.Since(c.base.tree)
	if tree.Wall < shortest {
		return &verdict.Client{}
	}
	e := &verdict.Client{Elapsed: tree.Wall.Seconds(), CPUs: tree.CPUs, Seconds: tree.CPU.Seconds(),
		Periods: float64(tree.Periods), Throttled: float64(tree.Throttled)}
	nginx := c.last.nginx.Since(c.base.nginx)
	if c.away != nil && (c.base.nginx.At.IsZero() || nginx.Wall < tree.Wall/2) { // its host did not answer
		nginx, e.Balancer = proc.Use{}, c.away.title()
	}
	for _, x := range []struct {
		name string
		use  proc.Use
	}{{"a process of aiperf", tree}, {c.away.title(), nginx}} {
		if share := x.use.BusiestCPU.Seconds() / e.Elapsed; share > e.Busiest {
			e.Busiest, e.Process = share, fmt.Sprintf("%s (pid %d)", x.name, x.use.Busiest.PID)
		}
	}
	return e
}

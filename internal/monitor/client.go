package monitor

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"topobench/internal/host/proc"
	"topobench/internal/verdict"
)

// treeEvery is the number of samples between two listings of the client's tree: each reads
// all of /proc.
const treeEvery = 5

// clientSampler follows the CPU use of the load generator's process tree, and of nginx,
// which is a client of the workers.
type clientSampler struct {
	mu      sync.Mutex
	nginx   []int
	root    proc.Proc
	tree    []proc.Proc
	samples int
	loading bool
	base    reading // where the count begins
	last    reading
}

// reading is the CPU use at one moment.
type reading struct {
	at                 time.Time
	total              uint64         // ticks of the tree, reaped children included
	own                map[int]uint64 // ticks of each process, nginx's included
	periods, throttled float64        // of the cgroup
}

func newClientSampler(nginx []int) *clientSampler { return &clientSampler{nginx: nginx} }

func (c *clientSampler) follow(pid int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p, err := proc.Read(pid); err == nil {
		c.root, c.tree = p, []proc.Proc{p}
		c.base = c.read()
	}
}

// reset begins to count when the first request has completed.
func (c *clientSampler) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.loading && c.root.PID != 0 {
		c.loading, c.base, c.last = true, c.read(), reading{}
	}
}

func (c *clientSampler) sample(context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.root.PID == 0 {
		return
	}
	if c.samples++; c.samples%treeEvery == 1 || c.samples < treeEvery {
		if all, err := proc.Snapshot(); err == nil {
			c.tree = append([]proc.Proc{c.root}, proc.Below(all, c.root.PID, nil)...)
		}
	}
	if now := c.read(); now.total >= c.last.total { // less: it ends, and its processes are gone
		c.last = now
	}
}

func (c *clientSampler) read() reading {
	r := reading{at: time.Now(), own: map[int]uint64{}}
	for _, p := range c.tree {
		used := cpuTicks(p.PID)
		r.total += used.own + used.reaped
		r.own[p.PID] = used.own
	}
	for _, pid := range c.nginx {
		r.own[pid] = cpuTicks(pid).own
	}
	if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", c.root.PID)); err == nil {
		_, r.periods, r.throttled = cgroupCPU("/sys/fs/cgroup", string(text))
	}
	return r
}

// userHZ is the unit of CPU times in /proc: ticks a second, the same on all systems that
// Go supports.
const userHZ = 100

// shortest is the span below which ticks are too coarse for a share, in seconds.
const shortest = 1

func (c *clientSampler) evidence() *verdict.Client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.root.PID == 0 {
		return &verdict.Client{Unread: "its process was not found in /proc"}
	}
	elapsed := c.last.at.Sub(c.base.at).Seconds()
	if elapsed < shortest || c.last.total < c.base.total {
		return &verdict.Client{}
	}
	u := &verdict.Client{Elapsed: elapsed, CPUs: availableCPUs(c.root.PID),
		Seconds: float64(c.last.total-c.base.total) / userHZ,
		Periods: c.last.periods - c.base.periods, Throttled: c.last.throttled - c.base.throttled}
	if text, err := os.ReadFile("/proc/self/cgroup"); err == nil { // aiperf itself has ended by now
		if quota, _, _ := cgroupCPU("/sys/fs/cgroup", string(text)); quota > 0 {
			u.CPUs = min(u.CPUs, quota)
		}
	}
	for pid, ticks := range c.last.own {
		share := float64(ticks-min(ticks, c.base.own[pid])) / userHZ / elapsed
		if share <= u.Busiest {
			continue
		}
		u.Busiest, u.Process = share, fmt.Sprintf("a process of aiperf (pid %d)", pid)
		if slices.Contains(c.nginx, pid) {
			u.Process = fmt.Sprintf("nginx (pid %d)", pid)
		}
	}
	return u
}

// ticks is the CPU that a process has used, for itself and in the kernel.
type ticks struct{ own, reaped uint64 }

// cpuTicks reads /proc/PID/stat; a process that is gone has used nothing.
func cpuTicks(pid int) ticks {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ticks{}
	}
	return parseTicks(stat)
}

// parseTicks reads fields 14 to 17: utime, stime, cutime, cstime. The name, field 2, may
// hold blanks and brackets.
func parseTicks(stat []byte) ticks {
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 15 {
		return ticks{}
	}
	var n [4]uint64
	for i := range n {
		var err error
		if n[i], err = strconv.ParseUint(fields[11+i], 10, 64); err != nil {
			return ticks{}
		}
	}
	return ticks{own: n[0] + n[1], reaped: n[2] + n[3]}
}

// cgroupCPU returns the smallest CPU quota of a process's cgroup and those above it, in
// CPUs (0 = none), with the periods and the throttled periods of that cgroup. text is
// /proc/PID/cgroup: "0::/a/b" of version 2, "4:cpu,cpuacct:/a/b" of version 1.
func cgroupCPU(root, text string) (quota, periods, throttled float64) {
	for line := range strings.Lines(text) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		base := root
		if parts[1] != "" {
			if !slices.Contains(strings.Split(parts[1], ","), "cpu") {
				continue
			}
			base = filepath.Join(root, parts[1])
		}
		for dir := filepath.Clean("/" + parts[2]); ; dir = filepath.Dir(dir) {
			here := quotaOf(filepath.Join(base, dir))
			if here > 0 && (quota == 0 || here < quota) {
				quota = here
				periods, throttled = throttling(filepath.Join(base, dir, "cpu.stat"))
			}
			if dir == "/" {
				break
			}
		}
	}
	return quota, periods, throttled
}

// quotaOf is the CPU quota of one cgroup, in CPUs; 0 = none.
func quotaOf(dir string) float64 {
	var numbers []float64
	if text, err := os.ReadFile(filepath.Join(dir, "cpu.max")); err == nil { // "200000 100000", or "max 100000"
		for _, field := range strings.Fields(string(text)) {
			numbers = append(numbers, number(field))
		}
	} else {
		for _, name := range []string{"cpu.cfs_quota_us", "cpu.cfs_period_us"} {
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				return 0
			}
			numbers = append(numbers, number(strings.TrimSpace(string(text))))
		}
	}
	if len(numbers) != 2 || numbers[0] <= 0 || numbers[1] <= 0 {
		return 0
	}
	return numbers[0] / numbers[1]
}

func throttling(path string) (periods, throttled float64) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(text)) {
		switch name, value, _ := strings.Cut(strings.TrimSpace(line), " "); name {
		case "nr_periods":
			periods = number(value)
		case "nr_throttled":
			throttled = number(value)
		}
	}
	return periods, throttled
}

// number is 0 for text such as "max".
func number(text string) float64 {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0
	}
	return f
}

package proc

import (
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Load is what a process tree has used of the CPUs up to one moment.
type Load struct {
	At    time.Time
	CPU   time.Duration // user and system time of the tree, that of reaped children included
	Procs []Proc        // its processes, zombies included, the root first
	Limit CPULimit
}

// CPULimit is what a process may use of the CPUs, and how often its cgroup was throttled.
type CPULimit struct {
	CPUs    float64 // the lower of affinity and quota; 0 = unknown
	Quota   float64 // CPUs that the tightest cgroup allows; 0 = unlimited
	Periods uint64  // scheduling periods of that cgroup (nr_periods)
	// Throttled counts the periods in which the cgroup used up its quota (nr_throttled).
	Throttled uint64
	// ThrottledFor is how long threads waited for quota, summed over CPUs, in the cgroup that was throttled most.
	ThrottledFor time.Duration
}

// Use is what a tree used between two looks.
type Use struct {
	Wall, CPU  time.Duration
	CPUs       float64 // how many it may use; 0 = unknown
	Busiest    Proc    // the single process that used most; zero if none used any
	BusiestCPU time.Duration
	Periods    uint64 // of the cgroup with the quota
	Throttled  uint64
}

// LoadOf sums up the tree below root, root included, from a snapshot taken at a moment.
// The zero Load means that root is gone. A process whose children are never reaped by it
// (SIGCHLD ignored) loses their time when they end.
func LoadOf(all []Proc, root int, at time.Time) Load {
	i := slices.IndexFunc(all, func(p Proc) bool { return p.PID == root })
	if i < 0 {
		return Load{}
	}
	l := Load{At: at, Procs: append([]Proc{all[i]}, Below(all, root, nil)...)}
	for _, p := range l.Procs {
		l.CPU += p.CPU + p.ReapedCPU
	}
	return l
}

// Again reads the processes of l again, and its limit if it has one. It finds no new
// processes: a Snapshot reads all of /proc. The zero Load means that the root is gone.
func (l Load) Again() Load {
	if len(l.Procs) == 0 {
		return Load{}
	}
	root := l.Procs[0].PID
	if l.Limit != (CPULimit{}) {
		l.Limit = Limit(root) // before the processes: it is complete if the root is there after it
	}
	var all []Proc
	for _, p := range l.Procs {
		if now, err := Read(p.PID); err == nil && now.Same(p) {
			all = append(all, now)
		}
	}
	again := LoadOf(all, root, time.Now())
	if !again.At.IsZero() {
		again.Limit = l.Limit
	}
	return again
}

// Since is the use between an earlier look and this one. It is never negative, also
// where a counter went back.
func (l Load) Since(before Load) Use {
	u := Use{
		Wall: max(0, l.At.Sub(before.At)), CPU: max(0, l.CPU-before.CPU), CPUs: l.Limit.CPUs,
		Periods:   less(l.Limit.Periods, before.Limit.Periods),
		Throttled: less(l.Limit.Throttled, before.Limit.Throttled),
	}
	for _, p := range l.Procs {
		used := p.CPU
		if i := slices.IndexFunc(before.Procs, p.Same); i >= 0 {
			used -= before.Procs[i].CPU
		}
		if used > u.BusiestCPU {
			u.Busiest, u.BusiestCPU = p, used
		}
	}
	return u
}

// less is a-b of two counters, 0 where the counter went back.
func less(a, b uint64) uint64 {
	if a < b {
		return 0
	}
	return a - b
}

// cgroup is where the CPU quota of a process is kept: a mounted hierarchy, and the
// directory of the process in it.
type cgroup struct {
	mount, dir string
	v2         bool
}

// cpuCgroup finds the cgroup that limits a process, from /proc/PID/cgroup and
// /proc/self/mountinfo; ok is false where no hierarchy with the CPU controller is
// mounted. Version 1 wins where both are mounted, because the controller is then there.
func cpuCgroup(cgroups, mountinfo string) (c cgroup, ok bool) {
	for line := range strings.Lines(cgroups) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3) // hierarchy:controllers:path
		if len(f) != 3 {
			continue
		}
		v2 := f[0] == "0" && f[1] == ""
		if !v2 && !slices.Contains(strings.Split(f[1], ","), "cpu") || v2 && ok {
			continue
		}
		if mount, root, found := cgroupMount(mountinfo, v2); found {
			c, ok = cgroup{mount: mount, dir: path.Join("/", strings.TrimPrefix(f[2], root)), v2: v2}, true
		}
	}
	return c, ok
}

// cgroupMount finds where a hierarchy is mounted, and which directory of it, in
// proc_pid_mountinfo(5): ID parent major:minor root mount options ... - type source super.
func cgroupMount(mountinfo string, v2 bool) (mount, root string, found bool) {
	for line := range strings.Lines(mountinfo) {
		left, right, _ := strings.Cut(line, " - ")
		f, g := strings.Fields(left), strings.Fields(right)
		if len(f) < 5 || len(g) < 3 {
			continue
		}
		if v2 && g[0] == "cgroup2" || !v2 && g[0] == "cgroup" && slices.Contains(strings.Split(g[2], ","), "cpu") {
			return f[4], strings.TrimSuffix(f[3], "/"), true
		}
	}
	return "", "", false
}

// limit reads the tightest quota of c and of the cgroups above it, and how often that one
// was throttled. read returns the text of a file. A missing directory, as in a container
// that sees only its own part, limits nothing.
func (c cgroup) limit(read func(path string) string) (l CPULimit) {
	for dir := c.dir; ; dir = path.Dir(dir) {
		at := path.Join(c.mount, dir)
		quota := 0.0
		if c.v2 {
			quota = parseMax(read(at + "/cpu.max"))
		} else {
			quota = parseMax(read(at+"/cpu.cfs_quota_us") + " " + read(at+"/cpu.cfs_period_us"))
		}
		if quota > 0 {
			l.ThrottledFor = max(l.ThrottledFor, parseThrottledFor(read(at+"/cpu.stat")))
		}
		if quota > 0 && (l.Quota == 0 || quota < l.Quota) {
			l.Quota = quota
			l.Periods, l.Throttled = parseThrottled(read(at + "/cpu.stat"))
		}
		if dir == "/" || dir == "." {
			return l
		}
	}
}

// parseMax reads "QUOTA PERIOD" in microseconds as a number of CPUs; 0 for "max" or -1,
// which mean no limit, and for text of another kind.
func parseMax(text string) float64 {
	f := strings.Fields(text)
	if len(f) != 2 {
		return 0
	}
	quota, err := strconv.ParseFloat(f[0], 64)
	period, bad := strconv.ParseFloat(f[1], 64)
	if err != nil || bad != nil || !(quota > 0) || !(period > 0) || math.IsInf(quota/period, 0) {
		return 0
	}
	return quota / period
}

// parseThrottled reads nr_periods and nr_throttled of a cpu.stat.
func parseThrottled(text string) (periods, throttled uint64) {
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.ParseUint(value, 10, 64)
		switch {
		case err != nil:
		case name == "nr_periods":
			periods = n
		case name == "nr_throttled":
			throttled = n
		}
	}
	return periods, throttled
}

// parseThrottledFor reads the throttled time of a cpu.stat, which version 1 has in nanoseconds.
func parseThrottledFor(text string) time.Duration {
	units := map[string]time.Duration{"throttled_usec": time.Microsecond, "throttled_time": time.Nanosecond}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if n, err := strconv.ParseInt(value, 10, 64); err == nil && units[name] > 0 {
			return time.Duration(n) * units[name]
		}
	}
	return 0
}

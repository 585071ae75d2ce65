package proc

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLoadOfATreeCountsReapedChildren(t *testing.T) {
	at := time.Unix(100, 0)
	before := []Proc{
		{PID: 7, Ticks: 1, State: 'S', CPU: 2 * time.Second, ReapedCPU: time.Second},
		{PID: 8, PPID: 7, Ticks: 2, State: 'R', CPU: 5 * time.Second},
		{PID: 9, PPID: 7, Ticks: 3, State: 'R', CPU: time.Second},
		{PID: 10, PPID: 1, Ticks: 4, State: 'R', CPU: time.Hour}, // foreign
	}
	was := LoadOf(before, 7, at)
	if was.CPU != 9*time.Second || len(was.Procs) != 3 {
		t.Errorf("before: %+v", was)
	}
	after := []Proc{ // 8 used 3 s more, ended and was reaped; 11 is new
		{PID: 7, Ticks: 1, State: 'S', CPU: 3 * time.Second, ReapedCPU: 9 * time.Second},
		{PID: 9, PPID: 7, Ticks: 3, State: 'R', CPU: 5 * time.Second},
		{PID: 11, PPID: 9, Ticks: 9, State: 'R', CPU: 2 * time.Second},
	}
	now := LoadOf(after, 7, at.Add(10*time.Second))
	now.Limit = CPULimit{CPUs: 4, Periods: 90, Throttled: 3}
	was.Limit = CPULimit{CPUs: 8, Periods: 50, Throttled: 1}
	want := Use{Wall: 10 * time.Second, CPU: 10 * time.Second, CPUs: 4, Busiest: after[1], BusiestCPU: 4 * time.Second, Periods: 40, Throttled: 2}
	if diff := cmp.Diff(now.Since(was), want); diff != "" {
		t.Errorf("use (-got +want):\n%s", diff)
	}
	if l := LoadOf(after, 99, at); l.CPU != 0 || len(l.Procs) > 0 || !l.At.IsZero() {
		t.Errorf("a root that is gone: %+v", l)
	}
}

// Counters of the kernel can go back: a pid is given again, a cgroup is made again, time
// of children that nobody reaps is lost.
func TestUseIsNeverNegative(t *testing.T) {
	at := time.Unix(100, 0)
	was := Load{At: at, CPU: time.Minute, Procs: []Proc{{PID: 7, Ticks: 1, CPU: time.Minute}}, Limit: CPULimit{Periods: 9, Throttled: 9}}
	for _, now := range []Load{
		{},
		{At: at.Add(-time.Second), CPU: time.Second, Procs: []Proc{{PID: 7, Ticks: 1, CPU: time.Second}}},
	} {
		if u := now.Since(was); u != (Use{}) {
			t.Errorf("got %+v", u)
		}
	}
}

func TestTheTightestQuotaCounts(t *testing.T) {
	const (
		v1   = "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
		set  = "34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset\n"
		v2   = "41 31 0:38 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n"
		part = "41 31 0:38 /docker/abc /sys/fs/cgroup ro,relatime shared:9 - cgroup2 cgroup2 rw\n"
	)
	for _, row := range []struct {
		why, cgroups, mounts string
		files                map[string]string
		want                 CPULimit
	}{
		{"version 2, a slice above is tighter", "0::/a/b\n", v2, map[string]string{
			"/sys/fs/cgroup/a/b/cpu.max": "800000 100000\n", "/sys/fs/cgroup/a/b/cpu.stat": "nr_periods 1\nnr_throttled 1\n",
			"/sys/fs/cgroup/a/cpu.max": "150000 100000\n", "/sys/fs/cgroup/a/cpu.stat": "usage_usec 5\nnr_periods 200\nnr_throttled 7\nthrottled_usec 2500000\n",
		}, CPULimit{Quota: 1.5, Periods: 200, Throttled: 7, ThrottledFor: 2500 * time.Millisecond}},
		{"version 2, the group itself is tighter", "0::/a/b\n", v2, map[string]string{
			"/sys/fs/cgroup/a/cpu.max": "200000 100000", "/sys/fs/cgroup/a/b/cpu.max": "50000 100000", "/sys/fs/cgroup/a/b/cpu.stat": "nr_periods 5",
		}, CPULimit{Quota: 0.5, Periods: 5}},
		{"version 2, a path that is not visible in a container", "0::/docker/abc\n", v2, map[string]string{"/sys/fs/cgroup/cpu.max": "150000 100000"}, CPULimit{Quota: 1.5}},
		{"version 2 with nonsense", "0::/a\nx\n", v2, map[string]string{"/sys/fs/cgroup/a/cpu.max": "x"}, CPULimit{}},
		{"version 2 without a limit", "0::/a\n", v2, map[string]string{"/sys/fs/cgroup/a/cpu.max": "max 100000\n"}, CPULimit{}},
		{"version 1", "4:memory:/x\n3:cpu,cpuacct:/job\n0::/\n", set + v1 + v2, map[string]string{
			"/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "400000\n", "/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000\n",
			"/sys/fs/cgroup/cpu,cpuacct/job/cpu.stat": "nr_periods 10\nnr_throttled 2\nthrottled_time 99\n",
		}, CPULimit{Quota: 4, Periods: 10, Throttled: 2, ThrottledFor: 99}},
		{"version 1 without a limit", "3:cpu,cpuacct:/\n", v1, map[string]string{
			"/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n", "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
		}, CPULimit{}},
		{"a container that sees its own part", "0::/docker/abc/init\n", part, map[string]string{
			"/sys/fs/cgroup/cpu.max": "200000 100000\n", "/sys/fs/cgroup/cpu.stat": "nr_periods 5\nnr_throttled 0\n",
		}, CPULimit{Quota: 2, Periods: 5}},
		{"a container with the host's path, where only the root is visible", "3:cpu,cpuacct:/docker/abc\n", v1, map[string]string{
			"/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000", "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
		}, CPULimit{Quota: 0.5}},
	} {
		c, ok := cpuCgroup(row.cgroups, row.mounts)
		if !ok {
			t.Errorf("%s: no cgroup", row.why)
			continue
		}
		if diff := cmp.Diff(c.limit(func(path string) string { return row.files[path] }), row.want); diff != "" {
			t.Errorf("%s (-got +want):\n%s", row.why, diff)
		}
	}
	for _, row := range [][2]string{{"", v2}, {"0::/a\n", set}, {"3:cpu:/\n", v2}, {"x\n", "y\n"}} {
		if c, ok := cpuCgroup(row[0], row[1]); ok {
			t.Errorf("%q: %+v", row, c)
		}
	}
}

func FuzzCPUCgroup(f *testing.F) {
	f.Add("0::/a/../..\n", "41 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "max 1")
	f.Add("3:cpu:x", "1 1 0:1 / / rw - cgroup cgroup cpu", "1 0")
	f.Fuzz(func(t *testing.T, cgroups, mounts, file string) {
		c, _ := cpuCgroup(cgroups, mounts)
		if l := c.limit(func(string) string { return file }); l.Quota < 0 || math.IsNaN(l.Quota) || math.IsInf(l.Quota, 0) {
			t.Errorf("quota %v", l.Quota)
		}
	})
}

package proc

import (
	"os"

	"golang.org/x/sys/unix"
)

// Limit reads how many CPUs a process may use: by its affinity (taskset, Slurm, cpusets)
// and by the quota of its cgroup, version 1 or 2.
func Limit(pid int) CPULimit {
	read := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			return ""
		}
		return string(text)
	}
	var l CPULimit
	if c, ok := cpuCgroup(read(procPath(pid, "cgroup")), read("/proc/self/mountinfo")); ok {
		l = c.limit(read)
	}
	l.CPUs = l.Quota
	var set unix.CPUSet
	if unix.SchedGetaffinity(pid, &set) == nil {
		if n := float64(set.Count()); l.Quota == 0 || n < l.Quota {
			l.CPUs = n
		}
	}
	return l
}

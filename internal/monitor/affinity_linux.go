package monitor

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// availableCPUs is the number of CPUs that a process may run on. Where the process has
// ended, topobench's own count stands for it: children inherit the affinity.
func availableCPUs(pid int) float64 {
	var set unix.CPUSet
	for _, p := range []int{pid, os.Getpid()} {
		if err := unix.SchedGetaffinity(p, &set); err == nil {
			return float64(set.Count())
		}
	}
	return float64(runtime.NumCPU())
}

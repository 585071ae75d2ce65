package monitor

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// availableCPUs is the number of CPUs that a process may run on. If the process has ended
// it is topobench's own number: children inherit the affinity.
func availableCPUs(pid int) float64 {
	var set unix.CPUSet
	for _, p := range []int{pid, os.Getpid()} {
		if err := unix.SchedGetaffinity(p, &set); err == nil {
			return float64(set.Count())
		}
	}
	return float64(runtime.NumCPU())
}

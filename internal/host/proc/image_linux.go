package proc

import (
	"bytes"
	"os"
	"strconv"
)

// fieldStack is where the stack begins (28 in proc_pid_stat(5)), counted as in stat.go.
const fieldStack = 25

// Image tells the programs apart that one process executes after another, which
// keep its pid and its ticks: the kernel gives each a stack at another address. 0:
// unknown, as for processes of other users.
func Image(pid int) uint64 {
	stat, err := os.ReadFile(procPath(pid, "stat"))
	if err != nil {
		return 0
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) <= fieldStack {
		return 0
	}
	address, err := strconv.ParseUint(string(fields[fieldStack]), 10, 64)
	if err != nil {
		return 0
	}
	return address
}

package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"

	"topobench/internal/testbed"
)

// record appends a process to the file of pids, if there is one.
func record(file string, pid int) {
	ticks := testbed.Ticks(pid)
	if file == "" || ticks == "" {
		return
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err == nil {
		_, err = fmt.Fprintln(f, pid, ticks) // one write: lines do not mix
		_ = f.Close()
	}
	if err != nil {
		fmt.Println("cannot record a process:", err)
	}
}

// startChildren starts the children that ChildrenKey lists.
func startChildren() {
	for _, child := range strings.Fields(os.Getenv(testbed.ChildrenKey)) {
		habit, arg, given := strings.Cut(child, ":")
		var args []string
		if given {
			args = []string{arg}
		}
		spawn(&syscall.SysProcAttr{}, habit, args...)
	}
}

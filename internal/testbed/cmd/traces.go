package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Positions in /proc/PID/stat after the name, counted from 0.
const (
	fieldEnvStart = 47
	fieldEnvEnd   = 48
)

// titled erases its environment, as setproctitle and nginx do with theirs, and is
// stubborn then.
func titled([]string) int {
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		fmt.Println("cannot rewrite:", err)
		return 2
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	start, _ := strconv.ParseInt(fields[fieldEnvStart], 10, 64)
	end, _ := strconv.ParseInt(fields[fieldEnvEnd], 10, 64)
	memory, err := os.OpenFile("/proc/self/mem", os.O_RDWR, 0)
	if err == nil {
		_, err = memory.WriteAt(make([]byte, end-start), start)
	}
	if err != nil {
		fmt.Println("cannot rewrite:", err)
		return 2
	}
	return stubborn(nil)
}

// mapper makes the files that args name and maps them, with no descriptor left open,
// as users of shared memory do.
func mapper(args []string) int {
	for _, path := range args {
		if err := mapFile(path); err != nil {
			fmt.Println("cannot map:", err)
			return 2
		}
	}
	fmt.Println("ready", os.Getpid())
	time.Sleep(forever)
	return 0
}

func mapFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(4096); err != nil {
		return err
	}
	_, err = syscall.Mmap(int(f.Fd()), 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	return err
}

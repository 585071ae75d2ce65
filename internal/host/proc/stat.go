package proc

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Positions in /proc/PID/stat after the name; proc_pid_stat(5) counts from 1
// and calls the first of these 3.
const (
	fieldState   = 0
	fieldPPID    = 1
	fieldGroup   = 2
	fieldUser    = 11 // then system, and both of reaped children
	fieldThreads = 17
	fieldTicks   = 19
)

// parse reads one /proc/PID/stat. The name in it is the process's own choice
// and may hold blanks, newlines and ")", so the fields begin after the last ")".
func parse(stat []byte) (Proc, error) {
	open, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if open < 0 || end < open {
		return Proc{}, fmt.Errorf("cannot read process status %.60q: no name in brackets", stat)
	}
	fields := strings.Fields(string(stat[end+1:]))
	if len(fields) <= fieldTicks || len(fields[fieldState]) != 1 {
		return Proc{}, fmt.Errorf("cannot read process status %.60q: %d fields after the name", stat, len(fields))
	}
	var n numbers
	p := Proc{
		PID:       n.int(strings.TrimSpace(string(stat[:open]))),
		PPID:      n.int(fields[fieldPPID]),
		Group:     n.int(fields[fieldGroup]),
		Threads:   n.int(fields[fieldThreads]),
		Ticks:     n.uint64(fields[fieldTicks]),
		CPU:       n.ticks(fields[fieldUser]) + n.ticks(fields[fieldUser+1]),
		State:     fields[fieldState][0],
		ReapedCPU: n.ticks(fields[fieldUser+2]) + n.ticks(fields[fieldUser+3]),
		Comm:      string(stat[open+1 : end]),
	}
	if n.err != nil {
		return Proc{}, fmt.Errorf("cannot read process status %.60q: %w", stat, n.err)
	}
	return p, nil
}

// numbers converts fields and keeps the first error.
type numbers struct{ err error }

func (n *numbers) int(s string) int {
	v, err := strconv.Atoi(s)
	n.keep(err)
	return v
}

func (n *numbers) uint64(s string) uint64 {
	v, err := strconv.ParseUint(s, 10, 64)
	n.keep(err)
	return v
}

// ticks is a time that the kernel counts in clock ticks.
func (n *numbers) ticks(s string) time.Duration { return time.Duration(n.int(s)) * tick }

func (n *numbers) keep(err error) {
	if n.err == nil {
		n.err = err
	}
}

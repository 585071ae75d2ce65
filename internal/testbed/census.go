package testbed

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Variables by which a test keeps hold of processes that lose every other mark.
const (
	// CensusKey names a file in which each fake and each child writes who it is.
	CensusKey = "LC_CENSUS"
	// BroodKey has habits, as "escape titled racer:300": a fake worker and a fake
	// aiperf begin with a child for each.
	BroodKey = "LC_BROOD"
)

// Enrolled are the processes of a census that live, in whatever disguise: they are
// known by pid and start time.
func Enrolled(census string) []Seen {
	text, err := os.ReadFile(census)
	if err != nil {
		return nil // nobody was started
	}
	var living []Seen
	for line := range strings.Lines(string(text)) {
		var pid int
		var ticks string
		if n, _ := fmt.Sscan(line, &pid, &ticks); n < 2 {
			continue
		}
		if s, ok := see(fmt.Sprintf("/proc/%d/stat", pid), ""); ok && !s.dead() && ticksOf(pid) == ticks {
			living = append(living, s)
		}
	}
	return living
}

// enroll writes a process into a census, if there is one.
func enroll(census string, pid int) {
	ticks := ticksOf(pid)
	if census == "" || ticks == "" {
		return
	}
	f, err := os.OpenFile(census, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err == nil {
		_, err = fmt.Fprintln(f, pid, ticks) // one write: lines do not mix
		_ = f.Close()
	}
	if err != nil {
		fmt.Println("cannot enroll:", err)
	}
}

// ticksOf is the start time of a process in clock ticks since boot, "" if it is gone.
func ticksOf(pid int) string {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	return strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))[19]
}

// brood starts the children that BroodKey asks for.
func brood() {
	for _, wish := range strings.Fields(os.Getenv(BroodKey)) {
		habit, arg, given := strings.Cut(wish, ":")
		var args []string
		if given {
			args = []string{arg}
		}
		spawn(&syscall.SysProcAttr{}, habit, args...)
	}
}

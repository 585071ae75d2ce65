package testbed

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Variables by which a test keeps hold of processes that lose every other mark.
const (
	// PIDsKey names a file in which each fake and each child writes its pid and start time.
	PIDsKey = "LC_PIDS"
	// ChildrenKey has habits, as "escape titled racer:300": a fake worker and a fake
	// aiperf begin with a child for each.
	ChildrenKey = "LC_CHILDREN"
)

// Recorded returns the living processes of a file of pids, in whatever disguise: pid
// and start time identify them.
func Recorded(file string) []Seen {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil // nothing has started yet
	}
	var living []Seen
	for line := range strings.Lines(string(text)) {
		var pid int
		var ticks string
		if n, _ := fmt.Sscan(line, &pid, &ticks); n < 2 {
			continue
		}
		if s, ok := see(fmt.Sprintf("/proc/%d/stat", pid), ""); ok && !s.dead() && Ticks(pid) == ticks {
			living = append(living, s)
		}
	}
	return living
}

// Ticks is the start time of a process in clock ticks since boot, "" if it is gone.
func Ticks(pid int) string {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	return strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))[19]
}

package proctree

import (
	"bufio"
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Listener finds the process that listens on a TCP port of this machine. It is
// for messages: other users' processes cannot be seen without root.
func Listener(port int) (Proc, bool) {
	all := Listeners([]int{port})[port]
	if len(all) == 0 {
		return Proc{}, false
	}
	return all[0], true
}

// Listeners is Listener for many ports at once. Two sockets can share a port
// (SO_REUSEPORT): all that listen are told. Of processes that share a socket it is the
// oldest: the one that opened it.
func Listeners(ports []int) map[int][]Proc {
	inodes := map[string]int{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		listening(table, ports, inodes)
	}
	found, oldest := map[int][]Proc{}, map[string]Proc{} // by port, by socket
	fds, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil || len(inodes) == 0 {
		return found
	}
	for _, fd := range fds {
		target, err := os.Readlink(fd)
		_, listens := inodes[target]
		if err != nil || !listens {
			continue
		}
		pid, err := strconv.Atoi(strings.Split(fd, "/")[2])
		if err != nil {
			continue
		}
		if p, err := Read(pid); err == nil {
			if other, known := oldest[target]; !known || p.Ticks < other.Ticks {
				oldest[target] = p
			}
		}
	}
	for target, p := range oldest {
		port := inodes[target]
		if !slices.ContainsFunc(found[port], p.Same) { // on IPv4 and IPv6, say
			found[port] = append(found[port], p)
		}
	}
	for _, all := range found {
		slices.SortFunc(all, func(a, b Proc) int { return cmp.Compare(a.Ticks, b.Ticks) })
	}
	return found
}

// listening adds the socket inodes that listen on the ports, as /proc/PID/fd shows
// them. Columns of the table: sl local_address rem_address st ... inode.
func listening(table string, ports []int, inodes map[string]int) {
	f, err := os.Open(table)
	if err != nil {
		return
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		field := strings.Fields(lines.Text())
		if len(field) < 10 || field[3] != "0A" {
			continue
		}
		_, hex, _ := strings.Cut(field[1], ":")
		if port, err := strconv.ParseUint(hex, 16, 16); err == nil && slices.Contains(ports, int(port)) {
			inodes["socket:["+field[9]+"]"] = int(port)
		}
	}
}

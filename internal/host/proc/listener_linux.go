package proc

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Listeners finds the processes among all that listen on each of the ports, the oldest
// first: with SO_REUSEPORT several sockets share a port. The listener on a socket that
// several processes inherited is the oldest, which opened it.
// They are for messages: without root other users' processes are not visible.
func Listeners(all []Proc, ports []int) map[int][]Proc {
	sockets := listening(ports)
	found := map[int][]Proc{}
	byAge := slices.SortedStableFunc(slices.Values(all), func(a, b Proc) int { return cmp.Compare(a.Ticks, b.Ticks) })
	for _, p := range byAge {
		if len(sockets) == 0 {
			break
		}
		eachFD(p, func(_, path string) bool {
			port, listens := sockets[path]
			delete(sockets, path)
			if listens && !slices.ContainsFunc(found[port], p.Same) { // on IPv4 and IPv6, say
				found[port] = append(found[port], p)
			}
			return false
		})
	}
	return found
}

// listening returns the sockets of this network namespace that listen on one of the TCP
// ports, by their names in /proc/PID/fd. The kernel walks all connections for it, which
// takes milliseconds.
func listening(ports []int) map[string]int {
	sockets := map[string]int{}
	if len(ports) == 0 {
		return sockets
	}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		f, err := os.Open(table)
		if err != nil {
			continue // a kernel without IPv6
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			field := strings.Fields(lines.Text()) // sl local_address rem_address st ... inode
			if len(field) < 10 || field[3] != "0A" {
				continue
			}
			_, hex, _ := strings.Cut(field[1], ":")
			port, err := strconv.ParseUint(hex, 16, 16)
			if err == nil && slices.Contains(ports, int(port)) {
				sockets["socket:["+field[9]+"]"] = int(port)
			}
		}
		f.Close() // it was only read
	}
	return sockets
}

// Backlog counts the connections that wait to be accepted on each of the TCP ports.
func Backlog(ports []int) map[int]int {
	waiting := map[int]int{}
	for _, port := range ports {
		for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
			text, err := os.ReadFile(table)
			if err == nil {
				waiting[port] += backlog(string(text), port)
			}
		}
	}
	return waiting
}

// backlog reads a table of /proc/net:
//
//	sl  local_address rem_address   st tx_queue rx_queue ...
//	 0: 0100007F:1F40 00000000:0000 0A 00000000:00000003 ...
//
// The receive queue of a listening socket is its accept queue.
func backlog(table string, port int) (waiting int) {
	local := fmt.Sprintf(":%04X", port)
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 5 || fields[3] != "0A" || !strings.HasSuffix(fields[1], local) {
			continue
		}
		_, queue, _ := strings.Cut(fields[4], ":")
		if n, err := strconv.ParseUint(queue, 16, 31); err == nil {
			waiting += int(n)
		}
	}
	return waiting
}

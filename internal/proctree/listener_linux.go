package proctree

import (
	"bufio"
	"cmp"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Listener finds the process that listens on a TCP port of this machine. It is
// for messages: other users' processes cannot be seen without root.
func Listener(port int) (Proc, bool) {
	everybody, err := Snapshot()
	all := Listeners(everybody, []int{port})[port]
	if err != nil || len(all) == 0 {
		return Proc{}, false
	}
	return all[0], true
}

// Listeners says who of all listens on each of the ports. Two sockets can share a port
// (SO_REUSEPORT): all that listen are told, the oldest first. Of processes that share a
// socket it is the oldest: the one that opened it.
func Listeners(all []Proc, ports []int) map[int][]Proc {
	sockets := map[string]int{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		listening(table, ports, sockets)
	}
	found := map[int][]Proc{}
	byAge := slices.SortedStableFunc(slices.Values(all), func(a, b Proc) int { return cmp.Compare(a.Ticks, b.Ticks) })
	for _, p := range byAge {
		if len(sockets) == 0 {
			break
		}
		open(p, func(_, path string) bool {
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

// listening adds the sockets that listen on the ports, as /proc/PID/fd shows
// them. Columns of the table: sl local_address rem_address st ... inode.
func listening(table string, ports []int, sockets map[string]int) {
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
			sockets["socket:["+field[9]+"]"] = int(port)
		}
	}
}

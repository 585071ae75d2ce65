package proc

import (
	"cmp"
	"slices"
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
	sockets := on(ports, listening())
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

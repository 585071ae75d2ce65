// Package proc reads /proc: which processes run, who descends from whom, what they hold and
// what they use; and it kills whole trees.
//
// A process is named by pid and start ticks together, so that a process that got the pid of
// an ended one is never taken for it and never signalled. A zombie is dead, except a zombie
// leader whose other threads still run. Outside Linux a function fails with
// errors.ErrUnsupported, or returns nothing where it has no error.
package proc

import (
	"fmt"
	"time"

	"topobench/internal/text"
)

// Proc is one process as /proc/PID/stat showed it.
type Proc struct {
	PID, PPID, Group int
	// Ticks is the start time in clock ticks since boot (field 22). It survives
	// exec and a change of the wall clock, so it is the identity beside the pid.
	Ticks uint64
	// State is the kernel's letter: R, S, D, T, Z ...
	State byte
	// Comm is the kernel's name of it (15 bytes); the process may choose it.
	Comm string
	// Threads counts a zombie leader too: 1 for a plain zombie.
	Threads int
	// CPU is the user and system time of its threads, ReapedCPU that of the children
	// that it has waited for.
	CPU, ReapedCPU time.Duration
}

// Alive reports whether the process could still run code or hold a GPU.
// A zombie with one task waits for its parent only; with more it is a leader
// that exited before its threads.
func (p Proc) Alive() bool {
	switch p.State {
	case 'X', 'x':
		return false
	case 'Z':
		return p.Threads > 1
	default:
		return true
	}
}

// Same reports whether q is the same process, seen at another time.
func (p Proc) Same(q Proc) bool { return p.PID == q.PID && p.Ticks == q.Ticks }

// String names the process for a person: "4711 (VLLM::EngineCor)".
func (p Proc) String() string { return fmt.Sprintf("%d (%s)", p.PID, text.Clean(p.Comm)) }

// Count is n processes, for a person.
func Count(n int) string { return text.Count(n, "process", "processes") }

// Below picks the descendants of root from all, dead ones included, parents before
// children. It leaves out each process for which except returns true, with its descendants;
// except may be nil.
func Below(all []Proc, root int, except func(Proc) bool) []Proc {
	children := make(map[int][]Proc, len(all))
	for _, p := range all {
		children[p.PPID] = append(children[p.PPID], p)
	}
	var found []Proc
	seen := map[int]bool{root: true} // an inconsistent snapshot could show a circle
	for next := []int{root}; len(next) > 0; next = next[1:] {
		for _, p := range children[next[0]] {
			if seen[p.PID] || (except != nil && except(p)) {
				continue
			}
			seen[p.PID] = true
			found = append(found, p)
			next = append(next, p.PID)
		}
	}
	return found
}

// Living keeps the processes that are alive.
func Living(all []Proc) []Proc {
	var living []Proc
	for _, p := range all {
		if p.Alive() {
			living = append(living, p)
		}
	}
	return living
}

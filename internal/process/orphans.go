package process

import (
	"errors"
	"os"
	"slices"
	"syscall"
	"time"

	"topobench/internal/proctree"
	"topobench/internal/shepherd"
)

// self is the running binary, also after its file was replaced.
const self = "/proc/self/exe"

// Adopt makes this process a sub-reaper: the tree of a shepherd that is killed
// falls to it instead of to pid 1. The orchestrator calls it once, first of all.
func Adopt() error { return proctree.Adopt() }

// Leftovers returns the living descendants of this process, without the
// shepherds and what they herd, and without strangers and what descends from them.
// When every Child was stopped there are none.
//
// Asked before anything is started, it names the strangers: a shell that executed
// this program in its own place has left it its children, as a tee of its output.
func Leftovers(strangers ...proctree.Proc) ([]proctree.Proc, error) {
	if proctree.Childless() {
		return nil, nil
	}
	return proctree.Descendants(os.Getpid(), func(p proctree.Proc) bool {
		return slices.ContainsFunc(strangers, p.Same) || herded(p)
	})
}

// Unherded leaves out of all the shepherds of this process and what they herd: what
// runs there is wanted, and is not left.
func Unherded(all []proctree.Proc) []proctree.Proc {
	herd := map[int]bool{}
	for _, p := range all {
		if !herded(p) {
			continue
		}
		herd[p.PID] = true
		for _, q := range proctree.Below(all, p.PID, nil) {
			herd[q.PID] = true
		}
	}
	var rest []proctree.Proc
	for _, p := range all {
		if !herd[p.PID] {
			rest = append(rest, p)
		}
	}
	return rest
}

// herded reports whether p is a shepherd of this process. One that was forked
// and has not executed yet still shows our own arguments, and for an instant none.
// A dead one herds nothing; orphans that ended are many where a shepherd was killed.
func herded(p proctree.Proc) bool {
	if p.PPID != os.Getpid() || !p.Alive() {
		return false
	}
	for range 5 {
		args, err := proctree.Cmdline(p.PID)
		if err != nil {
			return false
		}
		if len(args) > 0 {
			return shepherd.Is(args) || slices.Equal(args, os.Args)
		}
		time.Sleep(time.Millisecond)
	}
	return false
}

// fallen ends the tree of a child whose shepherd was killed. The tree is what
// hangs from the child, plus what fell to this process and belongs to no
// shepherd; whatever is older than the shepherd is not its offspring.
func (c *Child) fallen() {
	killed, err := proctree.Sweep(proctree.SweepLimit, func(all []proctree.Proc) []proctree.Proc {
		orphans := proctree.Below(all, os.Getpid(), func(p proctree.Proc) bool {
			return p.Ticks < c.shepherd.Ticks || herded(p)
		})
		return append(orphans, household(all, c.self)...)
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = errors.Join(c.left, err)
	c.exit.Swept = killed
	if c.exit.At.IsZero() {
		c.exit = Exit{Code: -1, Signal: syscall.SIGKILL, Stopped: c.stopped, Lost: true, At: time.Now(), Swept: max(0, killed-1)}
		close(c.done)
	}
}

// household is the process p, its process group and all that hangs from it; none
// if its pid is another's by now. It finds the tree where nobody adopted it.
func household(all []proctree.Proc, p proctree.Proc) []proctree.Proc {
	if !slices.ContainsFunc(all, p.Same) {
		return nil
	}
	members := proctree.Below(all, p.PID, nil)
	for _, q := range all {
		if q.Group == p.PID {
			members = append(members, q)
		}
	}
	return members
}

package host

import (
	"errors"
	"os"
	"slices"
	"syscall"
	"time"

	"topobench/internal/host/proc"
	"topobench/internal/host/shepherd"
)

// self is the running binary, also after its file was replaced.
const self = "/proc/self/exe"

// SetSubreaper makes this process the new parent of orphans below it: the tree of a killed
// shepherd falls to this process instead of to pid 1. The orchestrator calls it first.
func SetSubreaper() error { return proc.SetSubreaper() }

// Leftovers returns the living descendants of this process, without its shepherds and
// their trees, and without the foreign processes and theirs. After every Child was stopped
// there are none.
//
// As pid 1 this process has none: everything that is started in a container falls to its
// first process, as by docker exec. The run's identity finds its processes there.
//
// Before anything is started, Leftovers() returns the foreign processes: a shell that
// executed this program in its own place left it its children, such as a tee of its output.
func Leftovers(foreign ...proc.Proc) ([]proc.Proc, error) {
	if proc.Childless() {
		return nil, nil
	}
	all, err := proc.Snapshot()
	return leftovers(all, isInit(), foreign), err
}

func leftovers(all []proc.Proc, pid1 bool, foreign []proc.Proc) []proc.Proc {
	return proc.Living(orphans(all, pid1, func(p proc.Proc) bool {
		return slices.ContainsFunc(foreign, p.Same) || isShepherd(p)
	}))
}

func isInit() bool { return os.Getpid() == 1 }

// orphans are the descendants of this process, without those that except reports and
// theirs. As pid 1 it has none, because foreign processes fall to it too.
func orphans(all []proc.Proc, pid1 bool, except func(proc.Proc) bool) []proc.Proc {
	if pid1 {
		return nil
	}
	return proc.Below(all, os.Getpid(), except)
}

// OwnTree picks the descendants of this process from all; as pid 1 only Supervised.
func OwnTree(all []proc.Proc) []proc.Proc {
	return append(orphans(all, isInit(), isShepherd), Supervised(all)...)
}

// Unsupervised is all without Supervised: the processes that should not run any more if
// they belong to this run.
func Unsupervised(all []proc.Proc) []proc.Proc {
	wanted := map[int]bool{}
	for _, p := range Supervised(all) {
		wanted[p.PID] = true
	}
	return slices.DeleteFunc(slices.Clone(all), func(p proc.Proc) bool { return wanted[p.PID] })
}

// Supervised picks the shepherds of this process, and their trees, from all.
func Supervised(all []proc.Proc) []proc.Proc {
	self := os.Getpid()
	return proc.Below(all, self, func(p proc.Proc) bool { return p.PPID == self && !isShepherd(p) })
}

// isShepherd reports whether p is a living shepherd of this process. Between fork and exec
// a shepherd still shows this process's own arguments, and for an instant none.
func isShepherd(p proc.Proc) bool {
	if p.PPID != os.Getpid() || !p.Alive() { // dead orphans are many after a shepherd was killed
		return false
	}
	for range 5 {
		args, err := proc.Cmdline(p.PID)
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

// shepherdLost kills the tree of a child whose shepherd was killed. As pid 1 it leaves
// processes that left the child's group to the teardown checks of the run.
func (c *Child) shepherdLost() {
	killed, err := proc.KillAll(proc.KillLimit, func(all []proc.Proc) []proc.Proc {
		return c.ownOrphans(all, isInit())
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = errors.Join(c.left, err)
	c.exit.Killed = killed
	if c.exit.At.IsZero() {
		c.exit = Exit{Code: -1, Signal: syscall.SIGKILL, Stopped: c.stopped, Lost: true, At: time.Now(),
			Killed: max(0, killed-1)}
		close(c.done)
	}
}

// ownOrphans are the child's group, and the orphans of this process that belong to no
// shepherd. A process older than the child's shepherd does not descend from it.
func (c *Child) ownOrphans(all []proc.Proc, pid1 bool) []proc.Proc {
	fell := orphans(all, pid1, func(p proc.Proc) bool {
		return p.Ticks < c.shepherd.Ticks || isShepherd(p)
	})
	return append(fell, groupOf(all, c.self)...)
}

// groupOf is the process p, its process group and all descendants; none if another process
// has its pid by now. It finds the tree where this process is no sub-reaper.
func groupOf(all []proc.Proc, p proc.Proc) []proc.Proc {
	if !slices.ContainsFunc(all, p.Same) {
		return nil
	}
	members := proc.Below(all, p.PID, nil)
	for _, q := range all {
		if q.Group == p.PID {
			members = append(members, q)
		}
	}
	return members
}

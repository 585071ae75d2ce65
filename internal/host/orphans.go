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

// Adopt makes this process a sub-reaper: the tree of a shepherd that is killed
// falls to it instead of to pid 1. The orchestrator calls it once, first of all.
func SetSubreaper() error { return proc.SetSubreaper() }

// Leftovers returns the living descendants of this process, without the
// shepherds and what they herd, and without strangers and what descends from them.
// When every Child was stopped there are none.
//
// As pid 1 it has none: to the first process of a container falls whatever anybody
// started there, as by docker exec. What is of a run is for its ledger to tell then.
//
// Asked before anything is started, it names the strangers: a shell that executed
// this program in its own place has left it its children, as a tee of its output.
func Leftovers(strangers ...proc.Proc) ([]proc.Proc, error) {
	return leftovers(isInit(), strangers)
}

func leftovers(pid1 bool, strangers []proc.Proc) ([]proc.Proc, error) {
	if proc.Childless() {
		return nil, nil
	}
	all, err := proc.Snapshot()
	return proc.Living(orphans(all, pid1, func(p proc.Proc) bool {
		return slices.ContainsFunc(strangers, p.Same) || isShepherd(p)
	})), err
}

func isInit() bool { return os.Getpid() == 1 }

// fallen is what descends from this process, without those that except names and what
// descends from them. As pid 1, no such process can be told for one of ours.
func orphans(all []proc.Proc, pid1 bool, except func(proc.Proc) bool) []proc.Proc {
	if pid1 {
		return nil
	}
	return proc.Below(all, os.Getpid(), except)
}

// Tree picks from all what descends from this process; as pid 1 only what is herded.
func OwnTree(all []proc.Proc) []proc.Proc {
	return append(orphans(all, isInit(), isShepherd), Supervised(all)...)
}

// Unherded leaves out of all the shepherds of this process and what they herd: what
// runs there is wanted, and is not left.
func Unsupervised(all []proc.Proc) []proc.Proc {
	wanted := map[int]bool{}
	for _, p := range Supervised(all) {
		wanted[p.PID] = true
	}
	return slices.DeleteFunc(slices.Clone(all), func(p proc.Proc) bool { return wanted[p.PID] })
}

// Herd picks from all the shepherds of this process and what they herd.
func Supervised(all []proc.Proc) []proc.Proc {
	self := os.Getpid()
	return proc.Below(all, self, func(p proc.Proc) bool { return p.PPID == self && !isShepherd(p) })
}

// herded reports whether p is a shepherd of this process. One that was forked
// and has not executed yet still shows our own arguments, and for an instant none.
// A dead one herds nothing; orphans that ended are many where a shepherd was killed.
func isShepherd(p proc.Proc) bool {
	if p.PPID != os.Getpid() || !p.Alive() {
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

// widowed ends the tree of a child whose shepherd was killed. As pid 1, what left the
// child's household is not ended here, but by the witnesses of the run.
func (c *Child) shepherdLost() {
	killed, err := proc.KillAll(proc.KillLimit, func(all []proc.Proc) []proc.Proc {
		return c.ownOrphans(all, isInit())
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left = errors.Join(c.left, err)
	c.exit.Killed = killed
	if c.exit.At.IsZero() {
		c.exit = Exit{Code: -1, Signal: syscall.SIGKILL, Stopped: c.stopped, Lost: true, At: time.Now(), Killed: max(0, killed-1)}
		close(c.done)
	}
}

// orphans are what hangs from the child, plus what fell to this process and belongs to
// no shepherd; whatever is older than the child's shepherd is not its offspring.
func (c *Child) ownOrphans(all []proc.Proc, pid1 bool) []proc.Proc {
	fell := orphans(all, pid1, func(p proc.Proc) bool {
		return p.Ticks < c.shepherd.Ticks || isShepherd(p)
	})
	return append(fell, groupOf(all, c.self)...)
}

// household is the process p, its process group and all that hangs from it; none
// if its pid is another's by now. It finds the tree where nobody adopted it.
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
